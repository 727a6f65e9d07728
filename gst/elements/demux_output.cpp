// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_output.h"

#include <algorithm>

#include "elements/demux_bitstream.h"

GST_DEBUG_CATEGORY_EXTERN(gst_rtmp_demux_debug);
#define GST_CAT_DEFAULT gst_rtmp_demux_debug

using rtmp::Bytes;
using rtmp::media::Codec;
using rtmp::media::PacketType;

namespace {

// Other tracks that have had nothing for so long are told that nothing is there.
constexpr GstClockTime max_silence = 2 * GST_SECOND;
// Interleaving moves time back by less.
constexpr GstClockTime max_step_back = 2 * GST_SECOND;
// What decoders and sinks can live with, and what nobody waits for.
constexpr GstClockTime max_step_ahead = 10 * GST_SECOND, max_pause = 3600 * GST_SECOND;
// Streams that begin later than this were cut out of longer ones.
constexpr GstClockTime max_first_time = 10 * GST_SECOND;

GstClockTime clamp_time(gint64 time) { return time > 0 ? static_cast<GstClockTime>(time) : 0; }

TrackId::Kind kind_of(const rtmp::media::Packet& packet) {
  return packet.video ? TrackId::Kind::video : TrackId::Kind::audio;
}

guint frame_flags(const rtmp::media::Packet& packet, const DemuxTrack& track, Bytes frame) {
  using rtmp::media::FrameType;
  if (!packet.video) return 0;
  switch (packet.frame_type) {
    case FrameType::key:
    case FrameType::generated_key:
      return 0;
    case FrameType::disposable_inter:
      return GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_DROPPABLE;
    case FrameType::none:
      return is_key_frame(track.format().codec, track.format().config, frame)
                 ? 0
                 : GST_BUFFER_FLAG_DELTA_UNIT;
    default:
      return GST_BUFFER_FLAG_DELTA_UNIT;
  }
}

}  // namespace

void DemuxOutput::reset() {
  pads_.reset();
  headers_wait_ = false;
  first_time_.reset();
  forget_segment();
}

void DemuxOutput::mark_discont() {
  for (const auto& [id, track] : pads_.tracks()) track->set_discont();
}

// --- the time line ---

void DemuxOutput::set_segment(const GstSegment& segment, guint32 seqnum) {
  segment_ = segment;
  own_segment_ = false;
  seqnum_ = seqnum;
  last_time_.reset();
  {
    const std::lock_guard lock(mutex_);
    shown_segment_ = segment;
  }
  for (const auto& [id, track] : pads_.tracks()) track->position = GST_CLOCK_TIME_NONE;
  pads_.push_event(segment_event());
}

void DemuxOutput::forget_segment() {
  segment_.reset();
  last_time_.reset();
  const std::lock_guard lock(mutex_);
  shown_segment_.reset();
}

GstSegment DemuxOutput::segment() const {
  const std::lock_guard lock(mutex_);
  if (shown_segment_) return *shown_segment_;
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  return segment;
}

GstEvent* DemuxOutput::segment_event() const {
  GstEvent* event = gst_event_new_segment(&*segment_);
  if (seqnum_ != GST_SEQNUM_INVALID) gst_event_set_seqnum(event, seqnum_);
  return event;
}

void DemuxOutput::begin_segment(GstClockTime start, GstClockTime base) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = start;
  segment.base = base;
  set_segment(segment, gst_util_seqnum_next());
  own_segment_ = true;
}

// Finds the frame's place on the time line: where time jumps back, a new segment goes on in running
// time where the last one was.
void DemuxOutput::place(GstClockTime dts, GstClockTime pts) {
  if (!segment_) begin_segment(dts <= max_first_time ? 0 : std::min(dts, pts), 0);
  if (last_time_) {
    const bool is_back = dts + max_step_back < *last_time_;
    const bool is_far_ahead = dts > *last_time_ + max_pause;
    if (is_back || dts > *last_time_ + max_step_ahead) mark_discont();
    if (own_segment_ && (is_back || is_far_ahead))
      begin_segment(std::min(dts, pts),
                    gst_segment_to_running_time(&*segment_, GST_FORMAT_TIME, *last_time_));
  }
  last_time_ = dts;
  if (!first_time_) first_time_ = dts;
}

// --- what packets say ---

GstFlowReturn DemuxOutput::push(const Packet& packet, const MemoryQueue::Slice& payload,
                                gint64 time) {
  if (packet.type == PacketType::command) return GST_FLOW_OK;
  GstFlowReturn flow = GST_FLOW_OK;
  for (const TrackPacket& part : packet.tracks) {
    flow = push_track(packet, part, payload, time);
    if (flow != GST_FLOW_OK) break;
  }
  return flow;
}

