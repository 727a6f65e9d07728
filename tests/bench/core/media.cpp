// The headers of audio and video messages: all of them, and what a relay looks at.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/media.h"

#include <benchmark/benchmark.h>

#include "bench/core/sample.h"

namespace rtmp::bench {
namespace {

Message enhanced_frame() {
  std::vector<std::uint8_t> payload = some_bytes(frame_size);
  constexpr std::uint8_t header[] = {0xA1, 'h', 'v', 'c', '1', 0, 0, 40};  // CodedFrames
  std::copy(std::begin(header), std::end(header), payload.begin());
  return {MessageType::video, 1, 0, Buffer::adopt(std::move(payload))};
}

Message legacy_frame() { return some_media(MessageType::video, frame_size); }
Message legacy_packet() { return some_media(MessageType::audio, packet_size); }

using Make = Message (*)();

void read_header(benchmark::State& state, Make make) {
  const Message message = make();
  media::Packet packet;
  for (auto _ : state) {
    const auto read = message.type == MessageType::video
                          ? media::read_video(message.payload, packet)
                          : media::read_audio(message.payload, packet);
    require(read.has_value());
    benchmark::DoNotOptimize(packet);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(read_header, legacy_video, legacy_frame);
BENCHMARK_CAPTURE(read_header, legacy_audio, legacy_packet);
BENCHMARK_CAPTURE(read_header, enhanced_video, enhanced_frame);

void summarize(benchmark::State& state, Make make) {
  const Message message = make();
  for (auto _ : state) benchmark::DoNotOptimize(media::summarize(message));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(summarize, legacy_video, legacy_frame);
BENCHMARK_CAPTURE(summarize, legacy_audio, legacy_packet);
BENCHMARK_CAPTURE(summarize, enhanced_video, enhanced_frame);

}  // namespace
}  // namespace rtmp::bench
