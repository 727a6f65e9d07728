// SWF verification: a client proves that it has the player's file that a server expects. Whoever
// has the file can, so it tells players apart that mean well. SPDX-License-Identifier:
// LGPL-2.1-or-later
#pragma once

#include "rtmp/crypto.h"
#include "rtmp/message.h"

namespace rtmp::swf {

// What both sides know of the file.
struct Player {
  crypto::Sha256 hash = {};
  std::uint32_t size = 0;  // bytes, uncompressed

  bool operator==(const Player&) const = default;
};

// Of an uncompressed file, which begins with "FWS".
Player describe(Bytes file);

// What a proof is keyed with: the end of S1, so that it is good for one connection.
constexpr std::size_t key_size = 32;
using Key = std::array<std::uint8_t, key_size>;

// User control messages with events 26 and 27.
Message request();
Message response(const Player& player, const Key& key);
// Of a kind that we can answer.
bool is_request(const Message& message);
bool is_response(const Message& message);
bool proves(const Message& response, const Player& player, const Key& key);

}  // namespace rtmp::swf
