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
 * Buffers have the stream's own times. Where upstream has times of its own in a TIME segment, of
 * arrival, say, the first frame gets upstream's, and the others are as far from it as the stream
 * says. A stream with times below 0 is lifted by the range of FLV's times, 2^32 ms, and its segment
 * with it, so that running times are what they would be.
 *
 * Script data other than onMetaData comes out of `data_0` as `application/x-rtmp-data`: the AMF0
 * values of a message in a buffer, which has a custom meta `GstRtmpDataMeta` whose field `name`
 * (string) says which handler it is for. onMetaData becomes tags, the duration and the index.
 *
 * Files that upstream gives access to can be sought in: by the index of key frames that they bring,
 * or else by looking for key frames; decoders get the sequence headers in force there. Other
 * sources seek themselves.
 */

#include "elements/rtmpdemux.h"

#include <algorithm>

#include "elements/bridge.h"
#include "elements/demux_file.h"
#include "elements/demux_stream.h"

GST_DEBUG_CATEGORY(gst_rtmp_demux_debug);
#define GST_CAT_DEFAULT gst_rtmp_demux_debug

namespace {

enum Property : guint { PROP_NO_MORE_PADS_THRESHOLD = 1 };

// One read of a file: more where a tag needs it.
constexpr guint default_read_size = 256 * 1024, max_read_size = 32 * 1024 * 1024;
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
      : stream(element, {src_event, src_query}), file(sink) {}

  void restart(std::uint64_t position) {
    stream.restart(position, std::nullopt);
    offset = position;
  }
  void seek(const DemuxIndex::Entry& entry) {
    stream.seek(entry.position, static_cast<std::int64_t>(entry.time / GST_MSECOND));
    offset = entry.position;
  }
  // The tag that the end of a read cut is read again, so that it lies in one memory.
  void go_back(gsize size) {
    const gsize rest = stream.give_back();
    offset -= rest;
    read_size = rest < size ? default_read_size : std::min(2 * read_size, max_read_size);
  }
  void reset() {
    stream.reset();
    read_size = default_read_size;
    file.forget();
    offset = 0;
    time_upstream = false;
    last_seek = GST_SEQNUM_INVALID;
    pending_seek.reset();
  }

  // Owned by the streaming thread, or by a seek while that rests.
  DemuxStream stream;
  DemuxFile file;
  guint64 offset = 0;  // pull mode: of the next read
  guint read_size = default_read_size;

  std::atomic<bool> pull_mode = false;
  std::atomic<bool> time_upstream = false;  // upstream's segment is in TIME
  std::atomic<guint32> last_seek = GST_SEQNUM_INVALID;

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

// --- the end ---

static void gst_rtmp_demux_finish(GstRtmpDemux* self) {
  auto& pads = self->priv->stream.output.pads();
  pads.say_no_more_pads();
  if (pads.has_any()) {
    pads.push_event(gst_event_new_eos());
  } else {
    GST_ELEMENT_ERROR(self, STREAM, DEMUX, ("The stream ended before any audio or video came."),
                      (nullptr));
  }
}

// --- push mode ---

static GstFlowReturn gst_rtmp_demux_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  // Not the checked cast: this is for every buffer.
  auto* priv = reinterpret_cast<GstRtmpDemux*>(parent)->priv;
  if (GST_BUFFER_IS_DISCONT(buffer)) priv->stream.output.mark_discont();
  const GstClockTime time = GST_BUFFER_DTS_OR_PTS(buffer);
  const bool has_time = GST_CLOCK_TIME_IS_VALID(time);
  if (has_time && priv->time_upstream) priv->stream.set_time(static_cast<gint64>(time));
  priv->stream.output.set_upstream_time(has_time ? std::optional(static_cast<gint64>(time))
                                                 : std::nullopt);
  return priv->stream.process(buffer);
}

