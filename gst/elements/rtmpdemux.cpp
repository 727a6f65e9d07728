// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-rtmpdemux
 * @title: rtmpdemux
 * @short_description: Takes FLV apart, legacy and Enhanced RTMP v2
 *
 * Takes apart the FLV of RTMP streams and of files, legacy and Enhanced RTMP v2: several tracks of
 * video and audio, each with its pad, and script data.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=film.flv ! rtmpdemux ! decodebin ! autovideosink
 * ]|
 *
 * Track 0 of video and of audio come out of the pads `video` and `audio`, others of `video_1`,
 * `audio_2` and so on. A pad appears with its track's first frame, or earlier when a sequence
 * header has told all. Tracks may appear at any time; no-more-pads is said when all that the
 * metadata announces are there, or else after #GstRtmpDemux:no-more-pads-threshold.
 *
 * A new sequence header is new caps on the same pad. The end of a sequence ends nothing else.
 *
 * Script data other than onMetaData comes out of `data_0` as `application/x-rtmp-data`: the AMF0
 * values of a message in a buffer, which has a custom meta `GstRtmpDataMeta` whose field `name`
 * (string) says which handler it is for. onMetaData becomes tags, the duration and the index.
 *
 * Files that upstream gives access to can be sought in: by the index of key frames that they bring,
 * or else by looking for key frames. Other sources seek themselves.
 */

#include "elements/rtmpdemux.h"

#include <algorithm>

#include "elements/bridge.h"
#include "elements/demux_file.h"
#include "elements/demux_index.h"
#include "elements/demux_output.h"
#include "elements/demux_tags.h"
#include "rtmp/command.h"
#include "rtmp/timestamp.h"

GST_DEBUG_CATEGORY(gst_rtmp_demux_debug);
#define GST_CAT_DEFAULT gst_rtmp_demux_debug

namespace {

enum Property : guint { PROP_NO_MORE_PADS_THRESHOLD = 1 };

// One read of a file.
constexpr guint read_size = 256 * 1024;
// So many bytes without a tag are no FLV.
constexpr std::uint64_t max_search = 1024 * 1024;
// Upstream's times and the tags' may differ by rounding and by a start in between.
constexpr std::int64_t max_difference_ms = 10'000;

constexpr char data_meta[] = "GstRtmpDataMeta";

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-flv"));
GstStaticPadTemplate data_template = GST_STATIC_PAD_TEMPLATE(
    "data_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS("application/x-rtmp-data"));

gboolean src_event(GstPad* pad, GstObject* parent, GstEvent* event);
gboolean src_query(GstPad* pad, GstObject* parent, GstQuery* query);

}  // namespace

struct GstRtmpDemuxPrivate {
  // A seek that upstream has been asked for in bytes.
  struct PendingSeek {
    DemuxIndex::Entry entry;
    GstSegment segment;
    guint32 seqnum;
  };

  GstRtmpDemuxPrivate(GstElement* element, GstPad* sink)
      : output(element, {src_event, src_query}), file(sink) {}

  // Begins at a place in the stream that frames of about that time are at.
  void restart(std::uint64_t position, std::optional<std::int64_t> time_ms) {
    cutter.restart(position);
    offset = position;
    last_frame_ms = time_ms;
  }
  void reset() {
    output.reset();
    index.clear();
    file.forget();
    cutter = TagCutter();
    restart(0, std::nullopt);
    duration = GST_CLOCK_TIME_NONE;
    warned_of_encryption = any_video = false;
    time_upstream = false;
    pending_seek.reset();
  }

  // Owned by the streaming thread, or by a seek while that rests.
  TagCutter cutter;
  DemuxOutput output;
  DemuxFile file;
  guint64 offset = 0;  // pull mode: of the next read
  std::optional<std::int64_t> last_frame_ms;
  bool warned_of_encryption = false;
  bool any_video = false;

  DemuxIndex index;
  std::atomic<GstClockTime> duration = GST_CLOCK_TIME_NONE;
  std::atomic<bool> pull_mode = false;
  std::atomic<bool> time_upstream = false;  // upstream's segment is in TIME

