// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_pad.h"

#include <algorithm>

#include "elements/bridge.h"
#include "elements/mux_av1.h"
#include "rtmp/amf0.h"

using rtmp::media::Codec;
using rtmp::media::FrameType;
using rtmp::media::Packet;
using rtmp::media::PacketType;

// --- the track ---

bool MuxTrack::set_format(mux::Format format) {
  refused_ = false;
  if (format.awaits_configuration && format_ && format_->configuration == found_configuration_) {
    format_->configuration.reset();
    format_->awaits_configuration = true;
  }
  if (format_ == format) return false;
  format_ = std::move(format);
  frame_ = make_packet(PacketType::coded_frames, format_->enhanced);
  headers_pending_ = true;
  return true;
}

static void read_tag(std::string& text, const GstTagList* tags, const char* name) {
  gchar* value = nullptr;
  if (gst_tag_list_get_string(tags, name, &value)) text = value;
  g_free(value);
}

void MuxTrack::set_tags(const GstTagList* tags) {
  guint bitrate = 0;
  read_tag(language_, tags, GST_TAG_LANGUAGE_CODE);
  read_tag(encoder_, tags, GST_TAG_ENCODER);
  if (!gst_tag_list_get_uint(tags, GST_TAG_NOMINAL_BITRATE, &bitrate))
    gst_tag_list_get_uint(tags, GST_TAG_BITRATE, &bitrate);
  if (bitrate != 0) bitrate_ = bitrate;
}

void MuxTrack::reset() {
  format_.reset();
  refused_ = false;
  found_configuration_.reset();
  color_said_ = false;
  bitrate_ = 0;
  language_.clear();
  encoder_.clear();
  headers_pending_ = false;
  headers_.clear();
}

rtmp::MessageType MuxTrack::message_type() const {
  switch (kind_) {
    case mux::Kind::video:
      return rtmp::MessageType::video;
    case mux::Kind::audio:
      return rtmp::MessageType::audio;
    case mux::Kind::data:
    case mux::Kind::unknown:
      break;
  }
  return rtmp::MessageType::data;
}

Packet MuxTrack::make_packet(PacketType type, bool enhanced) const {
  Packet packet;
  packet.video = video();
  packet.type = type;
  packet.enhanced = enhanced;
  if (packet.video) packet.frame_type = FrameType::key;
  if (!enhanced) packet.audio_flags = format_->audio_flags;
  if (enhanced && id_ > 0) packet.multitrack = std::uint8_t{0};  // OneTrack
  packet.vp6_adjust = format_->vp6_adjust;
  rtmp::media::TrackPacket track;
  track.track_id = static_cast<std::uint8_t>(id_);
  track.codec = format_->codec;
  if (enhanced) track.four_cc = rtmp::media::four_cc_of(format_->codec).value_or(0);
  packet.tracks.push_back(track);
  return packet;
}

std::vector<std::uint8_t> MuxTrack::write_head(const Packet& packet) const {
  return video() ? rtmp::media::write_video_header(packet)
                 : rtmp::media::write_audio_header(packet);
}

mux::BufferRef MuxTrack::write_header(const Packet& packet, std::int64_t timestamp,
                                      rtmp::Bytes body) const {
  auto head = write_head(packet);
  head.insert(head.end(), body.begin(), body.end());
  auto tag = mux::make_tag(message_type(), timestamp, head);
  GST_BUFFER_FLAG_SET(tag.get(), GST_BUFFER_FLAG_HEADER);
  return tag;
}

// Other frame types than `command` are pictures to FFmpeg.
mux::BufferRef MuxTrack::write_color(std::int64_t timestamp) const {
  Packet packet = make_packet(PacketType::metadata, true);
  packet.frame_type = FrameType::command;
  const auto info = format_->color.value_or(rtmp::media::ColorInfo());
  return write_header(packet, timestamp, rtmp::media::write_color_info(info));
}

