// FLV tags out of pieces, their payloads shared, and the times that stand in them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <memory>

#include "rtmp/message.h"

namespace mux {

struct Unref {
  void operator()(GstBuffer* buffer) const { gst_buffer_unref(buffer); }
};
using BufferRef = std::unique_ptr<GstBuffer, Unref>;

constexpr std::size_t max_body_size = 0xFFFFFF;

// One tag: the header of 11 bytes with `head`, the beginning of the body, behind it, the memories
// of `payload` (may be null) and the back pointer.
BufferRef make_tag(rtmp::MessageType type, std::int64_t timestamp, rtmp::Bytes head,
                   GstBuffer* payload = nullptr);
BufferRef make_buffer(rtmp::Bytes bytes);

// When a packet is to be decoded and shown, in ns of running time.
struct Times {
  std::int64_t dts = 0;
  std::int64_t pts = 0;
};

// The same as fields of a tag.
struct Stamp {
  std::int64_t milliseconds = 0;
  std::uint32_t nanoseconds = 0;  // to be added
  std::int32_t composition_time = 0;
};

// Running times begin before zero where encoders reorder frames; then all are moved alike.
class Timeline {
 public:
  // Once, by the first packet of all.
  void start(std::int64_t dts) { shift_ = dts < 0 ? -dts : 0; }
  Stamp stamp(const Times& times, bool nanoseconds) const;

 private:
  std::int64_t shift_ = 0;
};

}  // namespace mux
