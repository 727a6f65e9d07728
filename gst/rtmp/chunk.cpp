// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/chunk.h"

#include <algorithm>

namespace rtmp {
namespace {

// In the 24-bit time field: the value follows in 32 bits.
constexpr std::uint32_t extended_mark = 0xFFFFFF;
constexpr std::size_t max_stream_clocks = 64;
// A little before 0 is a step back at the start; what is farther away is after 2^31.
constexpr std::int64_t earliest_time = -3'600'000;
// Below this a payload is copied next to its header: one buffer is cheaper than two.
constexpr std::size_t copy_threshold = 1024;

using HeaderWriter = BasicByteWriter<ChunkHeader>;

enum Format : std::uint8_t { full = 0, same_stream = 1, same_length = 2, continuation = 3 };

// §5.3.1.1
void write_basic_header(HeaderWriter& out, std::uint8_t format, std::uint32_t id) {
  const std::uint32_t high = std::uint32_t{format} << 6;
  if (id < 64) {
    out.u8(high | id);
  } else if (id < 64 + 256) {
    out.u8(high).u8(id - 64);
  } else {
    out.u8(high | 1).u8((id - 64) & 0xFF).u8((id - 64) >> 8);  // the low byte first
  }
}

// `extended`: the full value of the first header's time field, if it did not fit there.
ChunkHeader continuation_header(std::uint32_t id, std::optional<std::uint32_t> extended) {
  HeaderWriter out;
  write_basic_header(out, continuation, id);
  if (extended) out.u32(*extended);
  return out.take();
}

std::optional<std::uint32_t> extended_time(std::uint32_t time) {
  return time >= extended_mark ? std::optional(time) : std::nullopt;
}

// §5.3.1.2.1; the message stream id alone is little-endian.
ChunkHeader full_header(const Message& message, std::uint32_t id) {
  const auto timestamp = static_cast<std::uint32_t>(message.timestamp);
  HeaderWriter out;
  write_basic_header(out, full, id);
  out.u24(std::min(timestamp, extended_mark));
  out.u24(static_cast<std::uint32_t>(message.payload.size()));
  out.u8(static_cast<std::uint8_t>(message.type));
  out.u32_le(message.stream_id);
  if (timestamp >= extended_mark) out.u32(timestamp);
  return out.take();
}

// Gives `emit` the buffers of a message: the first header, then payload and continuation headers in
// turn. All continuation headers of a message are alike, so they share one buffer.
template <typename Emit>
void cut(const Buffer& payload, std::size_t chunk_size, Bytes first, Bytes next, Emit emit) {
  emit(Buffer::copy_of(first));
  Buffer shared_next;
  for (std::size_t at = 0; at < payload.size(); at += chunk_size) {
    if (at > 0) {
      if (shared_next.empty()) shared_next = Buffer::copy_of(next);
      emit(shared_next);
    }
    emit(payload.slice(at, std::min(chunk_size, payload.size() - at)));
  }
}

Buffer copy_whole(const Buffer& payload, std::size_t chunk_size, Bytes first, Bytes next) {
  const std::size_t chunks =
      std::max<std::size_t>(1, (payload.size() + chunk_size - 1) / chunk_size);
  BufferBuilder whole(first.size() + (chunks - 1) * next.size() + payload.size());
  whole.append(first);
  for (std::size_t at = 0; at < payload.size(); at += chunk_size) {
    if (at > 0) whole.append(next);
    whole.append(payload.bytes().subspan(at, std::min(chunk_size, payload.size() - at)));
  }
  return std::move(whole).take();
}

}  // namespace

std::uint32_t chunk_stream::id_for(MessageType type) {
  switch (type) {
    case MessageType::audio:
      return audio;
    case MessageType::video:
      return video;
    case MessageType::data:
    case MessageType::data_amf3:
    case MessageType::shared_object:
    case MessageType::shared_object_amf3:
    case MessageType::aggregate:
      return data;
    case MessageType::command:
    case MessageType::command_amf3:
      return command;
    default:
      return control;
  }
}

Result<std::optional<Message>> ChunkReader::read(Bytes& input) {
  if (!given_back_.empty()) {
    const auto earlier = std::exchange(given_back_, {});
    Bytes bytes(earlier.data(), earlier.size());
    Result<std::optional<Message>> message = advance(bytes);
    given_back_.assign(bytes.begin(), bytes.end());
    if (!message || *message) return message;
  }
  return advance(input);
}

Result<std::optional<Message>> ChunkReader::advance(Bytes& input) {
  while (true) {
    if (state_ == State::header) {
      const Result<void> taken = take_header(input);
      if (!taken) return taken.error();
      if (state_ == State::header) return std::nullopt;
    }
    if (state_ == State::repeated_timestamp) {
      if (!skip_repeated_timestamp(input)) return std::nullopt;
      if (!given_back_.empty()) return read(input);
    }
    std::optional<Message> message = take_payload(input);
    if (message || state_ == State::payload) return message;
  }
}

// A header may come in pieces: what there is of it waits in header_, and is read anew from its
// first byte when more has come. A whole one moves state_ on.
Result<void> ChunkReader::take_header(Bytes& input) {
  if (header_size_ == 0) {
    if (ChunkStream* stream = continued_by(input)) {
      input = input.subspan(1);
      state_ = State::payload;
      return begin_chunk(*stream);
    }
    const Result<std::size_t> size = read_header(input);
    if (!size) return size.error();
    input = input.subspan(*size);
    if (*size > 0) return {};
  }
  const std::size_t before = header_size_;
  const std::size_t count = std::min(input.size(), max_chunk_header_size - before);
  std::copy_n(input.begin(), count, header_.begin() + static_cast<std::ptrdiff_t>(before));
  const Result<std::size_t> size = read_header(Bytes(header_.data(), before + count));
  if (!size) return size.error();
  header_size_ = *size > 0 ? 0 : before + count;
  input = input.subspan(*size > 0 ? *size - before : count);
  return {};
}

// Most headers are the one byte that goes on with a message. The chunk stream, if this is one.
ChunkReader::ChunkStream* ChunkReader::continued_by(Bytes input) {
  if (input.empty() || input[0] >> 6 != continuation) return nullptr;
  const std::uint8_t place = index_[input[0] & 63];
  if (place == 0) return nullptr;
  current_ = place - 1u;
  ChunkStream& stream = streams_[current_];
  return stream.partial && !stream.extended ? &stream : nullptr;
}

// §5.3.1. Answers the header's size, 0 if it is not whole yet.
Result<std::size_t> ChunkReader::read_header(Bytes bytes) {
  ByteReader in(bytes);
  const std::uint8_t first = in.u8();
  std::uint32_t id = first & 63;
  if (id == 0) {
    id = 64u + in.u8();
  } else if (id == 1) {
    id = 64u + in.u8();
    id += std::uint32_t{in.u8()} << 8;
  }
  if (!in.ok()) return std::size_t{0};

  Header header{.format = static_cast<std::uint8_t>(first >> 6)};
  const ChunkStream* known = find(id);
  if (header.format == continuation) {
    if (!known) return Error::no_first_chunk;
    header.extended = known->extended && !known->partial && !peer_omits_extended_;
  } else {
    header.time_field = in.u24();
    if (header.format <= same_stream) {
      header.length = in.u24();
      header.type = in.u8();
    }
    if (header.format == full) header.stream_id = in.u32_le();
    header.extended = header.time_field == extended_mark;
  }
  if (header.extended) header.time_field = in.u32();
  if (!in.ok()) return std::size_t{0};

  const Result<void> applied = apply(id, header);
  if (!applied) return applied.error();
  return in.position();
}

Result<void> ChunkReader::apply(std::uint32_t id, const Header& header) {
  const Result<std::size_t> found = find_or_add(id);
  if (!found) return found.error();
  current_ = *found;
  ChunkStream& stream = streams_[current_];
  const bool continues = header.format == continuation && stream.partial;
  if (!continues) {
    const Result<void> begun = begin_message(stream, header);
    if (!begun) return begun;
  }
  repeated_ = 0;
  state_ = continues && stream.extended && !peer_omits_extended_ ? State::repeated_timestamp
                                                                 : State::payload;
  return begin_chunk(stream);
}

Result<void> ChunkReader::begin_chunk(ChunkStream& stream) {
  if (chunk_size_ < default_chunk_size && ++tiny_chunks_ > limits_.tiny_chunks_per_second)
    return Error::tiny_chunk_flood;
  if (++stream.chunks > limits_.tiny_chunks_per_message && chunk_size_ < default_chunk_size)
    return Error::tiny_chunk_flood;
  chunk_left_ =
      std::min<std::uint32_t>(chunk_size_, static_cast<std::uint32_t>(stream.partial->missing()));
  if (partial_bytes_ + chunk_left_ > limits_.partial_bytes) return Error::too_many_partial_bytes;
  return {};
}

Result<void> ChunkReader::begin_message(ChunkStream& stream, const Header& header) {
  if (stream.partial) {
    // A sender that starts over with the same size and type gave the message up; anything else
    // would let it change what was already checked.
    const bool same = header.format == same_length ||
                      (header.length == stream.length && header.type == stream.type);
    if (!same) return Error::message_changed;
    drop_partial(stream);
  }
  set_time(stream, header);
  if (header.format <= same_stream) {
    stream.length = header.length;
    stream.type = header.type;
  }
  if (header.format == full) stream.stream_id = header.stream_id;
  if (stream.length > limits_.message_size) return Error::message_too_large;
  stream.partial.emplace(stream.length);
  stream.chunks = 0;
  return {};
}

void ChunkReader::set_time(ChunkStream& stream, const Header& header) {
  if (header.format != continuation) stream.extended = header.extended;
  if (header.format != continuation || header.extended) stream.delta = header.time_field;
  // A full header says the time itself, which also is the delta it leaves behind (§5.3.1.2.4).
  stream.timestamp = header.format == full ? header.time_field : stream.timestamp + stream.delta;
}

// Type 3 chunks repeat the extended timestamp, but some senders leave it out
// (docs/protocol/timestamps.md): the first byte that differs tells, and then those before it were
// payload. Answers false if more bytes are needed.
bool ChunkReader::skip_repeated_timestamp(Bytes& input) {
  const std::uint32_t value = streams_[current_].delta;
  for (; repeated_ < 4 && !input.empty(); ++repeated_, input = input.subspan(1)) {
    if (input[0] == static_cast<std::uint8_t>(value >> (24 - 8 * repeated_))) continue;
    peer_omits_extended_ = true;
    for (unsigned i = 0; i < repeated_; ++i)
      given_back_.push_back(static_cast<std::uint8_t>(value >> (24 - 8 * i)));
    state_ = State::payload;
    return true;
  }
  if (repeated_ < 4) return false;
  state_ = State::payload;
  return true;
}

std::optional<Message> ChunkReader::take_payload(Bytes& input) {
  ChunkStream& stream = streams_[current_];
  const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(chunk_left_, input.size()));
  stream.partial->append(input.first(count));
  input = input.subspan(count);
  chunk_left_ -= count;
  partial_bytes_ += count;
  if (chunk_left_ > 0) return std::nullopt;
  state_ = State::header;
  if (!stream.partial->complete()) return std::nullopt;
  return finish_message(stream);
}