bool MuxTrack::configure(GstBuffer* packet) {
  if (ready() || format_->codec != Codec::av1) return ready();
  const auto bytes = bridge::wrap(packet);
  auto found = bytes ? mux::av1_configuration(*bytes) : std::nullopt;
  if (found && found != found_configuration_) {
    found_configuration_ = std::move(found);
    headers_pending_ = true;
  }
  format_->configuration = found_configuration_;
  format_->awaits_configuration = !found_configuration_;
  return ready();
}

void MuxTrack::write_headers(std::int64_t timestamp) {
  headers_.clear();
  headers_pending_ = false;
  if (format_->configuration)
    headers_.push_back(write_header(make_packet(PacketType::sequence_start, format_->enhanced),
                                    timestamp, *format_->configuration));
  // What was said before has to be taken back.
  if (format_->color || (color_said_ && format_->enhanced))
    headers_.push_back(write_color(timestamp));
  color_said_ = format_->color.has_value();
  // Enhanced even beside legacy AAC, which has no such packet.
  if (!format_->multichannel.empty())
    headers_.push_back(write_header(make_packet(PacketType::multichannel_config, true), timestamp,
                                    format_->multichannel));
}

// Encoders of Ogg's codecs send what stands in the caps as their first buffers, too.
bool MuxTrack::is_header(GstBuffer* packet) const {
  if (!has_format()) return false;
  const bool from_ogg = format_->codec == Codec::speex || format_->codec == Codec::flac ||
                        format_->codec == Codec::opus;
  return from_ogg && GST_BUFFER_FLAG_IS_SET(packet, GST_BUFFER_FLAG_HEADER);
}

void MuxTrack::set_frame_fields(GstBuffer* packet, const mux::Stamp& stamp) {
  frame_.nanoseconds = format_->enhanced ? stamp.nanoseconds : 0;
  if (!video()) return;
  const bool inter = GST_BUFFER_FLAG_IS_SET(packet, GST_BUFFER_FLAG_DELTA_UNIT);
  // Only Sorenson H.263 knows the third type.
  const bool disposable = format_->codec == Codec::sorenson_h263 &&
                          GST_BUFFER_FLAG_IS_SET(packet, GST_BUFFER_FLAG_DROPPABLE);
  frame_.frame_type = !inter       ? FrameType::key
                      : disposable ? FrameType::disposable_inter
                                   : FrameType::inter;
  const Codec codec = format_->codec;
  const bool reorders = codec == Codec::h264 || codec == Codec::h265 || codec == Codec::h266;
  frame_.tracks[0].composition_time = reorders ? stamp.composition_time : 0;
  frame_.coded_frames_x = format_->enhanced && reorders && stamp.composition_time == 0;
}

mux::BufferRef MuxTrack::write_packet(GstBuffer* packet, const mux::Stamp& stamp) {
  if (kind_ == mux::Kind::data)
    return format_->text ? write_text(packet, stamp.milliseconds)
                         : write_data(packet, stamp.milliseconds);
  set_frame_fields(packet, stamp);
  auto tag = mux::make_tag(message_type(), stamp.milliseconds, write_head(frame_), packet);
  if (video())
    GST_BUFFER_FLAG_SET(tag.get(), GST_BUFFER_FLAGS(packet) & GST_BUFFER_FLAG_DELTA_UNIT);
  return tag;
}

static bool begins_with_string(GstBuffer* packet) {
  constexpr guint8 string_marker = 0x02;
  guint8 marker = 0;
  return gst_buffer_extract(packet, 0, &marker, 1) == 1 && marker == string_marker;
}

// The name of the handler comes first. Where the values alone are there, the meta has it.
mux::BufferRef MuxTrack::write_data(GstBuffer* packet, std::int64_t timestamp) const {
  std::vector<std::uint8_t> head;
  if (!begins_with_string(packet)) {
    const char* name = bridge::data_name(packet);
    if (!name) return {};
    head = rtmp::amf0::write_all({name});
  }
  return mux::make_tag(message_type(), timestamp, head, packet);
}