GstFlowReturn DemuxOutput::push_track(const Packet& packet, const TrackPacket& part,
                                      const MemoryQueue::Slice& payload, gint64 time) {
  DemuxTrack* track = pads_.find_or_make({kind_of(packet), part.track_id});
  if (!track) return GST_FLOW_OK;
  const Bytes body = payload.bytes.subspan(part.offset, part.size);
  switch (packet.type) {
    case PacketType::sequence_start:
      track->set_codec(part.codec, packet.audio_flags);
      track->set_config(body);
      headers_wait_ |= !track->is_exposed() && track->is_known_by_header();
      return GST_FLOW_OK;
    case PacketType::coded_frames:
      track->set_codec(part.codec, packet.audio_flags);
      return push_frame(*track, packet, part, payload, time);
    case PacketType::metadata:
      if (const auto color = rtmp::media::read_color_info(body); color && *color)
        track->set_color(**color);
      return GST_FLOW_OK;
    case PacketType::multichannel_config:
      if (const auto channels = rtmp::media::read_multichannel_config(body))
        track->set_channels(*channels);
      return GST_FLOW_OK;
    // The end of a sequence is not the track's: another sequence may follow.
    case PacketType::sequence_end:
    case PacketType::command:
      break;
  }
  return GST_FLOW_OK;
}

GstFlowReturn DemuxOutput::push_frame(DemuxTrack& track, const Packet& packet,
                                      const TrackPacket& part, const MemoryQueue::Slice& payload,
                                      gint64 time) {
  std::size_t offset = part.offset, size = part.size;
  if (part.codec == Codec::aac)
    if (const auto adts = read_adts(payload.bytes.subspan(offset, size))) {
      if (track.format().config.empty()) track.set_config(adts->config);
      offset += adts->size;
      size -= adts->size;
    }
  if (size == 0) return GST_FLOW_OK;
  const Bytes frame = payload.bytes.subspan(offset, size);
  if (track.waits_for_config(frame)) {
    GST_DEBUG("%s: a frame before its sequence header", track.name().c_str());
    return GST_FLOW_OK;
  }
  const GstClockTime dts = clamp_time(time);
  const GstClockTime pts = clamp_time(time + part.composition_time * gint64{GST_MSECOND});
  place(dts, pts);
  if (!expose_waiting(track, frame) || !track.update_caps(frame)) return GST_FLOW_OK;
  pads_.send_tags(track);

  GstBuffer* buffer = gst_buffer_new();
  gst_buffer_append_memory(buffer, payload.share(offset, size));
  GST_BUFFER_PTS(buffer) = pts;
  GST_BUFFER_DTS(buffer) = dts;
  GST_BUFFER_FLAG_SET(buffer, frame_flags(packet, track, frame));
  return push_buffer(track, buffer);
}

GstFlowReturn DemuxOutput::push_buffer(DemuxTrack& track, GstBuffer* buffer) {
  const GstClockTime dts = GST_BUFFER_DTS(buffer);
  if (track.take_discont()) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  track.position = dts;
  GstFlowReturn flow = GST_FLOW_EOS;
  if (GST_CLOCK_TIME_IS_VALID(segment_->stop) && dts > segment_->stop)
    gst_buffer_unref(buffer);
  else
    flow = gst_pad_push(track.pad(), buffer);
  flow = pads_.combine(track, flow);
  fill_gaps(dts);
  pads_.check_no_more_pads(dts - std::min(dts, *first_time_));
  return flow;
}

GstFlowReturn DemuxOutput::push_data(GstBuffer* buffer, gint64 time) {
  DemuxTrack* track = pads_.find_or_make({TrackId::Kind::data, 0});
  if (!track) {
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }
  const GstClockTime now = clamp_time(time);
  if (!last_time_) place(now, now);
  if (!track->is_exposed()) {
    track->set_caps(gst_caps_new_empty_simple("application/x-rtmp-data"));
    expose(*track);
  }
  GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = now;
  return push_buffer(*track, buffer);
}

void DemuxOutput::push_silence(gint64 time) {
  DemuxTrack* track = pads_.find({TrackId::Kind::audio, 0});
  if (track && track->is_exposed()) push_gap(*track, clamp_time(time));
}

// --- pads ---

// Headers of one moment come before the first frame: all their tracks get pads before it goes out.
bool DemuxOutput::expose_waiting(DemuxTrack& track, Bytes frame) {
  if (std::exchange(headers_wait_, false))
    for (const auto& [id, other] : pads_.tracks())
      if (!other->is_exposed() && other->is_known_by_header() && other->update_caps({}))
        expose(*other);
  if (!track.is_exposed() && track.update_caps(frame)) expose(track);
  return track.is_exposed();
}

void DemuxOutput::expose(DemuxTrack& track) { pads_.expose(track, segment_event()); }

// --- gaps ---

// A track that has nothing to say must not hold the others up.
void DemuxOutput::fill_gaps(GstClockTime time) {
  for (const auto& [id, track] : pads_.tracks()) {
    if (!track->is_exposed()) continue;
    const GstClockTime position = track->position;
    const GstClockTime since = GST_CLOCK_TIME_IS_VALID(position) ? position : segment_->start;
    if (time > since + max_silence) push_gap(*track, time);
  }
}

void DemuxOutput::push_gap(DemuxTrack& track, GstClockTime end) {
  const GstClockTime position = track.position;
  const GstClockTime start = GST_CLOCK_TIME_IS_VALID(position) ? position : segment_->start;
  if (end <= start) return;
  gst_pad_push_event(track.pad(), gst_event_new_gap(start, end - start));
  track.position = end;
}