static void gst_rtmp_demux_bytes_segment(GstRtmpDemux* self, const GstSegment& bytes) {
  auto* priv = self->priv;
  std::optional<GstRtmpDemuxPrivate::PendingSeek> seek;
  {
    const std::lock_guard lock(priv->mutex);
    seek = std::exchange(priv->pending_seek, std::nullopt);
  }
  priv->time_upstream = false;
  priv->stream.output.mark_discont();
  if (seek && bytes.format == GST_FORMAT_BYTES && bytes.start == seek->entry.position) {
    priv->seek(seek->entry);
    priv->stream.output.set_own_segment(seek->segment, seek->seqnum);
    return;
  }
  priv->restart(bytes.format == GST_FORMAT_BYTES ? bytes.start : 0);
  priv->stream.output.forget_segment();
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
  priv->stream.forget_time();
  priv->stream.output.set_segment(*segment, gst_event_get_seqnum(event));
}

static gboolean gst_rtmp_demux_sink_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  auto* self = GST_RTMP_DEMUX(parent);
  auto* priv = self->priv;
  auto& pads = priv->stream.output.pads();
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
      priv->restart(0);
      priv->stream.output.forget_segment();
      priv->stream.output.mark_discont();
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
    const GstSegment segment = priv->stream.output.own_segment();
    if (!(segment.flags & GST_SEGMENT_FLAG_SEGMENT)) {
      gst_rtmp_demux_finish(self);
      return;
    }
    const GstClockTime duration = priv->stream.duration;
    const auto end =
        static_cast<gint64>(GST_CLOCK_TIME_IS_VALID(segment.stop) ? segment.stop : duration);
    gst_element_post_message(GST_ELEMENT(self),
                             gst_message_new_segment_done(GST_OBJECT(self), GST_FORMAT_TIME, end));
    priv->stream.output.pads().push_event(gst_event_new_segment_done(GST_FORMAT_TIME, end));
  } else if (reason == GST_FLOW_NOT_LINKED || reason < GST_FLOW_EOS) {
    GST_ELEMENT_FLOW_ERROR(self, reason);
    priv->stream.output.pads().push_event(gst_event_new_eos());
  }
}