Message ChunkReader::finish_message(ChunkStream& stream) {
  partial_bytes_ -= stream.partial->size();
  Message message{.type = static_cast<MessageType>(stream.type),
                  .stream_id = stream.stream_id,
                  .timestamp = unwrapped(stream),
                  .payload = std::move(*stream.partial).take()};
  stream.partial.reset();
  return message;
}

// One clock for a message stream, moved by its audio and video alone: commands and data may say 0.
std::int64_t ChunkReader::unwrapped(const ChunkStream& stream) {
  const auto type = static_cast<MessageType>(stream.type);
  const bool moves = is_media(type) || type == MessageType::aggregate;
  const auto clock = std::find_if(clocks_.begin(), clocks_.end(), [&](const StreamClock& known) {
    return known.stream_id == stream.stream_id;
  });
  if (clock != clocks_.end()) {
    std::int64_t time = unwrap_timestamp(stream.timestamp, clock->last);
    // A stream that begins late, behind sequence headers at 0.
    if (time < earliest_time) time += std::int64_t{1} << 32;
    if (moves) clock->last = time;
    return time;
  }
  if (moves && clocks_.size() < max_stream_clocks)
    clocks_.push_back({stream.stream_id, stream.timestamp});
  return stream.timestamp;
}

Result<void> ChunkReader::set_chunk_size(std::uint32_t size) {
  if (size == 0 || size > 0x7FFFFFFF) return Error::bad_chunk_size;
  chunk_size_ = std::min(size, max_message_size);
  return {};
}