  std::mutex mutex;  // guards the one below
  std::optional<PendingSeek> pending_seek;
};

struct _GstRtmpDemux {
  GstElement parent;
  GstPad* sink;
  GstRtmpDemuxPrivate* priv;
};

G_DEFINE_TYPE(GstRtmpDemux, gst_rtmp_demux, GST_TYPE_ELEMENT)
// Above flvdemux, so that decodebin takes this one.
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(rtmpdemux, "rtmpdemux", GST_RANK_PRIMARY + 10,
                                      GST_TYPE_RTMP_DEMUX,
                                      GST_DEBUG_CATEGORY_INIT(gst_rtmp_demux_debug, "rtmpdemux", 0,
                                                              "FLV demuxer"))

// --- tags ---

// Frames carry the time line; headers and data, often at 0, are placed next to it.
static std::int64_t gst_rtmp_demux_unwrap(GstRtmpDemux* self, std::uint32_t low, bool is_frame) {
  auto& last = self->priv->last_frame_ms;
  const std::int64_t time = last ? rtmp::unwrap_timestamp(low, *last) : std::int64_t{low};
  if (is_frame) last = time;
  return time;
}

// Sync points to seek to: video's, or where there is none, one of audio in a second.
static void gst_rtmp_demux_remember(GstRtmpDemux* self, const rtmp::media::Packet& packet,
                                    std::int64_t ms, std::uint64_t position) {
  using rtmp::media::FrameType;
  auto* priv = self->priv;
  priv->any_video |= packet.video;
  const GstClockTime time = static_cast<GstClockTime>(std::max<std::int64_t>(ms, 0)) * GST_MSECOND;
  const auto last = priv->index.last();
  if (packet.video ? packet.frame_type == FrameType::key
                   : !priv->any_video && (!last || time >= last->time + GST_SECOND))
    priv->index.add({time, position});
}

static GstFlowReturn gst_rtmp_demux_media(GstRtmpDemux* self, const TagCutter::Tag& tag) {
  auto* priv = self->priv;
  const bool is_video = tag.header.type == rtmp::MessageType::video;
  const auto packet =
      is_video ? rtmp::media::read_video(tag.body.bytes) : rtmp::media::read_audio(tag.body.bytes);
  if (!packet) {
    GST_DEBUG_OBJECT(self, "skipped a tag at %" G_GUINT64_FORMAT ": %s", tag.position,
                     packet.error().message().c_str());
    return GST_FLOW_OK;
  }
  const bool is_frame =
      packet->type == rtmp::media::PacketType::coded_frames && !packet->tracks.empty();
  const std::int64_t ms = gst_rtmp_demux_unwrap(self, tag.header.timestamp, is_frame);
  const gint64 time = ms * gint64{GST_MSECOND} + packet->nanoseconds;
  if (is_frame) gst_rtmp_demux_remember(self, *packet, ms, tag.position);
  if (!is_video && packet->tracks.empty()) {
    priv->output.push_silence(time);
    return GST_FLOW_OK;
  }
  return priv->output.push(*packet, tag.body, time);
}

static void gst_rtmp_demux_metadata(GstRtmpDemux* self, const rtmp::Data& data) {
  auto* priv = self->priv;
  const rtmp::amf::Object* object = data.values.empty() ? nullptr : data.values.front().object();
  if (!object) return;
  Metadata metadata = read_metadata(*object);
  priv->index.set(metadata.key_frames);
  if (metadata.duration && metadata.duration != priv->duration) {
    priv->duration = *metadata.duration;
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_duration_changed(GST_OBJECT(self)));
  }
  priv->output.pads().set_metadata(metadata);
}

