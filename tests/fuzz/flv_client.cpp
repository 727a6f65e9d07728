// A client of HTTP-FLV: what it publishes, and what it is sent. The first byte says which, and
// whether the session allows it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/flv_client.h"

#include "rtmp/server_session.h"
#include "sessions.h"

namespace {

using namespace rtmp;
using Purpose = FlvRequest::Purpose;

struct Owner {
  void operator()(const server_event::ConnectRequest&) { session.accept_connect(); }
  void operator()(const server_event::PublishRequest& request) {
    allows ? session.accept_publish(request.stream_id)
           : session.reject_publish(request.stream_id, {"error", "No", "no"});
  }
  void operator()(const server_event::PlayRequest& request) {
    allows ? session.accept_play(request.stream_id)
           : session.reject_play(request.stream_id, {"error", "No", "no"});
  }
  void operator()(const server_event::MediaReceived& media) {
    LAW(media.message.stream_id == 1 && media.message.type != MessageType::command);
  }
  template <typename Other>
  void operator()(const Other&) {}

  ServerSession& session;
  const bool allows;
};

// False once the client is at fault.
bool take(Connection& connection, ServerSession& session, Owner& owner, Bytes bytes) {
  connection.receive(bytes, fuzz::start);
  while (true) {
    const auto message = connection.next_message();
    if (!message) return false;
    if (!*message) return true;
    if (!session.receive(**message, fuzz::start)) return false;
    while (auto event = session.next_event()) std::visit(owner, *event);
    for (const Message& output : session.take_output()) connection.send(output);
  }
}

std::vector<std::uint8_t> written(Connection& connection) {
  std::vector<std::uint8_t> bytes;
  while (!connection.output().empty()) {
    Bytes span;
    connection.gather({&span, 1});
    bytes.insert(bytes.end(), span.begin(), span.end());
    connection.written(span.size());
  }
  return bytes;
}

// What a player is sent is FLV, tag for tag.
void play(Connection& connection, fuzz::Input& in) {
  flv::Reader reader;
  reader.receive(written(connection));
  while (!in.empty()) {
    const auto type = in.byte() % 2 == 0 ? MessageType::audio : MessageType::video;
    const Buffer payload = Buffer::copy_of(in.take(in.byte()));
    connection.send({type, 1, in.byte(), payload});
    reader.receive(written(connection));
    const auto tag = reader.next();
    LAW(tag && *tag && (*tag)->type == type);
    LAW(std::ranges::equal((*tag)->payload.bytes(), payload.bytes()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in(data, size);
  const std::uint8_t policy = in.byte();
  FlvRequest request;
  request.purpose = policy & 1 ? Purpose::publish : Purpose::play;
  request.app = "live";
  request.name = "cam";
  Connection connection = Connection::flv(request, fuzz::start);
  ServerSession session({}, fuzz::start);
  Owner owner{session, (policy & 2) == 0};
  bool goes_on = take(connection, session, owner, {});
  LAW(goes_on && connection.over() != owner.allows);
  if (request.purpose == Purpose::play && owner.allows) play(connection, in);
  while (goes_on && !in.empty())
    goes_on = take(connection, session, owner, in.take(in.byte() + 1u));
  return 0;
}
