// FLV tags as GstBuffers of few memories.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <array>
#include <initializer_list>

#include "rtmp/flv.h"

// One memory with the bytes of all parts.
GstMemory* join_to_memory(std::initializer_list<rtmp::Bytes> parts);

// What stands around the body of a tag.
class FlvTag {
 public:
  // Bodies below that are better copied than shared: it costs less than memories of their own. And
  // filesink 1.22 loses bytes where more than 1024 memories (IOV_MAX) come together in the 64 KiB
  // that it writes at once.
  static constexpr std::size_t worth_sharing = 256;

  // FLV has 32 bits for the time: they begin again at zero.
  FlvTag(rtmp::MessageType type, std::int64_t timestamp, std::size_t body_size);

  // The body is `head` and then `rest`, both copied.
  GstBuffer* copy(rtmp::Bytes head, rtmp::Bytes rest = {}) const;
  // The body is a copy of `head` and then what `append(buffer)` appends.
  template <typename Append>
  GstBuffer* share(rtmp::Bytes head, Append append) const {
    GstBuffer* buffer = gst_buffer_new();
    gst_buffer_append_memory(buffer, join_to_memory({header_, head}));
    append(buffer);
    gst_buffer_append_memory(buffer, join_to_memory({back_pointer_}));
    return buffer;
  }

 private:
  std::array<std::uint8_t, rtmp::flv::tag_header_size> header_;
  std::array<std::uint8_t, rtmp::flv::back_pointer_size> back_pointer_;
};