// The message as AMF0, without a copy where it is that already.
static GstBuffer* gst_rtmp_demux_data_buffer(const TagCutter::Tag& tag, const rtmp::Data& data,
                                             bool as_it_came) {
  GstBuffer* buffer = gst_buffer_new();
  if (as_it_came) {
    gst_buffer_append_memory(buffer, tag.body.share(0, tag.body.bytes.size()));
  } else {
    const rtmp::Message message = rtmp::write_data(data, 0, 0);
    gst_buffer_append_memory(buffer, bridge::to_memory(message.payload));
  }
  GstCustomMeta* meta = gst_buffer_add_custom_meta(buffer, data_meta);
  gst_structure_set(gst_custom_meta_get_structure(meta), "name", G_TYPE_STRING, data.name.c_str(),
                    nullptr);
  return buffer;
}

static GstFlowReturn gst_rtmp_demux_data(GstRtmpDemux* self, const TagCutter::Tag& tag) {
  const rtmp::Message message{tag.header.type, 0, 0, rtmp::Buffer(nullptr, tag.body.bytes)};
  auto data = rtmp::read_data(message, bridge::metadata_limits());
  if (!data) {
    GST_DEBUG_OBJECT(self, "skipped data at %" G_GUINT64_FORMAT ": %s", tag.position,
                     data.error().message().c_str());
    return GST_FLOW_OK;
  }
  const bool as_it_came =
      tag.header.type == rtmp::MessageType::data && data->name != "@setDataFrame";
  rtmp::strip_set_data_frame(*data);
  if (data->name == "onMetaData") {
    gst_rtmp_demux_metadata(self, *data);
    return GST_FLOW_OK;
  }
  // Of encryption, which the tags themselves tell.
  if (data->name == "|AdditionalHeader") return GST_FLOW_OK;
  if (!g_utf8_validate(data->name.data(), static_cast<gssize>(data->name.size()), nullptr))
    return GST_FLOW_OK;
  const gint64 time =
      gst_rtmp_demux_unwrap(self, tag.header.timestamp, false) * gint64{GST_MSECOND};
  return self->priv->output.push_data(gst_rtmp_demux_data_buffer(tag, *data, as_it_came), time);
}

static GstFlowReturn gst_rtmp_demux_tag(GstRtmpDemux* self, const TagCutter::Tag& tag) {
  if (tag.header.filtered) {
    if (!std::exchange(self->priv->warned_of_encryption, true))
      GST_ELEMENT_WARNING(self, STREAM, DECRYPT, ("Parts of this stream are encrypted."),
                          ("tags with the filter bit are left out"));
    return GST_FLOW_OK;
  }
  return rtmp::is_media(tag.header.type) ? gst_rtmp_demux_media(self, tag)
                                         : gst_rtmp_demux_data(self, tag);
}

// Takes the buffer.
static GstFlowReturn gst_rtmp_demux_process(GstRtmpDemux* self, GstBuffer* buffer) {
  auto& cutter = self->priv->cutter;
  const bool mapped = cutter.push(buffer);
  gst_buffer_unref(buffer);
  if (!mapped) {
    GST_ELEMENT_ERROR(self, RESOURCE, READ, ("A buffer cannot be read."), (nullptr));
    return GST_FLOW_ERROR;
  }
  GstFlowReturn flow = GST_FLOW_OK;
  while (flow == GST_FLOW_OK) {
    const auto tag = cutter.next();
    if (!tag) break;
    flow = gst_rtmp_demux_tag(self, *tag);
  }
  if (!cutter.found_any() && cutter.skipped_bytes() > max_search) {
    GST_ELEMENT_ERROR(self, STREAM, WRONG_TYPE, ("This is no FLV stream."), (nullptr));
    return GST_FLOW_ERROR;
  }
  return flow;
}

static void gst_rtmp_demux_finish(GstRtmpDemux* self) {
  auto& pads = self->priv->output.pads();
  pads.say_no_more_pads();
  if (pads.has_any()) {
    pads.push_event(gst_event_new_eos());
  } else {
    GST_ELEMENT_ERROR(self, STREAM, DEMUX, ("The stream ended before any audio or video came."),
                      (nullptr));
  }
}

// --- push mode ---