static void gst_rtmp_demux_loop(gpointer data) {
  auto* self = GST_RTMP_DEMUX(data);
  auto* priv = self->priv;
  GstBuffer* buffer = nullptr;
  if (priv->offset == 0 && !GST_CLOCK_TIME_IS_VALID(priv->stream.duration))
    if (const auto last = priv->file.last_time()) priv->stream.duration = *last;
  GstFlowReturn flow = gst_pad_pull_range(self->sink, priv->offset, priv->read_size, &buffer);
  if (flow == GST_FLOW_OK) {
    const gsize size = gst_buffer_get_size(buffer);
    priv->offset += size;
    flow = priv->stream.process(buffer);
    // A shorter one is the last.
    if (flow == GST_FLOW_OK && size >= priv->read_size) priv->go_back(size);
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
  segment = self->priv->stream.output.own_segment();
  segment.duration = self->priv->stream.duration;
  const auto start = static_cast<guint64>(seek.start), stop = static_cast<guint64>(seek.stop);
  gboolean update = FALSE;
  return gst_segment_do_seek(&segment, seek.rate, seek.format, seek.flags, seek.start_type, start,
                             seek.stop_type, stop, &update);
}

// Where to read from for a segment; key unit seeks move the segment there.
static DemuxIndex::Entry gst_rtmp_demux_find(GstRtmpDemux* self, const Seek& seek,
                                             GstSegment& segment) {
  const auto& index = self->priv->stream.index;
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

// Takes the event. The streaming thread may be adding a pad meanwhile.
static void gst_rtmp_demux_push_to_all(GstRtmpDemux* self, GstEvent* event) {
  const auto push = [](GstElement*, GstPad* pad, gpointer data) -> gboolean {
    gst_pad_push_event(pad, gst_event_ref(GST_EVENT(data)));
    return TRUE;
  };
  gst_element_foreach_src_pad(GST_ELEMENT(self), push, event);
  gst_event_unref(event);
}

static gboolean gst_rtmp_demux_seek_file(GstRtmpDemux* self, const Seek& seek) {
  auto* priv = self->priv;
  auto& pads = priv->stream.output.pads();
  if (seek.is_flushing()) {
    GstEvent* flush = gst_event_new_flush_start();
    gst_event_set_seqnum(flush, seek.seqnum);
    gst_pad_push_event(self->sink, gst_event_ref(flush));
    gst_rtmp_demux_push_to_all(self, flush);
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
    const auto indexed = priv->stream.index.at_or_before(segment.position);
    if (indexed && priv->stream.index.is_complete() && !priv->file.has_tag_at(indexed->position)) {
      GST_INFO_OBJECT(self, "the file's index is wrong");
      priv->stream.index.clear();
      priv->stream.survey.clear();
    }
    if (!priv->stream.index.is_complete())
      priv->file.look_on(priv->stream.survey, segment.position, 0);
    const auto entry = gst_rtmp_demux_find(self, seek, segment);
    if (!priv->stream.survey.knows_headers_at(entry.position))
      priv->file.look_on(priv->stream.survey, 0, entry.position);
    priv->seek(entry);
    pads.clear_flow();
    priv->stream.output.mark_discont();
    priv->stream.output.set_own_segment(segment, seek.seqnum);
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
  const auto last = priv->stream.index.last();
  if (!last || (!priv->stream.index.is_complete() && segment.position > last->time)) return FALSE;
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

// Takes the event. A bin gives a seek to each of its sinks, so it comes once from every pad.
static gboolean gst_rtmp_demux_seek(GstRtmpDemux* self, GstEvent* event) {
  auto* priv = self->priv;
  const Seek seek(event);
  gboolean done = seek.seqnum == priv->last_seek;
  if (!done && priv->pull_mode) {
    done = seek.is_possible() && gst_rtmp_demux_seek_file(self, seek);
  } else if (!done) {
    done = gst_pad_push_event(self->sink, gst_event_ref(event));
    if (!done && seek.is_possible()) done = gst_rtmp_demux_seek_bytes(self, seek);
  }
  if (done) priv->last_seek = seek.seqnum;
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
  const GstSegment segment = self->priv->stream.output.segment();
  const guint64 time = gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, position);
  if (!GST_CLOCK_TIME_IS_VALID(time)) return false;
  gst_query_set_position(query, GST_FORMAT_TIME, static_cast<gint64>(time));
  return true;
}

static bool gst_rtmp_demux_query_duration(GstRtmpDemux* self, GstQuery* query) {
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_duration(query, &format, nullptr);
  const GstClockTime duration = self->priv->stream.duration;
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
  const bool seekable = priv->pull_mode || (priv->stream.index.is_complete() &&
                                            gst_rtmp_demux_upstream_seeks(self, GST_FORMAT_BYTES));
  const GstClockTime duration = priv->stream.duration;
  gst_query_set_seeking(query, GST_FORMAT_TIME, seekable, 0,
                        GST_CLOCK_TIME_IS_VALID(duration) ? static_cast<gint64>(duration) : -1);
  return true;
}

static bool gst_rtmp_demux_query_segment(GstRtmpDemux* self, GstQuery* query) {
  const GstSegment segment = self->priv->stream.output.segment();
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
    GST_RTMP_DEMUX(object)->priv->stream.output.pads().no_more_pads_threshold =
        g_value_get_uint64(value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_rtmp_demux_get_property(GObject* object, guint id, GValue* value,
                                        GParamSpec* pspec) {
  if (id == PROP_NO_MORE_PADS_THRESHOLD)
    g_value_set_uint64(value,
                       GST_RTMP_DEMUX(object)->priv->stream.output.pads().no_more_pads_threshold);
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
   * no-more-pads is said. Tracks that the metadata announces are waited for ten times as long.
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
  bridge::register_data_meta();
}
