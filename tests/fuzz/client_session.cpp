// A client's connection and session. The first byte says what it is for.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/client_session.h"

#include "sessions.h"

namespace {

using namespace rtmp;

ClientSession::Settings settings(std::uint8_t steering) {
  ClientSession::Settings settings;
  settings.swf = swf::Player{};
  settings.purpose = steering & 1 ? ClientSession::Purpose::publish : ClientSession::Purpose::play;
  settings.app = "live";
  settings.tc_url = "rtmp://localhost/live";
  settings.stream = "cam";
  if (steering & 2) settings.credentials = {"user", "password"};
  if (steering & 4) settings.secure_token = "secret";
  return settings;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in(data, size);
  const std::uint8_t steering = in.byte();
  Connection connection =
      Connection::client(fuzz::connection_settings(), fuzz::start, fuzz::zeros());
  ClientSession session(settings(steering), fuzz::zeros());
  bool started = false;
  session.start(fuzz::start);
  fuzz::drive(connection, session, in, [&] {
    while (const auto event = session.next_event()) {
      if (std::holds_alternative<client_event::Started>(*event)) {
        LAW(!std::exchange(started, true));
        if (!(steering & 1)) session.seek(1000);
      }
      if (const auto* media = std::get_if<client_event::MediaReceived>(&*event))
        LAW(media->message.type != MessageType::aggregate);
    }
  });
  return 0;
}
