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
constexpr gint64 max_step_back = gint64{2} * GST_SECOND;
// What decoders and sinks can live with, and what nobody waits for.
constexpr gint64 max_step_ahead = gint64{10} * GST_SECOND, max_pause = gint64{3600} * GST_SECOND;
// Between upstream's times, of arrival, say, and the stream's own: bursts are shorter.
constexpr gint64 max_difference = gint64{10} * GST_SECOND;
// Streams that begin later than this were cut out of longer ones.
constexpr gint64 max_first_time = gint64{10} * GST_SECOND;

// FLV's times are modulo this many ns, so adding it changes none of them.
constexpr gint64 whole_range = (gint64{1} << 32) * gint64{GST_MSECOND};

GstClockTime clamp_time(gint64 time) { return time > 0 ? static_cast<GstClockTime>(time) : 0; }

void lift(GstSegment& segment, gint64 by) {
  const auto distance = static_cast<guint64>(by);
  segment.start += distance;
  segment.position += distance;
  if (GST_CLOCK_TIME_IS_VALID(segment.stop)) segment.stop += distance;
}

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
  upstream_time_.reset();
  forget_segment();
}

void DemuxOutput::mark_discont() {
  for (const auto& track : pads_.tracks()) track->set_discont();
}

// --- the time line ---

void DemuxOutput::set_segment(const GstSegment& segment, guint32 seqnum) {
  origin_ = Origin::upstream;
  offset_ = raised_by_ = 0;
  send_segment(segment, seqnum);
}

void DemuxOutput::set_own_segment(GstSegment segment, guint32 seqnum) {
  origin_ = Origin::seek;
  offset_ = 0;
  lift(segment, raised_by_);
  send_segment(segment, seqnum);
}

void DemuxOutput::send_segment(const GstSegment& segment, guint32 seqnum) {
  segment_ = segment;
  seqnum_ = seqnum;
  last_time_.reset();
  {
    const std::lock_guard lock(mutex_);
    shown_segment_ = segment;
    shown_raised_by_ = static_cast<guint64>(raised_by_);
  }
  for (const auto& track : pads_.tracks()) track->position = GST_CLOCK_TIME_NONE;
  pads_.push_event(segment_event());
}

void DemuxOutput::forget_segment() {
  segment_.reset();
  last_time_.reset();
  offset_ = raised_by_ = 0;
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

GstSegment DemuxOutput::own_segment() const {
  GstSegment own = segment();
  const std::lock_guard lock(mutex_);
  const auto lower = [by = shown_raised_by_](guint64& time) {
    if (GST_CLOCK_TIME_IS_VALID(time)) time -= std::min(time, by);
  };
  lower(own.start);
  lower(own.stop);
  lower(own.position);
  return own;
}

GstEvent* DemuxOutput::segment_event() const {
  GstEvent* event = gst_event_new_segment(&*segment_);
  if (seqnum_ != GST_SEQNUM_INVALID) gst_event_set_seqnum(event, seqnum_);
  return event;
}

GstClockTime DemuxOutput::to_output(gint64 time) const {
  return clamp_time(time + offset_ + raised_by_);
}

void DemuxOutput::begin_segment(gint64 start, GstClockTime base) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  origin_ = Origin::stream;
  offset_ = 0;
  while (start + raised_by_ < 0) raised_by_ += whole_range;
  segment.start = segment.position = to_output(start);
  segment.time = clamp_time(start);
  segment.base = base;
  send_segment(segment, gst_util_seqnum_next());
}

// GStreamer's times have no sign: a frame before 0 lifts the whole time line, and the segment with
// it, so that the frame is as far from the others as the stream says.
void DemuxOutput::raise(gint64 time) {
  if (time + offset_ + raised_by_ >= 0) return;
  GstSegment segment = own_segment();
  raised_by_ += whole_range;
  lift(segment, raised_by_);
  const auto last_time = last_time_;
  send_segment(segment, gst_util_seqnum_next());
  last_time_ = last_time;
}

// A segment of our own has the stream's times; those that were cut out of longer ones begin where
// their first frame is.
void DemuxOutput::place_first(gint64 dts, gint64 pts) {
  const gint64 first = std::min(dts, pts);
  if (!segment_) {
    begin_segment(dts > max_first_time ? first : std::min<gint64>(first, 0),
                  clamp_time(upstream_time_.value_or(0)));
  } else if (origin_ == Origin::upstream && !upstream_time_) {
    const auto start = static_cast<gint64>(segment_->start);
    if (dts > start + max_first_time) offset_ = start - first;
  }
}

