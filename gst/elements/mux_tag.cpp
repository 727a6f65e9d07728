// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_tag.h"

#include <algorithm>

#include "rtmp/flv.h"

namespace mux {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t max_composition_time = 0x7FFFFF;

GstMemory* join(rtmp::Bytes first, rtmp::Bytes second) {
  GstMemory* memory = gst_allocator_alloc(nullptr, first.size() + second.size(), nullptr);
  GstMapInfo map;
  if (gst_memory_map(memory, &map, GST_MAP_WRITE)) {
    std::ranges::copy(second, std::ranges::copy(first, map.data).out);
    gst_memory_unmap(memory, &map);
  }
  return memory;
}

std::int64_t to_ms(std::int64_t ns) {
  return (ns + (ns < 0 ? -ns_per_ms / 2 : ns_per_ms / 2)) / ns_per_ms;
}

std::int32_t to_composition_time(std::int64_t ms) {
  return static_cast<std::int32_t>(std::clamp(ms, -max_composition_time - 1, max_composition_time));
}

}  // namespace

BufferRef make_tag(rtmp::MessageType type, std::int64_t timestamp, rtmp::Bytes head,
                   GstBuffer* payload) {
  namespace flv = rtmp::flv;
  const std::size_t size = head.size() + (payload ? gst_buffer_get_size(payload) : 0);
  const auto body_size = static_cast<std::uint32_t>(size);
  // FLV has 32 bits: they begin again at zero.
  const auto wrapped = static_cast<std::uint32_t>(timestamp);
  BufferRef tag(gst_buffer_new());
  const auto header = flv::write_tag_header({type, false, body_size, wrapped});
  gst_buffer_append_memory(tag.get(), join(header, head));
  if (payload) gst_buffer_copy_into(tag.get(), payload, GST_BUFFER_COPY_MEMORY, 0, -1);
  gst_buffer_append_memory(tag.get(), join(flv::write_back_pointer(body_size), {}));
  return tag;
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
