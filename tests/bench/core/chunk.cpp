// Chunks: messages cut, joined, and encoded once for any number of players.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/chunk.h"

#include <benchmark/benchmark.h>

#include "bench/core/sample.h"

namespace rtmp::bench {
namespace {

constexpr int messages = 100;

// Two audio packets and a frame, as they follow each other on the wire.
std::vector<Message> programme() {
  std::vector<Message> programme;
  for (std::int64_t i = 0; i < messages; ++i)
    programme.push_back(i % 3 == 2 ? some_media(MessageType::video, frame_size, i * 11)
                                   : some_media(MessageType::audio, packet_size, i * 11));
  return programme;
}

std::size_t payload_size(const std::vector<Message>& programme) {
  std::size_t size = 0;
  for (const Message& message : programme) size += message.payload.size();
  return size;
}

void write_all(ChunkWriter& writer, const std::vector<Message>& programme, OutputQueue& out) {
  for (const Message& message : programme)
    writer.write(message, chunk_stream::id_for(message.type), out);
}

std::vector<std::uint8_t> on_the_wire(std::uint32_t chunk_size) {
  ChunkWriter writer;
  writer.set_chunk_size(chunk_size);
  OutputQueue out;
  write_all(writer, programme(), out);
  std::vector<std::uint8_t> wire;
  while (!out.empty()) {
    Bytes front;
    out.gather({&front, 1});
    wire.insert(wire.end(), front.begin(), front.end());
    out.consume(front.size());
  }
  return wire;
}

// As a driver reads: into one buffer, again and again.
void read_chunks(benchmark::State& state) {
  const auto chunk_size = static_cast<std::uint32_t>(state.range(0));
  const std::vector<std::uint8_t> wire = on_the_wire(chunk_size);
  constexpr std::size_t block = 64 * 1024;
  for (auto _ : state) {
    ChunkReader reader;
    require(reader.set_chunk_size(chunk_size).has_value());
    int read = 0;
    for (std::size_t at = 0; at < wire.size(); at += block) {
      Bytes input = Bytes(wire).subspan(at, std::min(block, wire.size() - at));
      while (!input.empty()) {
        auto message = reader.read(input);
        require(message.has_value());
        read += message->has_value();
      }
    }
    require(read == messages);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}
BENCHMARK(read_chunks)->Arg(128)->Arg(4096)->Arg(60000);

void write_chunks(benchmark::State& state) {
  const std::vector<Message> sent = programme();
  ChunkWriter writer;
  writer.set_chunk_size(static_cast<std::uint32_t>(state.range(0)));
  OutputQueue out;
  for (auto _ : state) {
    write_all(writer, sent, out);
    benchmark::DoNotOptimize(out.size());
    out.clear();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(payload_size(sent)));
}
BENCHMARK(write_chunks)->Arg(128)->Arg(4096)->Arg(60000);

// What a relay does once per message: `shared` where others hold the payload as well, so that the
// header cannot go right before it.
void encode(benchmark::State& state, bool shared) {
  const auto chunk_size = static_cast<std::uint32_t>(state.range(0));
  const std::vector<std::uint8_t> bytes = some_bytes(frame_size);
  std::int64_t timestamp = 0;
  for (auto _ : state) {
    BufferBuilder builder(bytes.size());
    builder.append(bytes);
    Message message{MessageType::video, 1, ++timestamp, std::move(builder).take()};
    const Buffer other = shared ? message.payload : Buffer();
    benchmark::DoNotOptimize(encode_alone(std::move(message), chunk_stream::video, chunk_size));
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK_CAPTURE(encode, alone, false)->Arg(4096)->Arg(60000);
BENCHMARK_CAPTURE(encode, shared, true)->Arg(4096)->Arg(60000);

}  // namespace
}  // namespace rtmp::bench