mux::BufferRef MuxTrack::write_text(GstBuffer* packet, std::int64_t timestamp) const {
  const auto text = bridge::wrap(packet);
  rtmp::amf::Object values{{"type", "Text"}};
  values.set("text", rtmp::as_text(text ? rtmp::Bytes(*text) : rtmp::Bytes()));
  if (!language_.empty()) values.set("language", language_);
  return mux::make_tag(message_type(), timestamp,
                       rtmp::amf0::write_all({"onTextData", std::move(values)}));
}

struct _GstRtmpMuxPad {
  GstAggregatorPad parent;
  MuxTrack* track;
  std::int64_t end;  // of the last buffer; a packet without times comes right behind it
  MuxQueue* queue;
  // Of the packet that is first, if the queue is still there.
  MuxHead head;
  std::optional<std::uint64_t> head_position;
  // GstAggregator's.
  GstPadChainFunction chain;
  GstPadActivateModeFunction activate_mode;
};

G_DEFINE_TYPE(GstRtmpMuxPad, gst_rtmp_mux_pad, GST_TYPE_AGGREGATOR_PAD)

static void gst_rtmp_mux_pad_finalize(GObject* object) {
  delete GST_RTMP_MUX_PAD(object)->track;
  delete GST_RTMP_MUX_PAD(object)->queue;
  G_OBJECT_CLASS(gst_rtmp_mux_pad_parent_class)->finalize(object);
}

static void gst_rtmp_mux_pad_class_init(GstRtmpMuxPadClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = gst_rtmp_mux_pad_finalize;
}

static void gst_rtmp_mux_pad_init(GstRtmpMuxPad*) {}

// --- the queue ---

static GstFlowReturn gst_rtmp_mux_pad_chain(GstPad* pad, GstObject*, GstBuffer* buffer) {
  return gst_rtmp_mux_pad_enqueue(GST_RTMP_MUX_PAD(pad), GST_MINI_OBJECT_CAST(buffer));
}

static gboolean gst_rtmp_mux_pad_activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode,
                                               gboolean active) {
  auto* self = GST_RTMP_MUX_PAD(pad);
  self->queue->set_flushing(!active);
  return self->activate_mode(pad, parent, mode, active);
}

GstFlowReturn gst_rtmp_mux_pad_enqueue(GstRtmpMuxPad* pad, GstMiniObject* object) {
  const GstFlowReturn flow = pad->queue->push(MiniObjectRef(object));
  if (flow != GST_FLOW_OK) return flow;
  return gst_rtmp_mux_pad_put_placeholder(pad);
}

// The aggregator's chain function says, too, how it goes downstream.
GstFlowReturn gst_rtmp_mux_pad_put_placeholder(GstRtmpMuxPad* pad) {
  const std::lock_guard lock(pad->queue->placing);
  if (!pad->queue->lacks_placeholder()) return GST_FLOW_OK;
  GstObject* mux = gst_object_get_parent(GST_OBJECT(pad));
  if (!mux) return GST_FLOW_FLUSHING;
  GstBuffer* placeholder = gst_buffer_new();
  GST_BUFFER_FLAG_SET(placeholder, GST_BUFFER_FLAG_GAP);
  const GstFlowReturn flow = pad->chain(GST_PAD(pad), mux, placeholder);
  gst_object_unref(mux);
  return flow;
}

void gst_rtmp_mux_pad_drop_placeholder(GstRtmpMuxPad* pad) {
  const std::lock_guard lock(pad->queue->placing);
  if (pad->queue->gives_up_placeholder()) gst_aggregator_pad_drop_buffer(GST_AGGREGATOR_PAD(pad));
}

void gst_rtmp_mux_pad_set_flushing(GstRtmpMuxPad* pad, bool flushing) {
  pad->queue->set_flushing(flushing);
}

void gst_rtmp_mux_pad_close(GstRtmpMuxPad* pad, GstFlowReturn reason) { pad->queue->close(reason); }