// Sources that know their time say it in 64 bits.
static void gst_rtmp_demux_take_time(GstRtmpDemux* self, GstBuffer* buffer) {
  auto& last = self->priv->last_frame_ms;
  if (!self->priv->time_upstream || !GST_BUFFER_DTS_IS_VALID(buffer)) return;
  const auto upstream = static_cast<std::int64_t>(GST_BUFFER_DTS(buffer) / GST_MSECOND);
  if (!last || std::abs(upstream - *last) > max_difference_ms) last = upstream;
}

static GstFlowReturn gst_rtmp_demux_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  auto* self = GST_RTMP_DEMUX(parent);
  if (GST_BUFFER_IS_DISCONT(buffer)) self->priv->output.mark_discont();
  gst_rtmp_demux_take_time(self, buffer);
  return gst_rtmp_demux_process(self, buffer);
}

static void gst_rtmp_demux_bytes_segment(GstRtmpDemux* self, const GstSegment& bytes) {
  auto* priv = self->priv;
  std::optional<GstRtmpDemuxPrivate::PendingSeek> seek;
  {
    const std::lock_guard lock(priv->mutex);
    seek = std::exchange(priv->pending_seek, std::nullopt);
  }
  priv->time_upstream = false;
  priv->output.mark_discont();
  if (seek && bytes.format == GST_FORMAT_BYTES && bytes.start == seek->entry.position) {
    priv->restart(bytes.start, static_cast<std::int64_t>(seek->entry.time / GST_MSECOND));
    priv->output.set_segment(seek->segment, seek->seqnum);
    return;
  }
  priv->restart(bytes.format == GST_FORMAT_BYTES ? bytes.start : 0, std::nullopt);
  priv->output.forget_segment();
}

static void gst_rtmp_demux_sink_segment(GstRtmpDemux* self, GstEvent* event) {
  auto* priv = self->priv;
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(event, &segment);
  if (segment->format != GST_FORMAT_TIME) {
    gst_rtmp_demux_bytes_segment(self, *segment);
    return;
  }
  priv->time_upstream = true;
  priv->output.set_segment(*segment, gst_event_get_seqnum(event));
}

static gboolean gst_rtmp_demux_sink_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  auto* self = GST_RTMP_DEMUX(parent);
  auto* priv = self->priv;
  auto& pads = priv->output.pads();
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_STREAM_START: {
      guint group_id = GST_GROUP_ID_INVALID;
      if (gst_event_parse_group_id(event, &group_id)) pads.set_group_id(group_id);
      break;
    }
    case GST_EVENT_CAPS:
      break;
    case GST_EVENT_SEGMENT:
      gst_rtmp_demux_sink_segment(self, event);
      break;
    case GST_EVENT_EOS:
      gst_rtmp_demux_finish(self);
      break;
    case GST_EVENT_FLUSH_STOP:
      priv->restart(0, std::nullopt);
      priv->output.forget_segment();
      priv->output.mark_discont();
      pads.clear_flow();
      pads.push_event(event);
      return TRUE;
    default:
      return gst_pad_event_default(pad, parent, event);
  }
  gst_event_unref(event);
  return TRUE;
}

// --- pull mode ---

static void gst_rtmp_demux_pause(GstRtmpDemux* self, GstFlowReturn reason) {
  auto* priv = self->priv;
  gst_pad_pause_task(self->sink);
  if (reason == GST_FLOW_EOS) {
    const GstSegment segment = priv->output.segment();
    if (!(segment.flags & GST_SEGMENT_FLAG_SEGMENT)) {
      gst_rtmp_demux_finish(self);
      return;
    }
    const GstClockTime duration = priv->duration;
    const auto end =
        static_cast<gint64>(GST_CLOCK_TIME_IS_VALID(segment.stop) ? segment.stop : duration);
    gst_element_post_message(GST_ELEMENT(self),
                             gst_message_new_segment_done(GST_OBJECT(self), GST_FORMAT_TIME, end));
    priv->output.pads().push_event(gst_event_new_segment_done(GST_FORMAT_TIME, end));
  } else if (reason == GST_FLOW_NOT_LINKED || reason < GST_FLOW_EOS) {
    GST_ELEMENT_FLOW_ERROR(self, reason);
    priv->output.pads().push_event(gst_event_new_eos());
  }
}

