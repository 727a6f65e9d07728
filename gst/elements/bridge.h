// Between GStreamer's world and the core's: buffers without copies, failures, and the log.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>
#include <vector>

#include "net/client.h"
#include "rtmp/flv.h"

namespace bridge {

// Once, before any element is made.
void init_log();

// The memory's bytes, mapped as long as the Buffer lives. Nothing if it cannot be mapped.
std::optional<rtmp::Buffer> wrap(GstMemory* memory);
// All of a buffer's bytes; they are copied only where they lie in several memories.
std::optional<rtmp::Buffer> wrap(GstBuffer* buffer);

// A memory that shows the Buffer's bytes and keeps them alive.
GstMemory* to_memory(const rtmp::Buffer& buffer);
// One FLV tag: 11 bytes of header, the payload, shared unless it is small, the back pointer. Flags
// say header and delta unit; the times are the message's.
GstBuffer* to_tag(const rtmp::Message& message);
// The FLV file header with its first back pointer, both tracks announced.
GstMemory* to_flv_file_header();

// What a peer sent as data, fit for a pad: onMetaData is written anew without what stops players,
// what cannot be read gives nothing, everything else passes.
std::optional<rtmp::Message> playable(rtmp::Message message);
// Metadata may hold an index of a whole film.
rtmp::amf::Limits metadata_limits();

// The custom meta GstRtmpDataMeta of buffers with script data: the name of the handler that a
// message is for, or null. The meta is registered before any element is made that uses it.
void register_data_meta();
void set_data_name(GstBuffer* buffer, const char* name);
const char* data_name(GstBuffer* buffer);

// Buffers with FLV in any cut to messages: one tag per buffer, several, halves, with the file's
// header before them or without. Whole tags are not copied.
class TagReader {
 public:
  // An error is final until reset().
  rtmp::Result<std::vector<rtmp::Message>> read(GstBuffer* buffer);
  void reset() { *this = TagReader(); }

 private:
  static std::optional<rtmp::Message> read_spread_tag(GstBuffer* buffer);
  rtmp::Buffer pass_back_pointer(rtmp::Buffer bytes);
  std::optional<std::vector<rtmp::Message>> read_whole(rtmp::Buffer bytes);
  rtmp::Result<std::vector<rtmp::Message>> read_pieces(rtmp::Bytes bytes);
  void unwrap(rtmp::Message& message);

  std::optional<rtmp::flv::Reader> pieces_;  // once a buffer was not exactly whole tags
  std::size_t owed_ = 0;                     // bytes of a back pointer that may still come
  std::optional<std::int64_t> last_frame_;   // its time
};

// An element's side of a connection, for the codes of its errors.
enum class Direction { read, write };

GstResourceError error_code(const net::Failure& failure, Direction direction);
// One error message with details: stage, code, level, description, command.
void post_failure(GstElement* element, const net::Failure& failure, Direction direction);
const char* to_string(net::Failure::Stage stage);

// An element message `rtmp-status`: code, level and description as the peer sent them.
void post_status(GstElement* element, const rtmp::Status& status);

}  // namespace bridge
