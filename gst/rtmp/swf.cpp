// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/swf.h"

#include "rtmp/control.h"

namespace rtmp::swf {
namespace {

constexpr std::uint8_t version = 1;

bool is_event(const Message& message, control::Event event) {
  return message.type == MessageType::user_control &&
         ByteReader(message.payload).u16() == static_cast<std::uint16_t>(event);
}

Message user_control(control::Event event, Bytes fields) {
  ByteWriter out;
  out.u16(static_cast<std::uint16_t>(event)).bytes(fields);
  return {MessageType::user_control, 0, 0, Buffer::adopt(out.take())};
}

}  // namespace

Player describe(Bytes file) {
  return {crypto::hmac_sha256(as_bytes("Genuine Adobe Flash Player 001"), {file}),
          static_cast<std::uint32_t>(file.size())};
}

Message request() { return user_control(control::Event::swf_verify_request, Bytes(&version, 1)); }

Message response(const Player& player, const Key& key) {
  ByteWriter fields;
  fields.u8(version).u8(version).u32(player.size).u32(player.size);
  fields.bytes(crypto::hmac_sha256(key, {player.hash}));
  return user_control(control::Event::swf_verify_response, fields.view());
}

bool is_request(const Message& message) {
  return is_event(message, control::Event::swf_verify_request) &&
         (message.payload.size() < 3 || message.payload.bytes()[2] <= version);
}

bool is_response(const Message& message) {
  return is_event(message, control::Event::swf_verify_response);
}

bool proves(const Message& message, const Player& player, const Key& key) {
  return crypto::equal(message.payload, response(player, key).payload);
}

}  // namespace rtmp::swf