static void gst_rtmp_demux_loop(gpointer data) {
  auto* self = GST_RTMP_DEMUX(data);
  auto* priv = self->priv;
  GstBuffer* buffer = nullptr;
  if (priv->offset == 0 && !GST_CLOCK_TIME_IS_VALID(priv->duration))
    if (const auto last = priv->file.last_time()) priv->duration = *last;
  GstFlowReturn flow = gst_pad_pull_range(self->sink, priv->offset, read_size, &buffer);
  if (flow == GST_FLOW_OK) {
    priv->offset += gst_buffer_get_size(buffer);
    flow = gst_rtmp_demux_process(self, buffer);
  }
  if (flow != GST_FLOW_OK) gst_rtmp_demux_pause(self, flow);
}

static gboolean gst_rtmp_demux_activate(GstPad* pad, GstObject*) {
  GstQuery* query = gst_query_new_scheduling();
  const bool may_pull =
      gst_pad_peer_query(pad, query) && gst_query_has_scheduling_mode_with_flags(
                                            query, GST_PAD_MODE_PULL, GST_SCHEDULING_FLAG_SEEKABLE);
  gst_query_unref(query);
  return gst_pad_activate_mode(pad, may_pull ? GST_PAD_MODE_PULL : GST_PAD_MODE_PUSH, TRUE);
}

static gboolean gst_rtmp_demux_activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode,
                                             gboolean active) {
  auto* self = GST_RTMP_DEMUX(parent);
  self->priv->pull_mode = mode == GST_PAD_MODE_PULL && active;
  if (mode != GST_PAD_MODE_PULL) return TRUE;
  return active ? gst_pad_start_task(pad, gst_rtmp_demux_loop, self, nullptr)
                : gst_pad_stop_task(pad);
}

// --- seeking ---

namespace {

struct Seek {
  explicit Seek(GstEvent* event) : seqnum(gst_event_get_seqnum(event)) {
    gst_event_parse_seek(event, &rate, &format, &flags, &start_type, &start, &stop_type, &stop);
  }
  bool is_possible() const { return format == GST_FORMAT_TIME && rate > 0; }
  bool is_flushing() const { return flags & GST_SEEK_FLAG_FLUSH; }

  guint32 seqnum;
  gdouble rate = 1;
  GstFormat format = GST_FORMAT_UNDEFINED;
  GstSeekFlags flags = GST_SEEK_FLAG_NONE;
  GstSeekType start_type = GST_SEEK_TYPE_NONE, stop_type = GST_SEEK_TYPE_NONE;
  gint64 start = 0, stop = 0;
};

}  // namespace

static bool gst_rtmp_demux_make_segment(GstRtmpDemux* self, const Seek& seek, GstSegment& segment) {
  segment = self->priv->output.segment();
  segment.duration = self->priv->duration;
  const auto start = static_cast<guint64>(seek.start), stop = static_cast<guint64>(seek.stop);
  gboolean update = FALSE;
  return gst_segment_do_seek(&segment, seek.rate, seek.format, seek.flags, seek.start_type, start,
                             seek.stop_type, stop, &update);
}

// Where to read from for a segment; key unit seeks move the segment there.
static DemuxIndex::Entry gst_rtmp_demux_find(GstRtmpDemux* self, const Seek& seek,
                                             GstSegment& segment) {
  const auto& index = self->priv->index;
  const GstClockTime target = segment.position;
  auto entry = index.at_or_before(target).value_or(DemuxIndex::Entry());
  if (!(seek.flags & GST_SEEK_FLAG_KEY_UNIT)) return entry;
  const auto after = index.at_or_after(target);
  const bool wants_after = seek.flags & GST_SEEK_FLAG_SNAP_AFTER;
  const bool wants_before = seek.flags & GST_SEEK_FLAG_SNAP_BEFORE;
  const bool is_nearer = after && after->time - target < target - std::min(target, entry.time);
  if (after && wants_after && (!wants_before || is_nearer)) entry = *after;
  segment.start = segment.position = segment.time = entry.time;
  return entry;
}

