// FLV: tags and files (FLV 10.1 annex E). An RTMP audio, video or data payload is the body of a
// tag. SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>

#include "rtmp/error.h"
#include "rtmp/message.h"

namespace rtmp::flv {

constexpr std::size_t header_size = 9;
constexpr std::size_t tag_header_size = 11;
constexpr std::size_t back_pointer_size = 4;

struct FileHeader {
  bool has_audio = false;  // hints only: tags decide
  bool has_video = false;
};

// The 9 bytes and the first back pointer: 13 bytes.
std::array<std::uint8_t, header_size + back_pointer_size> write_file_header(FileHeader header);

struct TagHeader {
  MessageType type = MessageType::data;  // audio, video, data, data_amf3; what was read may be any
  bool filtered = false;                 // encrypted or pre-processed: Annex F
  std::uint32_t size = 0;                // of the body
  std::uint32_t timestamp = 0;           // ms, low 32 bits
};

std::array<std::uint8_t, tag_header_size> write_tag_header(const TagHeader& header);
TagHeader read_tag_header(std::span<const std::uint8_t, tag_header_size> bytes);
// What follows a body of that size.
std::array<std::uint8_t, back_pointer_size> write_back_pointer(std::uint32_t body_size);

// A whole tag with header and back pointer, the body copied.
std::vector<std::uint8_t> write_tag(const Message& message);

// Reads one whole tag at the front of `bytes`, the payload sharing its owner; a missing back
// pointer is tolerated. Timestamp: the tag's 32 bits, not unwrapped. Message stream id 0. Nothing
// where the tag is filtered or of a type that FLV does not know.
Result<std::optional<Message>> read_tag(const Buffer& bytes);

// Reads a file or a stream of tags in pieces of any size. The file header may be missing (streams
// cut out of the middle), back pointers are not looked at, tags of unknown type and filtered ones
// are passed over. Frames carry the time line: headers and metadata, which often have timestamp 0,
// are placed next to them and never move it.
class Reader {
 public:
  explicit Reader(std::size_t max_tag_size = 0xFFFFFF) : max_tag_size_(max_tag_size) {}

  // Takes all of `bytes`; the complete tags then come out of next().
  void receive(Bytes bytes);
  // Error, not yet, or a tag's message with its timestamp unwrapped past 2^32. An error is final.
  Result<std::optional<Message>> next();
  const std::optional<FileHeader>& header() const { return header_; }
  std::size_t skipped_tags() const { return skipped_; }

 private:
  Bytes unread() const { return Bytes(pending_).subspan(position_); }
  bool pass_over();
  Result<bool> read_start();
  Message read_message(const TagHeader& header);
  std::int64_t unwrap(const Message& message);

  std::size_t max_tag_size_;
  std::vector<std::uint8_t> pending_;
  std::size_t position_ = 0;      // of what next() has not read yet in pending_
  std::size_t to_pass_over_ = 0;  // bytes of no interest that come next
  std::optional<FileHeader> header_;
  bool started_ = false;
  std::size_t skipped_ = 0;
  std::optional<std::int64_t> last_frame_;  // its time
};

// An aggregate message's parts with their timestamps rebased on the aggregate's; their payloads
// share its owner. Stops at a truncated part and at the maximum.
constexpr std::size_t max_aggregate_parts = 4096;
std::vector<Message> split_aggregate(const Message& aggregate);

}  // namespace rtmp::flv
