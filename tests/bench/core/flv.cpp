// FLV tags, from a stream and to one.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/flv.h"

#include <benchmark/benchmark.h>

#include "bench/core/sample.h"

namespace rtmp::bench {
namespace {

void read_flv(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::vector<std::uint8_t> tag = flv::write_tag(some_media(MessageType::video, size));
  flv::Reader reader;
  for (auto _ : state) {
    reader.receive(tag);
    auto message = reader.next();
    require(message && *message);
    benchmark::DoNotOptimize(**message);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(tag.size()));
}
BENCHMARK(read_flv)->Arg(packet_size)->Arg(frame_size)->Arg(keyed_size);

void write_flv(benchmark::State& state) {
  const Message message = some_media(MessageType::video, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(flv::write_tag(message));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(message.payload.size()));
}
BENCHMARK(write_flv)->Arg(packet_size)->Arg(frame_size)->Arg(keyed_size);

}  // namespace
}  // namespace rtmp::bench
