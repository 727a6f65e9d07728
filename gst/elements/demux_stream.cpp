// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_stream.h"

#include <algorithm>
#include <cstdlib>

#include "elements/bridge.h"
#include "rtmp/timestamp.h"

GST_DEBUG_CATEGORY_EXTERN(gst_rtmp_demux_debug);
#define GST_CAT_DEFAULT gst_rtmp_demux_debug

namespace {

// So many bytes without a tag are no FLV.
constexpr std::uint64_t max_search = 1024 * 1024;
// What no stream reaches, and nanoseconds can still count.
constexpr std::int64_t max_time_ms = std::int64_t{1} << 42;

// The message as AMF0, without a copy where it is that already.
GstBuffer* data_buffer(const TagCutter::Tag& tag, const rtmp::Data& data, bool as_it_came) {
  GstBuffer* buffer = nullptr;
  if (as_it_came) {
    buffer = tag.body.to_buffer(0, tag.body.bytes.size());
  } else {
    buffer = gst_buffer_new();
    const rtmp::Message message = rtmp::write_data(data, 0, 0);
    gst_buffer_append_memory(buffer, bridge::to_memory(message.payload));
  }
  bridge::set_data_name(buffer, data.name.c_str());
  return buffer;
}

}  // namespace

void DemuxStream::reset() {
  output.reset();
  index.clear();
  duration = GST_CLOCK_TIME_NONE;
  cutter_ = TagCutter();
  last_frame_ms_.reset();
  survey.clear();
  surveys_ = true;
  warned_of_encryption_ = false;
}

void DemuxStream::restart(std::uint64_t position, std::optional<std::int64_t> time_ms) {
  cutter_.restart(position);
  last_frame_ms_ = time_ms;
  surveys_ = position <= survey.seen_to();
}

void DemuxStream::seek(std::uint64_t position, std::int64_t time_ms) {
  restart(position, time_ms);
  if (!survey.knows_headers_at(position)) return;
  output.pads().forget_formats();
  for (const DemuxSurvey::Header& header : survey.headers_before(position)) {
    const auto packet =
        rtmp::media::read({header.type, 0, 0, rtmp::Buffer(nullptr, header.payload)});
    if (packet) output.push(*packet, {nullptr, 0, header.payload}, 0);
  }
}

void DemuxStream::set_time(gint64 time) {
  if (!last_frame_ms_) last_frame_ms_ = time / gint64{GST_MSECOND};
}

// Frames carry the time line; headers and data, often at 0, are placed next to it.
std::int64_t DemuxStream::unwrap(std::uint32_t low, bool is_frame) {
  auto& last = last_frame_ms_;
  std::int64_t time = last ? rtmp::unwrap_timestamp(low, *last) : std::int64_t{low};
  if (std::abs(time) > max_time_ms) time = low;
  if (is_frame) last = time;
  return time;
}

void DemuxStream::note(const TagCutter::Tag& tag, const rtmp::media::Packet& packet,
                       std::int64_t ms) {
  if (!surveys_) return;
  if (survey.may_learn_of(packet, ms))
    survey.note({tag.header.type, 0, 0, rtmp::Buffer(nullptr, tag.body.bytes)}, ms, tag.position);
  survey.set_seen_to(tag.position, ms);
}

GstFlowReturn DemuxStream::push_media(const TagCutter::Tag& tag) {
  const bool is_video = tag.header.type == rtmp::MessageType::video;
  const auto read = is_video ? rtmp::media::read_video(tag.body.bytes, packet_)
                             : rtmp::media::read_audio(tag.body.bytes, packet_);
  if (!read) {
    GST_DEBUG_OBJECT(element_, "skipped a tag at %" G_GUINT64_FORMAT ": %s", tag.position,
                     read.error().message().c_str());
    return GST_FLOW_OK;
  }
  const bool is_frame =
      packet_.type == rtmp::media::PacketType::coded_frames && !packet_.tracks.empty();
  const std::int64_t ms = unwrap(tag.header.timestamp, is_frame);
  const gint64 time = ms * gint64{GST_MSECOND} + packet_.nanoseconds;
  note(tag, packet_, ms);
  if (!is_video && packet_.tracks.empty()) {
    output.push_silence(time);
    return GST_FLOW_OK;
  }
  return output.push(packet_, tag.body, time);
}

void DemuxStream::take_metadata(const rtmp::Data& data) {
  const rtmp::amf::Object* object = data.values.empty() ? nullptr : data.values.front().object();
  if (!object) return;
  Metadata metadata = read_metadata(*object);
  index.set(metadata.key_frames);
  if (metadata.duration && metadata.duration != duration) {
    duration = *metadata.duration;
    gst_element_post_message(element_, gst_message_new_duration_changed(GST_OBJECT(element_)));
  }
  output.pads().set_metadata(metadata);
}

GstFlowReturn DemuxStream::push_data(const TagCutter::Tag& tag) {
  const rtmp::Message message{tag.header.type, 0, 0, rtmp::Buffer(nullptr, tag.body.bytes)};
  auto data = rtmp::read_data(message, bridge::metadata_limits());
  if (!data) {
    GST_DEBUG_OBJECT(element_, "skipped data at %" G_GUINT64_FORMAT ": %s", tag.position,
                     data.error().message().c_str());
    return GST_FLOW_OK;
  }
  const bool as_it_came =
      tag.header.type == rtmp::MessageType::data && data->name != "@setDataFrame";
  rtmp::strip_set_data_frame(*data);
  if (data->name == "onMetaData") {
    take_metadata(*data);
    return GST_FLOW_OK;
  }
  // |AdditionalHeader, |RtmpSampleAccess: between server and player, or told by the tags
  // themselves.
  if (data->name.starts_with('|')) return GST_FLOW_OK;
  if (!g_utf8_validate(data->name.data(), static_cast<gssize>(data->name.size()), nullptr))
    return GST_FLOW_OK;
  const gint64 time = unwrap(tag.header.timestamp, false) * gint64{GST_MSECOND};
  return output.push_data(data_buffer(tag, *data, as_it_came), time);
}

GstFlowReturn DemuxStream::push_tag(const TagCutter::Tag& tag) {
  GST_LOG_OBJECT(element_, "tag at %" G_GUINT64_FORMAT ": type %d, %u bytes, %u ms", tag.position,
                 static_cast<int>(tag.header.type), tag.header.size, tag.header.timestamp);
  if (tag.header.filtered) {
    if (!std::exchange(warned_of_encryption_, true))
      GST_ELEMENT_WARNING(element_, STREAM, DECRYPT, ("Parts of this stream are encrypted."),
                          ("tags with the filter bit are left out"));
    return GST_FLOW_OK;
  }
  return rtmp::is_media(tag.header.type) ? push_media(tag) : push_data(tag);
}

GstFlowReturn DemuxStream::process(GstBuffer* buffer) {
  if (!cutter_.push(buffer)) {
    GST_ELEMENT_ERROR(element_, RESOURCE, READ, ("A buffer cannot be read."), (nullptr));
    return GST_FLOW_ERROR;
  }
  GstFlowReturn flow = GST_FLOW_OK;
  while (flow == GST_FLOW_OK) {
    const auto tag = cutter_.next();
    if (!tag) break;
    flow = push_tag(*tag);
  }
  if (!cutter_.found_any() && cutter_.skipped_bytes() > max_search) {
    GST_ELEMENT_ERROR(element_, STREAM, WRONG_TYPE, ("This is no FLV stream."), (nullptr));
    return GST_FLOW_ERROR;
  }
  return flow;
}
