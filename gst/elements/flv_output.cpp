// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/flv_output.h"

#include <algorithm>
#include <utility>

#include "elements/bridge.h"

namespace {

GstClockTime to_time(std::int64_t ms) {
  return static_cast<GstClockTime>(std::max<std::int64_t>(ms, 0)) * GST_MSECOND;
}

// The running time is 0 as long as there is no clock.
std::int64_t running_time_ms(GstBaseSrc* src) {
  const GstClockTime time = gst_element_get_current_running_time(GST_ELEMENT(src));
  return GST_CLOCK_TIME_IS_VALID(time) ? static_cast<std::int64_t>(time / GST_MSECOND) : 0;
}

void begin_segment(GstBaseSrc* src, std::int64_t first_ms, std::int64_t running_ms) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = to_time(first_ms);
  segment.base = to_time(running_ms);
  gst_base_src_new_segment(src, &segment);
}

}  // namespace

GstBuffer* FlvOutput::make(GstBaseSrc* src, rtmp::Message message, std::int64_t age_ms) {
  const std::int64_t due_ms = std::max<std::int64_t>(running_time_ms(src) - age_ms, 0);
  const Timeline::Place place = timeline_.place(message, due_ms);
  if (place.first) begin_segment(src, place.timestamp, due_ms);
  message.timestamp = place.timestamp;
  GstBuffer* buffer = bridge::to_tag(message);
  if (place.jumped) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  if (!std::exchange(header_sent_, true))
    gst_buffer_prepend_memory(buffer, bridge::to_flv_file_header());
  return buffer;
}