void gst_rtmp_mux_pad_set_latency(GstRtmpMuxPad* pad, GstClockTime latency) {
  pad->queue->set_latency(latency);
}

MuxFront gst_rtmp_mux_pad_front(GstRtmpMuxPad* pad) {
  GstMiniObject* front = pad->queue->front();
  if (!front) return MuxFront::nothing;
  return GST_IS_BUFFER(front) ? MuxFront::packet : MuxFront::event;
}

GstEvent* gst_rtmp_mux_pad_pop_event(GstRtmpMuxPad* pad) {
  return GST_EVENT_CAST(pad->queue->pop().release());
}

// --- the pad ---

GstRtmpMuxPad* gst_rtmp_mux_pad_new(const GstPadTemplate* templ, const char* name, mux::Kind kind,
                                    guint id) {
  auto* pad = GST_RTMP_MUX_PAD(g_object_new(GST_TYPE_RTMP_MUX_PAD, "name", name, "direction",
                                            GST_PAD_SINK, "template", templ, nullptr));
  pad->track = new MuxTrack(kind, id);
  pad->queue = new MuxQueue();
  pad->chain = GST_PAD_CHAINFUNC(pad);
  pad->activate_mode = GST_PAD_ACTIVATEMODEFUNC(pad);
  gst_pad_set_chain_function(GST_PAD(pad), gst_rtmp_mux_pad_chain);
  gst_pad_set_activatemode_function(GST_PAD(pad), gst_rtmp_mux_pad_activate_mode);
  return pad;
}

MuxTrack& gst_rtmp_mux_pad_track(GstRtmpMuxPad* pad) { return *pad->track; }

static std::optional<std::int64_t> running_time(const GstSegment& segment, GstClockTime time) {
  guint64 distance = 0;
  if (!GST_CLOCK_TIME_IS_VALID(time)) return {};
  const gint sign = gst_segment_to_running_time_full(&segment, GST_FORMAT_TIME, time, &distance);
  if (sign == 0) return {};
  return sign * static_cast<std::int64_t>(distance);
}

static GstSegment gst_rtmp_mux_pad_segment(GstRtmpMuxPad* pad) {
  GST_OBJECT_LOCK(pad);
  const GstSegment segment = GST_AGGREGATOR_PAD(pad)->segment;
  GST_OBJECT_UNLOCK(pad);
  return segment;
}

static MuxHead gst_rtmp_mux_pad_read_head(GstRtmpMuxPad* pad, GstBuffer* packet) {
  const GstSegment segment = gst_rtmp_mux_pad_segment(pad);
  const auto pts = running_time(segment, GST_BUFFER_PTS(packet));
  const auto dts = running_time(segment, GST_BUFFER_DTS(packet));
  MuxHead head;
  head.times.dts = dts ? *dts : pts.value_or(pad->end);
  head.times.pts = pts.value_or(head.times.dts);
  head.end = head.times.pts;
  if (GST_BUFFER_DURATION_IS_VALID(packet))
    head.end += static_cast<std::int64_t>(GST_BUFFER_DURATION(packet));
  head.gap =
      GST_BUFFER_FLAG_IS_SET(packet, GST_BUFFER_FLAG_GAP) && gst_buffer_get_size(packet) == 0;
  return head;
}

const MuxHead& gst_rtmp_mux_pad_head(GstRtmpMuxPad* pad) {
  const std::uint64_t position = pad->queue->position();
  if (pad->head_position != position) {
    pad->head = gst_rtmp_mux_pad_read_head(pad, GST_BUFFER_CAST(pad->queue->front()));
    pad->head_position = position;
  }
  return pad->head;
}

mux::BufferRef gst_rtmp_mux_pad_pop(GstRtmpMuxPad* pad) {
  pad->end = pad->head.end;
  return mux::BufferRef(GST_BUFFER_CAST(pad->queue->pop().release()));
}