static gboolean gst_rtmp_demux_seek_file(GstRtmpDemux* self, const Seek& seek) {
  auto* priv = self->priv;
  auto& pads = priv->output.pads();
  if (seek.is_flushing()) {
    GstEvent* flush = gst_event_new_flush_start();
    gst_event_set_seqnum(flush, seek.seqnum);
    gst_pad_push_event(self->sink, gst_event_ref(flush));
    pads.push_event(flush);
  } else {
    gst_pad_pause_task(self->sink);
  }
  GST_PAD_STREAM_LOCK(self->sink);
  if (seek.is_flushing()) {
    GstEvent* flush = gst_event_new_flush_stop(TRUE);
    gst_event_set_seqnum(flush, seek.seqnum);
    gst_pad_push_event(self->sink, gst_event_ref(flush));
    pads.push_event(flush);
  }
  GstSegment segment;
  const bool possible = gst_rtmp_demux_make_segment(self, seek, segment);
  if (possible) {
    const auto indexed = priv->index.at_or_before(segment.position);
    if (indexed && priv->index.is_complete() && !priv->file.has_tag_at(indexed->position)) {
      GST_INFO_OBJECT(self, "the file's index is wrong");
      priv->index.clear();
    }
    if (!priv->index.is_complete()) priv->file.extend(priv->index, segment.position);
    const auto entry = gst_rtmp_demux_find(self, seek, segment);
    priv->restart(entry.position, static_cast<std::int64_t>(entry.time / GST_MSECOND));
    pads.clear_flow();
    priv->output.mark_discont();
    priv->output.set_segment(segment, seek.seqnum);
    if (segment.flags & GST_SEGMENT_FLAG_SEGMENT)
      gst_element_post_message(GST_ELEMENT(self),
                               gst_message_new_segment_start(GST_OBJECT(self), GST_FORMAT_TIME,
                                                             static_cast<gint64>(segment.start)));
  }
  gst_pad_start_task(self->sink, gst_rtmp_demux_loop, self, nullptr);
  GST_PAD_STREAM_UNLOCK(self->sink);
  return possible;
}

static bool gst_rtmp_demux_upstream_seeks(GstRtmpDemux* self, GstFormat format) {
  GstQuery* query = gst_query_new_seeking(format);
  gboolean seekable = FALSE;
  if (gst_pad_peer_query(self->sink, query))
    gst_query_parse_seeking(query, nullptr, &seekable, nullptr, nullptr);
  gst_query_unref(query);
  return seekable;
}

// By bytes, where the file has an index or the place has been seen.
static gboolean gst_rtmp_demux_seek_bytes(GstRtmpDemux* self, const Seek& seek) {
  auto* priv = self->priv;
  if (!gst_rtmp_demux_upstream_seeks(self, GST_FORMAT_BYTES)) return FALSE;
  GstSegment segment;
  if (!gst_rtmp_demux_make_segment(self, seek, segment)) return FALSE;
  const auto last = priv->index.last();
  if (!last || (!priv->index.is_complete() && segment.position > last->time)) return FALSE;
  const auto entry = gst_rtmp_demux_find(self, seek, segment);
  {
    const std::lock_guard lock(priv->mutex);
    priv->pending_seek = {entry, segment, seek.seqnum};
  }
  GstEvent* event = gst_event_new_seek(
      seek.rate, GST_FORMAT_BYTES,
      static_cast<GstSeekFlags>(seek.flags & (GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE)),
      GST_SEEK_TYPE_SET, static_cast<gint64>(entry.position), GST_SEEK_TYPE_NONE, 0);
  gst_event_set_seqnum(event, seek.seqnum);
  if (gst_pad_push_event(self->sink, event)) return TRUE;
  const std::lock_guard lock(priv->mutex);
  priv->pending_seek.reset();
  return FALSE;
}

