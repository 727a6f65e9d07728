// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_tag.h"

#include <algorithm>
#include <array>

#include "elements/flv_tag.h"

namespace mux {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t max_composition_time = 0x7FFFFF;

std::int64_t to_ms(std::int64_t ns) {
  return (ns + (ns < 0 ? -ns_per_ms / 2 : ns_per_ms / 2)) / ns_per_ms;
}

std::int32_t to_composition_time(std::int64_t ms) {
  return static_cast<std::int32_t>(std::clamp(ms, -max_composition_time - 1, max_composition_time));
}

}  // namespace

BufferRef make_tag(rtmp::MessageType type, std::int64_t timestamp, rtmp::Bytes head,
                   GstBuffer* payload) {
  const std::size_t payload_size = payload ? gst_buffer_get_size(payload) : 0;
  const FlvTag tag(type, timestamp, head.size() + payload_size);
  if (payload_size >= FlvTag::worth_sharing)
    return BufferRef(tag.share(head, [payload](GstBuffer* buffer) {
      gst_buffer_copy_into(buffer, payload, GST_BUFFER_COPY_MEMORY, 0, -1);
    }));
  std::array<std::uint8_t, FlvTag::worth_sharing> copy;
  if (payload) gst_buffer_extract(payload, 0, copy.data(), payload_size);
  return BufferRef(tag.copy(head, rtmp::Bytes(copy).first(payload_size)));
}

BufferRef make_buffer(rtmp::Bytes bytes) {
  return BufferRef(gst_buffer_new_memdup(bytes.data(), bytes.size()));
}

// The presentation time is kept where one of both has to give way.
Stamp Timeline::stamp(const Times& times, bool nanoseconds) const {
  const std::int64_t dts = std::max<std::int64_t>(times.dts + shift_, 0);
  const std::int64_t pts = times.pts + shift_;
  Stamp stamp;
  if (nanoseconds) {
    stamp.milliseconds = dts / ns_per_ms;
    stamp.nanoseconds = static_cast<std::uint32_t>(dts % ns_per_ms);
    stamp.composition_time = to_composition_time(to_ms(pts - dts));
  } else {
    stamp.milliseconds = to_ms(dts);
    stamp.composition_time = to_composition_time(to_ms(pts) - stamp.milliseconds);
  }
  return stamp;
}

}  // namespace mux
