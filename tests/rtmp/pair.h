// A client's and a server's connection in memory, with a clock that stands still until told.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <functional>

#include "rtmp/connection.h"
#include "support.h"

namespace rtmp::test {

// All bytes that wait in the connection's output, which then count as written.
inline std::vector<std::uint8_t> take_output(Connection& connection) {
  std::vector<std::uint8_t> bytes;
  std::array<Bytes, 16> spans;
  while (!connection.output().empty()) {
    const std::size_t filled = connection.gather(spans);
    std::size_t size = 0;
    for (std::size_t i = 0; i < filled; size += spans[i++].size())
      bytes.insert(bytes.end(), spans[i].begin(), spans[i].end());
    connection.written(size);
  }
  return bytes;
}

class Pair {
 public:
  struct Side {
    Connection connection;
    std::vector<Message> messages = {};              // for the session, as they came
    boost::system::error_code error = {};            // what ended the side
    std::function<void(const Message&)> owner = {};  // is given the messages instead
  };

  explicit Pair(Connection::Settings settings = {}, std::size_t piece = 1 << 20)
      : piece_(piece),
        client{Connection::client(settings, now, test_random(1))},
        server{Connection::server(settings, now, test_random(2))} {}

  // Moves bytes between the two, in pieces, until both have nothing more to say.
  void run() {
    while (!client.connection.output().empty() || !server.connection.output().empty()) {
      move(client, server);
      move(server, client);
    }
  }

  void shake_hands() {
    run();
    client.messages.clear();
    server.messages.clear();
  }

  // Gives bytes to a side as if its peer had sent them.
  void feed(Side& side, Bytes bytes) {
    if (side.error) return;
    side.connection.receive(bytes, now);
    while (true) {
      Result<std::optional<Message>> message = side.connection.next_message();
      if (!message) side.error = message.error();
      if (!message || !*message) return;
      if (side.owner)
        side.owner(**message);
      else
        side.messages.push_back(**std::move(message));
    }
  }

  void advance(Duration duration) { now += duration; }

 private:
  void move(Side& from, Side& to) {
    const std::vector<std::uint8_t> bytes = take_output(from.connection);
    for (Bytes rest = bytes; !rest.empty(); rest = rest.subspan(std::min(piece_, rest.size())))
      feed(to, rest.first(std::min(piece_, rest.size())));
  }

  std::size_t piece_;

 public:
  Time now = Time{} + std::chrono::hours(1);
  Side client;
  Side server;
};

}  // namespace rtmp::test