void ChunkReader::abort(std::uint32_t chunk_stream_id) {
  assert(state_ == State::header);
  if (ChunkStream* stream = find(chunk_stream_id); stream && stream->partial) drop_partial(*stream);
}

void ChunkReader::drop_partial(ChunkStream& stream) {
  partial_bytes_ -= stream.partial->size();
  stream.partial.reset();
}

ChunkReader::ChunkStream* ChunkReader::find(std::uint32_t id) {
  if (id < index_.size()) return index_[id] > 0 ? &streams_[index_[id] - 1u] : nullptr;
  const auto stream = std::find_if(streams_.begin(), streams_.end(),
                                   [&](const ChunkStream& known) { return known.id == id; });
  return stream == streams_.end() ? nullptr : &*stream;
}

Result<std::size_t> ChunkReader::find_or_add(std::uint32_t id) {
  if (const ChunkStream* known = find(id)) return static_cast<std::size_t>(known - streams_.data());
  if (streams_.size() >= limits_.chunk_streams) return Error::too_many_chunk_streams;
  streams_.emplace_back().id = id;
  if (id < index_.size()) index_[id] = static_cast<std::uint8_t>(streams_.size());
  return streams_.size() - 1;
}

void ChunkWriter::write(const Message& message, std::uint32_t id, OutputQueue& out) {
  assert(message.payload.size() <= max_message_size);
  const FirstHeader first = first_header(message, id);
  const ChunkHeader next = continuation_header(id, first.extended);
  if (message.payload.size() <= copy_threshold) {
    out.push(copy_whole(message.payload, chunk_size_, first.bytes, next));
  } else {
    cut(message.payload, chunk_size_, first.bytes, next,
        [&](Buffer part) { out.push(std::move(part)); });
  }
}

