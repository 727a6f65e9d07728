// A connection whose peer is the fuzzer: the handshake is over, chunks follow.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "fuzz.h"
#include "rtmp/connection.h"

namespace rtmp::fuzz {

inline Random zeros() {
  return [](std::span<std::uint8_t> out) { std::ranges::fill(out, 0); };
}

constexpr Time start = Time{} + std::chrono::hours(1);

inline Connection::Settings connection_settings() {
  return {.limits = {.message_size = 64 * 1024, .partial_bytes = 256 * 1024}};
}

inline void drop_output(Connection& connection) { connection.written(connection.output().size()); }

// The peer's handshake: simple, all zeros.
inline void establish(Connection& connection) {
  std::vector<std::uint8_t> blocks(1 + 2 * handshake_block_size);
  blocks[0] = plain_version;
  connection.receive(blocks, start);
  LAW(connection.next_message().has_value());
  LAW(connection.established());
  drop_output(connection);
}

// Gives the session the messages in the bytes until one of both has enough.
template <typename Session, typename HandleEvents>
void drive(Connection& connection, Session& session, Input& in, HandleEvents handle_events) {
  establish(connection);
  Time now = start;
  while (!in.empty()) {
    now += std::chrono::milliseconds(10);
    const Bytes piece = in.take(in.byte() + 1u);
    connection.receive(piece, now);
    for (;;) {
      const auto message = connection.next_message();
      if (!message) return;
      if (!*message) break;
      const auto received = session.receive(**message, now);
      handle_events();
      for (const Message& output : session.take_output()) connection.send(output);
      if (!received) return;
    }
    drop_output(connection);
    if (!connection.tick(now) || !session.tick(now)) return;
  }
}

}  // namespace rtmp::fuzz
