// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/flv_tag.h"

#include <algorithm>

namespace flv = rtmp::flv;

GstMemory* join_to_memory(std::initializer_list<rtmp::Bytes> parts) {
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

FlvTag::FlvTag(rtmp::MessageType type, std::int64_t timestamp, std::size_t body_size)
    : header_(flv::write_tag_header({type, false, static_cast<std::uint32_t>(body_size),
                                     static_cast<std::uint32_t>(timestamp)})),
      back_pointer_(flv::write_back_pointer(static_cast<std::uint32_t>(body_size))) {}

GstBuffer* FlvTag::copy(rtmp::Bytes head, rtmp::Bytes rest) const {
  GstBuffer* buffer = gst_buffer_new();
  gst_buffer_append_memory(buffer, join_to_memory({header_, head, rest, back_pointer_}));
  return buffer;
}