// Takes the event.
static gboolean gst_rtmp_demux_seek(GstRtmpDemux* self, GstEvent* event) {
  const Seek seek(event);
  gboolean done = FALSE;
  if (self->priv->pull_mode) {
    done = seek.is_possible() && gst_rtmp_demux_seek_file(self, seek);
  } else {
    done = gst_pad_push_event(self->sink, gst_event_ref(event));
    if (!done && seek.is_possible()) done = gst_rtmp_demux_seek_bytes(self, seek);
  }
  gst_event_unref(event);
  return done;
}

// --- queries ---

static bool gst_rtmp_demux_query_position(GstRtmpDemux* self, GstPad* pad, GstQuery* query) {
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_position(query, &format, nullptr);
  const auto* track = static_cast<DemuxTrack*>(gst_pad_get_element_private(pad));
  const GstClockTime position = track->position;
  if (format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID(position)) return false;
  const GstSegment segment = self->priv->output.segment();
  const guint64 time = gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, position);
  if (!GST_CLOCK_TIME_IS_VALID(time)) return false;
  gst_query_set_position(query, GST_FORMAT_TIME, static_cast<gint64>(time));
  return true;
}

static bool gst_rtmp_demux_query_duration(GstRtmpDemux* self, GstQuery* query) {
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_duration(query, &format, nullptr);
  const GstClockTime duration = self->priv->duration;
  if (format != GST_FORMAT_TIME) return false;
  if (self->priv->time_upstream && gst_pad_peer_query(self->sink, query)) return true;
  if (!GST_CLOCK_TIME_IS_VALID(duration)) return false;
  gst_query_set_duration(query, GST_FORMAT_TIME, static_cast<gint64>(duration));
  return true;
}

static bool gst_rtmp_demux_query_seeking(GstRtmpDemux* self, GstQuery* query) {
  auto* priv = self->priv;
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_seeking(query, &format, nullptr, nullptr, nullptr);
  if (format != GST_FORMAT_TIME) return false;
  if (!priv->pull_mode && gst_rtmp_demux_upstream_seeks(self, GST_FORMAT_TIME))
    return gst_pad_peer_query(self->sink, query);
  const bool seekable = priv->pull_mode || (priv->index.is_complete() &&
                                            gst_rtmp_demux_upstream_seeks(self, GST_FORMAT_BYTES));
  const GstClockTime duration = priv->duration;
  gst_query_set_seeking(query, GST_FORMAT_TIME, seekable, 0,
                        GST_CLOCK_TIME_IS_VALID(duration) ? static_cast<gint64>(duration) : -1);
  return true;
}

static bool gst_rtmp_demux_query_segment(GstRtmpDemux* self, GstQuery* query) {
  const GstSegment segment = self->priv->output.segment();
  const auto to_stream = [&segment](guint64 position) {
    return static_cast<gint64>(gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, position));
  };
  gst_query_set_segment(query, segment.rate, GST_FORMAT_TIME, to_stream(segment.start),
                        GST_CLOCK_TIME_IS_VALID(segment.stop)
                            ? to_stream(segment.stop)
                            : static_cast<gint64>(segment.duration));
  return true;
}

namespace {

gboolean src_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEEK)
    return gst_rtmp_demux_seek(GST_RTMP_DEMUX(parent), event);
  return gst_pad_event_default(pad, parent, event);
}

gboolean src_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  auto* self = GST_RTMP_DEMUX(parent);
  bool answered = false;
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_POSITION:
      answered = gst_rtmp_demux_query_position(self, pad, query);
      break;
    case GST_QUERY_DURATION:
      answered = gst_rtmp_demux_query_duration(self, query);
      break;
    case GST_QUERY_SEEKING:
      answered = gst_rtmp_demux_query_seeking(self, query);
      break;
    case GST_QUERY_SEGMENT:
      answered = gst_rtmp_demux_query_segment(self, query);
      break;
    default:
      break;
  }
  return answered || gst_pad_query_default(pad, parent, query);
}

}  // namespace

