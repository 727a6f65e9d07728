// The chunk stream: a first byte says how the rest is cut, which must not matter.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/chunk.h"
#include "fuzz.h"
#include "rtmp/control.h"

namespace {

using namespace rtmp;

struct Outcome {
  std::vector<Message> messages;
  boost::system::error_code error;
};

Result<void> apply(ChunkReader& reader, const Message& message) {
  if (!control::is_control(message.type)) return {};
  const auto read = control::read(message);
  if (!read) return read.error();
  if (const auto* size = std::get_if<control::SetChunkSize>(&*read))
    return reader.set_chunk_size(size->size);
  if (const auto* abort = std::get_if<control::Abort>(&*read)) reader.abort(abort->chunk_stream_id);
  return {};
}

Outcome read_all(Bytes bytes, std::size_t piece) {
  const ChunkLimits limits{.message_size = 256 * 1024, .partial_bytes = 512 * 1024};
  ChunkReader reader(limits);
  Outcome outcome;
  fuzz::in_pieces(bytes, piece, [&](Bytes input) {
    while (!outcome.error && !input.empty()) {
      auto message = reader.read(input);
      LAW(reader.partial_bytes() <= limits.partial_bytes);
      if (!message) {
        outcome.error = message.error();
      } else if (*message) {
        if (const auto applied = apply(reader, **message); !applied)
          outcome.error = applied.error();
        outcome.messages.push_back(**std::move(message));
      }
    }
  });
  return outcome;
}

bool same(const Message& a, const Message& b) {
  return a.type == b.type && a.stream_id == b.stream_id && a.timestamp == b.timestamp &&
         std::ranges::equal(a.payload.bytes(), b.payload.bytes());
}

std::vector<std::uint8_t> bytes_of(const OutputQueue& queue) {
  std::vector<Bytes> spans(4096);
  spans.resize(queue.gather(spans));
  std::vector<std::uint8_t> bytes;
  for (const Bytes span : spans) bytes.insert(bytes.end(), span.begin(), span.end());
  return bytes;
}

// What is written reads back.
void write_again(const std::vector<Message>& messages) {
  ChunkWriter writer;
  writer.set_chunk_size(4096);
  ChunkReader reader;
  LAW(reader.set_chunk_size(4096).has_value());
  for (const Message& message : messages) {
    OutputQueue out;
    writer.write(message, chunk_stream::id_for(message.type), out);
    const auto bytes = bytes_of(out);
    Bytes input = bytes;
    const auto back = reader.read(input);
    LAW(back && *back && input.empty());
    LAW(std::ranges::equal((*back)->payload.bytes(), message.payload.bytes()));
    LAW((*back)->type == message.type && (*back)->stream_id == message.stream_id);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in(data, size);
  const std::size_t piece = in.byte() % 64 + 1;
  const Bytes bytes = in.rest();
  const Outcome whole = read_all(bytes, 0);
  const Outcome pieces = read_all(bytes, piece);
  LAW(whole.error == pieces.error);
  LAW(std::ranges::equal(whole.messages, pieces.messages, same));
  write_again(whole.messages);
  return 0;
}
