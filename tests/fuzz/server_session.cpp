// A server's connection and session. The first byte says what its owner allows.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/server_session.h"

#include "sessions.h"

namespace {

using namespace rtmp;
using namespace server_event;

// Answers every request, at once or when the next message has come.
class Owner {
 public:
  Owner(ServerSession& session, std::uint8_t policy) : session_(session), policy_(policy) {}

  void handle_events() {
    while (auto event = session_.next_event())
      std::visit([this](const auto& happened) { handle(happened); }, *event);
  }

 private:
  bool allows(unsigned bit) const { return (policy_ >> bit & 1) == 0; }
  static Status refusal() { return {"error", "NetStream.Failed", "No."}; }

  void handle(const ConnectRequest&) {
    allows(0) ? session_.accept_connect() : session_.reject_connect(refusal());
  }
  void handle(const PublishRequest& request) {
    LAW(session_.active());
    allows(1) ? session_.accept_publish(request.stream_id)
              : session_.reject_publish(request.stream_id, refusal());
  }
  void handle(const PlayRequest& request) {
    LAW(session_.active());
    if (!allows(2)) return session_.reject_play(request.stream_id, refusal());
    session_.accept_play(request.stream_id);
    session_.notify_publish(request.stream_id);
    session_.notify_unpublish(request.stream_id);
  }
  void handle(const MediaReceived& media) { LAW(media.message.type != MessageType::aggregate); }
  void handle(const StreamClosed&) {}
  void handle(const PauseRequest&) {}
  void handle(const SeekRequest&) {}
  void handle(const ReceiveRequest&) {}

  ServerSession& session_;
  const std::uint8_t policy_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in(data, size);
  const std::uint8_t policy = in.byte();
  Connection connection =
      Connection::server(fuzz::connection_settings(), fuzz::start, fuzz::zeros());
  ServerSession session({}, fuzz::start);
  Owner owner(session, policy);
  fuzz::drive(connection, session, in, [&] { owner.handle_events(); });
  return 0;
}
