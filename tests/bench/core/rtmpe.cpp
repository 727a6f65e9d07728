// RTMPE: what the cipher costs, alone and in a connection that sends frames to a player.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/rtmpe.h"

#include <benchmark/benchmark.h>

#include "bench/core/sample.h"
#include "rtmp/connection.h"

namespace rtmp::bench {
namespace {

using Kind = ClientHandshake::Kind;

const Random cheap = [](std::span<std::uint8_t> out) {
  static const std::vector<std::uint8_t> bytes = some_bytes(handshake_block_size);
  std::copy_n(bytes.begin(), out.size(), out.begin());
};

void rc4(benchmark::State& state) {
  rtmpe::Rc4 cipher(some_bytes(16));
  std::vector<std::uint8_t> bytes = some_bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    cipher.apply(bytes);
    benchmark::DoNotOptimize(bytes.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(rc4)->Arg(16)->Arg(256)->Arg(4 << 10)->Arg(64 << 10);

void drop_output(Connection& connection) {
  std::array<Bytes, 64> spans;
  while (!connection.output().empty()) {
    std::size_t size = 0;
    for (Bytes span : std::span(spans).first(connection.gather(spans))) size += span.size();
    connection.written(size);
  }
}

std::vector<std::uint8_t> take_output(Connection& connection) {
  std::vector<std::uint8_t> bytes;
  while (!connection.output().empty()) {
    Bytes front;
    connection.gather({&front, 1});
    bytes.insert(bytes.end(), front.begin(), front.end());
    connection.written(front.size());
  }
  return bytes;
}

void give(Connection& to, Bytes bytes) {
  to.receive(bytes, Time{});
  require(to.next_message().has_value());
}

// Of a server whose client has shaken hands.
Connection established(Kind kind) {
  Connection client = Connection::client({.handshake = kind}, Time{}, cheap);
  Connection server = Connection::server({.accepts = {true, true}}, Time{}, cheap);
  give(server, take_output(client));
  give(client, take_output(server));
  give(server, take_output(client));
  require(server.established());
  return server;
}

// Shared frames, a few of which leave together.
void player(benchmark::State& state, Kind kind) {
  Connection connection = established(kind);
  const EncodedMessage picture =
      encode_alone(some_media(MessageType::video, frame_size, 0), 6, 60'000);
  const EncodedMessage sound =
      encode_alone(some_media(MessageType::audio, packet_size, 0), 4, 60'000);
  for (auto _ : state) {
    connection.send(sound);
    connection.send(picture);
    connection.send(sound);
    drop_output(connection);
  }
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(picture.size + 2 * sound.size));
}
BENCHMARK_CAPTURE(player, plain, Kind::simple);
BENCHMARK_CAPTURE(player, encrypted, Kind::encrypted);

}  // namespace
}  // namespace rtmp::bench