// --- the class ---

static GstStateChangeReturn gst_rtmp_demux_change_state(GstElement* element,
                                                        GstStateChange transition) {
  auto* priv = GST_RTMP_DEMUX(element)->priv;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) priv->reset();
  const auto result =
      GST_ELEMENT_CLASS(gst_rtmp_demux_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) priv->reset();
  return result;
}

static void gst_rtmp_demux_set_property(GObject* object, guint id, const GValue* value,
                                        GParamSpec* pspec) {
  if (id == PROP_NO_MORE_PADS_THRESHOLD)
    GST_RTMP_DEMUX(object)->priv->output.pads().no_more_pads_threshold = g_value_get_uint64(value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_rtmp_demux_get_property(GObject* object, guint id, GValue* value,
                                        GParamSpec* pspec) {
  if (id == PROP_NO_MORE_PADS_THRESHOLD)
    g_value_set_uint64(value, GST_RTMP_DEMUX(object)->priv->output.pads().no_more_pads_threshold);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_rtmp_demux_finalize(GObject* object) {
  delete GST_RTMP_DEMUX(object)->priv;
  G_OBJECT_CLASS(gst_rtmp_demux_parent_class)->finalize(object);
}

static void gst_rtmp_demux_init(GstRtmpDemux* self) {
  self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sink, gst_rtmp_demux_chain);
  gst_pad_set_event_function(self->sink, gst_rtmp_demux_sink_event);
  gst_pad_set_activate_function(self->sink, gst_rtmp_demux_activate);
  gst_pad_set_activatemode_function(self->sink, gst_rtmp_demux_activate_mode);
  gst_element_add_pad(GST_ELEMENT(self), self->sink);
  self->priv = new GstRtmpDemuxPrivate(GST_ELEMENT(self), self->sink);
}

// Takes the caps.
static void add_template(GstElementClass* klass, const char* name, GstCaps* caps) {
  gst_element_class_add_pad_template(
      klass, gst_pad_template_new(name, GST_PAD_SRC, GST_PAD_SOMETIMES, caps));
  gst_caps_unref(caps);
}

static void gst_rtmp_demux_class_init(GstRtmpDemuxClass* klass) {
  auto* gobject_class = G_OBJECT_CLASS(klass);
  gobject_class->finalize = gst_rtmp_demux_finalize;
  gobject_class->set_property = gst_rtmp_demux_set_property;
  gobject_class->get_property = gst_rtmp_demux_get_property;
  /**
   * GstRtmpDemux:no-more-pads-threshold:
   *
   * How long to wait, in the stream's own time, for tracks that nobody has announced before
   * no-more-pads is said. Tracks that the metadata announces are waited for six times as long.
   * Later tracks still get their pads.
   */
  g_object_class_install_property(
      gobject_class, PROP_NO_MORE_PADS_THRESHOLD,
      g_param_spec_uint64("no-more-pads-threshold", "No more pads threshold",
                          "Stream time in ns to wait for unannounced tracks before no-more-pads", 0,
                          G_MAXINT64, DemuxPads::default_no_more_pads_threshold,
                          static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                   GST_PARAM_MUTABLE_PLAYING)));

  auto* element_class = GST_ELEMENT_CLASS(klass);
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_rtmp_demux_change_state);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  add_template(element_class, "video", video_template_caps());
  add_template(element_class, "video_%u", video_template_caps());
  add_template(element_class, "audio", audio_template_caps());
  add_template(element_class, "audio_%u", audio_template_caps());
  gst_element_class_add_static_pad_template(element_class, &data_template);
  gst_element_class_set_static_metadata(element_class, "RTMP demuxer", "Codec/Demuxer",
                                        "Takes FLV apart, legacy and Enhanced RTMP",
                                        "gst-plugins-rtmp developers");

  static const gchar* no_tags[] = {nullptr};
  if (!gst_meta_get_info(data_meta))
    gst_meta_register_custom(data_meta, no_tags, nullptr, nullptr, nullptr);
}
