// Whole handshakes, both sides together; and the server's side alone, which is what a storm of
// connections costs.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/handshake.h"

#include <benchmark/benchmark.h>

#include "bench/core/sample.h"

namespace rtmp::bench {
namespace {

using Kind = ClientHandshake::Kind;

// Random bytes cost what the system's source takes; here they cost next to nothing.
const Random cheap = [](std::span<std::uint8_t> out) {
  static const std::vector<std::uint8_t> bytes = some_bytes(handshake_block_size);
  std::copy_n(bytes.begin(), out.size(), out.begin());
};

void give(auto& to, Bytes bytes) { require(to.receive(bytes, 1000).has_value()); }

void handshake_pair(benchmark::State& state, Kind kind) {
  for (auto _ : state) {
    ClientHandshake client(kind, 0, cheap);
    ServerHandshake server(0, cheap, {true, true});
    give(server, client.take_output());
    give(client, server.take_output());
    give(server, client.take_output());
    require(client.done() && server.done());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(handshake_pair, simple, Kind::simple);
BENCHMARK_CAPTURE(handshake_pair, digest, Kind::digest);
BENCHMARK_CAPTURE(handshake_pair, encrypted, Kind::encrypted);

void handshake_server(benchmark::State& state, Kind kind) {
  const std::vector<std::uint8_t> first = ClientHandshake(kind, 0, cheap).take_output();
  const std::vector<std::uint8_t> second = some_bytes(handshake_block_size);
  for (auto _ : state) {
    ServerHandshake server(0, cheap, {true, true});
    give(server, first);
    benchmark::DoNotOptimize(server.take_output());
    give(server, second);
    require(server.done());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(handshake_server, simple, Kind::simple);
BENCHMARK_CAPTURE(handshake_server, digest, Kind::digest);
BENCHMARK_CAPTURE(handshake_server, encrypted, Kind::encrypted);

}  // namespace
}  // namespace rtmp::bench
