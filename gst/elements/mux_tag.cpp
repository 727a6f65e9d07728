// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_tag.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "rtmp/flv.h"

namespace mux {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t max_composition_time = 0x7FFFFF;

GstMemory* join(std::initializer_list<rtmp::Bytes> parts) {
  std::size_t size = 0;
  for (rtmp::Bytes part : parts) size += part.size();
  GstMemory* memory = gst_allocator_alloc(nullptr, size, nullptr);
  GstMapInfo map;
  if (!gst_memory_map(memory, &map, GST_MAP_WRITE)) return memory;
  guint8* end = map.data;
  for (rtmp::Bytes part : parts) end = std::ranges::copy(part, end).out;
  gst_memory_unmap(memory, &map);
  return memory;
}

// Below that a copy costs less than memories of their own. And filesink 1.22 loses bytes where more
// than 1024 memories (IOV_MAX) come together in the 64 KiB that it writes at once.
constexpr std::size_t worth_sharing = 256;

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
  const std::size_t payload_size = payload ? gst_buffer_get_size(payload) : 0;
  const auto body_size = static_cast<std::uint32_t>(head.size() + payload_size);
  // FLV has 32 bits: they begin again at zero.
  const auto wrapped = static_cast<std::uint32_t>(timestamp);
  const auto header = flv::write_tag_header({type, false, body_size, wrapped});
  const auto back_pointer = flv::write_back_pointer(body_size);
  BufferRef tag(gst_buffer_new());
  if (payload_size < worth_sharing) {
    std::array<std::uint8_t, worth_sharing> copy;
    if (payload) gst_buffer_extract(payload, 0, copy.data(), payload_size);
    gst_buffer_append_memory(
        tag.get(), join({header, head, rtmp::Bytes(copy).first(payload_size), back_pointer}));
  } else {
    gst_buffer_append_memory(tag.get(), join({header, head}));
    gst_buffer_copy_into(tag.get(), payload, GST_BUFFER_COPY_MEMORY, 0, -1);
    gst_buffer_append_memory(tag.get(), join({back_pointer}));
  }
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
