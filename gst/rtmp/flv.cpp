// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/flv.h"

#include <algorithm>
#include <cassert>

#include "rtmp/media.h"
#include "rtmp/timestamp.h"

namespace rtmp::flv {
namespace {

constexpr std::uint8_t signature[] = {'F', 'L', 'V'};
constexpr std::uint8_t has_audio_flag = 0x04;
constexpr std::uint8_t has_video_flag = 0x01;

// First byte of a tag header.
constexpr std::uint8_t filter_flag = 0x20;
constexpr std::uint8_t type_mask = 0x1F;
constexpr std::uint8_t reserved_mask = 0xC0;

// Below this many read bytes, and less than half of all, moving the rest forward is not worth it.
constexpr std::size_t compact_from = 64 * 1024;

bool is_known(MessageType type) {
  return is_media(type) || type == MessageType::data || type == MessageType::data_amf3;
}

bool is_of_use(const TagHeader& header) { return is_known(header.type) && !header.filtered; }

constexpr std::uint8_t byte(std::uint32_t value, int shift) {
  return static_cast<std::uint8_t>(value >> shift);
}

// A stream without file header must begin with what can be a tag.
bool may_be_tag(Bytes bytes) {
  const auto type = static_cast<MessageType>(bytes[0] & type_mask);
  const std::uint8_t stream_id_high = bytes[8];
  return is_known(type) && (bytes[0] & reserved_mask) == 0 && stream_id_high == 0;
}

bool is_frame(const Message& message) {
  using Kind = media::Summary::Kind;
  switch (media::summarize(message).kind) {
    case Kind::key_frame:
    case Kind::inter_frame:
    case Kind::disposable_frame:
    case Kind::audio:
      return true;
    default:
      return false;
  }
}

// One tag of a buffer, as read_tag() and split_aggregate() see it.
struct TagInBuffer {
  TagHeader header;
  Buffer body;
};

std::optional<TagInBuffer> find_tag(const Buffer& bytes, std::size_t offset) {
  const Bytes rest = bytes.bytes().subspan(offset);
  if (rest.size() < tag_header_size) return {};
  const TagHeader header = read_tag_header(rest.first<tag_header_size>());
  if (header.size > rest.size() - tag_header_size) return {};
  return TagInBuffer{header, bytes.slice(offset + tag_header_size, header.size)};
}

}  // namespace

std::array<std::uint8_t, header_size + back_pointer_size> write_file_header(FileHeader header) {
  const auto flags = static_cast<std::uint8_t>((header.has_audio ? has_audio_flag : 0) |
                                               (header.has_video ? has_video_flag : 0));
  return {'F', 'L', 'V', 1, flags, 0, 0, 0, header_size, 0, 0, 0, 0};
}

std::array<std::uint8_t, tag_header_size> write_tag_header(const TagHeader& header) {
  assert(header.size <= 0xFFFFFF);
  const std::uint32_t size = header.size, time = header.timestamp;
  const auto type = static_cast<std::uint32_t>(header.type) | (header.filtered ? filter_flag : 0);
  return {byte(type, 0),
          byte(size, 16),
          byte(size, 8),
          byte(size, 0),
          byte(time, 16),
          byte(time, 8),
          byte(time, 0),
          byte(time, 24),
          0,
          0,
          0};  // the stream id
}

TagHeader read_tag_header(std::span<const std::uint8_t, tag_header_size> bytes) {
  const auto u24 = [bytes](std::size_t at) {
    return std::uint32_t{bytes[at]} << 16 | std::uint32_t{bytes[at + 1]} << 8 | bytes[at + 2];
  };
  TagHeader header;
  header.type = static_cast<MessageType>(bytes[0] & type_mask);
  header.filtered = (bytes[0] & filter_flag) != 0;
  header.size = u24(1);
  header.timestamp = std::uint32_t{bytes[7]} << 24 | u24(4);
  return header;
}

std::array<std::uint8_t, back_pointer_size> write_back_pointer(std::uint32_t body_size) {
  const std::uint32_t size = body_size + std::uint32_t{tag_header_size};
  return {byte(size, 24), byte(size, 16), byte(size, 8), byte(size, 0)};
}

std::vector<std::uint8_t> write_tag(const Message& message) {
  assert(is_known(message.type));
  const auto size = static_cast<std::uint32_t>(message.payload.size());
  const auto timestamp = static_cast<std::uint32_t>(message.timestamp);
  const auto header = write_tag_header({message.type, false, size, timestamp});
  const auto back_pointer = write_back_pointer(size);
  std::vector<std::uint8_t> out;
  out.reserve(header.size() + size + back_pointer.size());
  out.insert(out.end(), header.begin(), header.end());
  out.insert(out.end(), message.payload.bytes().begin(), message.payload.bytes().end());
  out.insert(out.end(), back_pointer.begin(), back_pointer.end());
  return out;
}

Result<std::optional<Message>> read_tag(const Buffer& bytes) {
  auto tag = find_tag(bytes, 0);
  if (!tag) return Error::truncated;
  if (!is_of_use(tag->header)) return std::optional<Message>();
  return Message{tag->header.type, 0, tag->header.timestamp, std::move(tag->body)};
}

void Reader::receive(Bytes bytes) {
  const std::size_t unread_size = pending_.size() - position_;
  if (unread_size == 0 || (position_ >= compact_from && position_ >= unread_size)) {
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(position_));
    position_ = 0;
  }
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

// Whether all that is of no interest has been passed.
bool Reader::pass_over() {
  const std::size_t count = std::min(to_pass_over_, unread().size());
  position_ += count;
  to_pass_over_ -= count;
  return to_pass_over_ == 0;
}

// Whether the stream's start has been seen whole.
Result<bool> Reader::read_start() {
  if (started_) return true;
  const Bytes bytes = unread();
  if (bytes.size() < header_size) return false;
  started_ = true;
  if (!std::ranges::equal(bytes.first(std::size(signature)), signature)) {
    if (!may_be_tag(bytes)) return Error::bad_flv_header;
    return true;
  }
  ByteReader in(bytes.subspan(std::size(signature) + 1));  // behind the version
  const std::uint8_t flags = in.u8();
  header_ = FileHeader{(flags & has_audio_flag) != 0, (flags & has_video_flag) != 0};
  to_pass_over_ = std::max<std::size_t>(in.u32(), header_size) + back_pointer_size;
  return true;
}

Result<std::optional<Message>> Reader::next() {
  const auto started = read_start();
  if (!started) return started.error();
  while (*started && pass_over() && unread().size() >= tag_header_size) {
    const TagHeader header = read_tag_header(unread().first<tag_header_size>());
    if (header.size > max_tag_size_) return Error::message_too_large;
    if (is_of_use(header)) {
      if (unread().size() - tag_header_size < header.size) break;
      return read_message(header);
    }
    ++skipped_;
    to_pass_over_ = tag_header_size + header.size + back_pointer_size;
  }
  return std::optional<Message>();
}

// The whole tag is there. Its back pointer is passed over when it comes: the last may be missing.
Message Reader::read_message(const TagHeader& header) {
  const Bytes body = unread().subspan(tag_header_size, header.size);
  Message message{header.type, 0, header.timestamp, Buffer::copy_of(body)};
  message.timestamp = unwrap(message);
  position_ += tag_header_size + header.size;
  to_pass_over_ = back_pointer_size;
  return message;
}

std::int64_t Reader::unwrap(const Message& message) {
  const auto low = static_cast<std::uint32_t>(message.timestamp);
  const std::int64_t time = last_frame_ ? unwrap_timestamp(low, *last_frame_) : low;
  if (is_frame(message)) last_frame_ = time;
  return time;
}

std::vector<Message> split_aggregate(const Message& aggregate) {
  std::vector<Message> parts;
  std::optional<std::uint32_t> first_timestamp;
  std::size_t offset = 0;
  while (offset < aggregate.payload.size() && parts.size() < max_aggregate_parts) {
    auto tag = find_tag(aggregate.payload, offset);
    if (!tag) break;
    const TagHeader& header = tag->header;
    if (!first_timestamp) first_timestamp = header.timestamp;
    const auto step = static_cast<std::int32_t>(header.timestamp - *first_timestamp);
    if (is_of_use(header))
      parts.push_back(
          {header.type, aggregate.stream_id, aggregate.timestamp + step, std::move(tag->body)});
    offset += tag_header_size + header.size + back_pointer_size;
  }
  return parts;
}

}  // namespace rtmp::flv