// A shorter header is a prefix of the full one, without what the last message on this chunk stream
// already said. Time going backward and gaps that would need an extended delta get a full header,
// for some readers take those wrongly. Type 3 never starts a message right after a full header:
// readers disagree on the delta that one leaves behind.
ChunkWriter::FirstHeader ChunkWriter::first_header(const Message& message, std::uint32_t id) {
  const auto timestamp = static_cast<std::uint32_t>(message.timestamp);
  const auto length = static_cast<std::uint32_t>(message.payload.size());
  Previous& previous = find_or_add(id);
  const std::uint32_t delta = timestamp - previous.timestamp;
  const bool needs_full =
      !previous.known || previous.stream_id != message.stream_id || delta >= extended_mark;
  const bool same_kind = previous.length == length && previous.type == message.type;
  const bool same_delta = previous.delta == delta;
  previous = {
      id,     true,         timestamp,        needs_full ? std::nullopt : std::optional(delta),
      length, message.type, message.stream_id};
  if (needs_full) return {full_header(message, id), extended_time(timestamp)};
  HeaderWriter out;
  write_basic_header(out, !same_kind ? same_stream : same_delta ? continuation : same_length, id);
  if (!same_kind || !same_delta) out.u24(delta);
  if (!same_kind) out.u24(length).u8(static_cast<std::uint8_t>(message.type));
  return {out.take(), std::nullopt};
}

ChunkWriter::Previous& ChunkWriter::find_or_add(std::uint32_t id) {
  const auto found = std::find_if(previous_.begin(), previous_.end(), [&](const Previous& known) {
    return known.chunk_stream_id == id;
  });
  if (found != previous_.end()) return *found;
  Previous& added = previous_.emplace_back();
  added.chunk_stream_id = id;
  return added;
}

EncodedMessage encode_alone(Message message, std::uint32_t id, std::uint32_t chunk_size) {
  const auto timestamp = static_cast<std::uint32_t>(message.timestamp);
  const ChunkHeader first = full_header(message, id);
  EncodedMessage encoded;
  if (message.payload.size() <= chunk_size && message.payload.can_prepend(first.size())) {
    Buffer whole = std::move(message.payload).prepend(first);
    encoded.payload = whole.slice(first.size());
    encoded.size = whole.size();
    encoded.segments.push_back(std::move(whole));
    return encoded;
  }
  encoded.payload = std::move(message.payload);
  const auto next = continuation_header(id, extended_time(timestamp));
  cut(encoded.payload, chunk_size, first, next, [&](Buffer part) {
    encoded.size += part.size();
    encoded.segments.push_back(std::move(part));
  });
  return encoded;
}

}  // namespace rtmp