// Where time jumps back, a new segment goes on in running time where the last one was.
void DemuxOutput::go_on(gint64 dts, gint64 pts) {
  const bool is_back = dts + max_step_back < *last_time_;
  const bool is_far_ahead = dts > *last_time_ + max_pause;
  if (is_back || dts > *last_time_ + max_step_ahead) mark_discont();
  if (origin_ != Origin::stream || !(is_back || is_far_ahead)) return;
  const GstClockTime last = std::max(to_output(*last_time_), segment_->start);
  begin_segment(std::min(dts, pts), gst_segment_to_running_time(&*segment_, GST_FORMAT_TIME, last));
}

// The stream's times tell how far frames are apart, upstream's when the first one is. Where they
// are the same, the stream's are the exact ones.
void DemuxOutput::follow_upstream(gint64 dts) {
  const gint64 difference = *upstream_time_ - dts;
  const bool jumps = !last_time_ || dts + max_step_back < *last_time_ ||
                     std::abs(difference - offset_) > max_difference;
  if (!jumps) return;
  if (last_time_) mark_discont();
  offset_ = std::abs(difference) < gint64{GST_MSECOND} ? 0 : difference;
}

// Finds the frame's place on the time line.
void DemuxOutput::place(gint64 dts, gint64 pts) {
  if (!last_time_) place_first(dts, pts);
  if (origin_ == Origin::upstream && upstream_time_) follow_upstream(dts);
  if (last_time_) go_on(dts, pts);
  raise(std::min(dts, pts));
  upstream_time_.reset();
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
        track->set_color(part.codec, **color);
      return GST_FLOW_OK;
    case PacketType::multichannel_config:
      if (const auto channels = rtmp::media::read_multichannel_config(body))
        track->set_channels(part.codec, *channels);
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
  const gint64 pts = time + part.composition_time * gint64{GST_MSECOND};
  place(time, pts);
  if (!expose_waiting(track, frame) || !track.update_caps(frame)) return GST_FLOW_OK;
  pads_.send_tags(track);

  const guint flags = frame_flags(packet, track, frame);
  const bool is_alone = packet.tracks.size() == 1;
  GstBuffer* buffer =
      is_alone ? payload.into_buffer(offset, size) : payload.to_buffer(offset, size);
  GST_BUFFER_PTS(buffer) = to_output(pts);
  GST_BUFFER_DTS(buffer) = to_output(time);
  GST_BUFFER_FLAG_SET(buffer, flags);
  return push_buffer(track, buffer);
}

GstFlowReturn DemuxOutput::push_buffer(DemuxTrack& track, GstBuffer* buffer) {
  const GstClockTime dts = GST_BUFFER_DTS(buffer);
  if (track.take_discont()) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  track.position.store(dts, std::memory_order_relaxed);
  GstFlowReturn flow = GST_FLOW_EOS;
  if (GST_CLOCK_TIME_IS_VALID(segment_->stop) && dts > segment_->stop)
    gst_buffer_unref(buffer);
  else
    flow = gst_pad_push(track.pad(), buffer);
  flow = pads_.combine(track, flow);
  fill_gaps(dts);
  pads_.check_no_more_pads(clamp_time(*last_time_ - *first_time_));
  return flow;
}

GstFlowReturn DemuxOutput::push_data(GstBuffer* buffer, gint64 time) {
  DemuxTrack* track = pads_.find_or_make({TrackId::Kind::data, 0});
  if (!track) {
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }
  if (!last_time_) place(time, time);
  if (!track->is_exposed()) {
    track->set_caps(gst_caps_new_empty_simple("application/x-rtmp-data"));
    expose(*track);
  }
  GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = to_output(time);
  return push_buffer(*track, buffer);
}

void DemuxOutput::push_silence(gint64 time) {
  DemuxTrack* track = pads_.find({TrackId::Kind::audio, 0});
  if (track && track->is_exposed()) push_gap(*track, to_output(time));
}

// --- pads ---

// Headers of one moment come before the first frame: all their tracks get pads before it goes out.
bool DemuxOutput::expose_waiting(DemuxTrack& track, Bytes frame) {
  if (std::exchange(headers_wait_, false))
    for (const auto& other : pads_.tracks())
      if (!other->is_exposed() && other->is_known_by_header() && other->update_caps({}))
        expose(*other);
  if (!track.is_exposed() && track.update_caps(frame)) expose(track);
  return track.is_exposed();
}

void DemuxOutput::expose(DemuxTrack& track) { pads_.expose(track, segment_event()); }

// --- gaps ---

// A track that has nothing to say must not hold the others up.
void DemuxOutput::fill_gaps(GstClockTime time) {
  for (const auto& track : pads_.tracks()) {
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
