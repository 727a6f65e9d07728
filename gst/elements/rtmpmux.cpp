// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-rtmpmux
 * @title: rtmpmux
 * @short_description: Muxes elementary streams to FLV, legacy and Enhanced RTMP v2
 *
 * Puts video, audio and data together as FLV, one tag per buffer, for files and for RTMP.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -e videotestsrc num-buffers=50 ! x265enc ! h265parse ! rtmpmux !
 * filesink location=/tmp/hevc.flv
 * ]|
 *
 * The pads `video` and `audio` are the first tracks, `video_1`, `audio_1` and so on (up to 255)
 * the others, which Enhanced RTMP alone can carry. Codecs that legacy FLV has an id for are written
 * with it, so that every player understands them, the others with their FourCC;
 * #GstRtmpMux:enhanced says otherwise. A codec that cannot be carried is an error.
 *
 * Packets are interleaved by their decoding times. A timeline that begins before zero, because of
 * reordered frames, is moved as a whole. Live, no pad is waited for longer than the latency; a
 * track whose caps come late is declared when they come. New caps in the middle write new headers.
 * Sequence ends are never written: players take them for the end of everything.
 *
 * Unless #GstRtmpMux:streamable is set or downstream cannot seek, duration, size and an index of
 * the key frames are written into the beginning of the file at EOS.
 *
 * Pads `data_%u` take `text/x-raw, format=utf8`, written as onTextData, and
 * `application/x-rtmp-data`: a message's AMF0 values as they are, its name first; where that is
 * missing, the name of the buffer's `GstRtmpDataMeta` comes before them. Data are never waited for.
 *
 * Links that name no pad get `sink_%u`, which becomes the next track of the kind that its caps are
 * of, so that a queue before the muxer does no harm. Name the pads where the order of several
 * tracks matters.
 */

#include "elements/rtmpmux.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "elements/bridge.h"
#include "elements/mux_writer.h"

GST_DEBUG_CATEGORY_STATIC(gst_rtmp_mux_debug);
#define GST_CAT_DEFAULT gst_rtmp_mux_debug

namespace {

enum Property : guint {
  PROP_0,
  PROP_STREAMABLE,
  PROP_METADATACREATOR,
  PROP_ENCODER,
  PROP_SKIP_BACKWARDS_STREAMS,
  PROP_ENHANCED,
  PROP_NANOSECOND_TIMESTAMPS,
};

constexpr guint max_track_id = 255;
const MuxSettings defaults;

/**
 * GstRtmpMuxEnhanced:
 * @auto: FourCC only where legacy FLV has no codec id
 * @always: FourCC for every codec that has one
 * @never: legacy FLV alone
 *
 * Which form of Enhanced RTMP and legacy FLV is written.
 */
GType enhanced_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(mux::Enhanced::automatic), "FourCC only where legacy FLV has no codec id",
       "auto"},
      {static_cast<gint>(mux::Enhanced::always), "FourCC for every codec that has one", "always"},
      {static_cast<gint>(mux::Enhanced::never), "Legacy FLV alone", "never"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstRtmpMuxEnhanced", values);
  return type;
}

struct PadTemplate {
  const char* name;
  mux::Kind kind;
  bool multitrack;
};
constexpr PadTemplate pad_templates[] = {
    // First, so that links that name no pad take it: a queue, say, does not know yet what will come
    // through it, and would get the first pad of any kind.
    {"sink_%u", mux::Kind::unknown, true}, {"video", mux::Kind::video, false},
    {"audio", mux::Kind::audio, false},    {"video_%u", mux::Kind::video, true},
    {"audio_%u", mux::Kind::audio, true},  {"data_%u", mux::Kind::data, true},
};

guint first_id(const PadTemplate& templ) {
  const bool media = templ.kind == mux::Kind::video || templ.kind == mux::Kind::audio;
  return templ.multitrack && media ? 1 : 0;
}

GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-flv"));

}  // namespace

struct GstRtmpMuxPrivate {
  explicit GstRtmpMuxPrivate(GstRtmpMux* self) : writer(GST_AGGREGATOR(self)) {}

  MuxSettings get_settings() const {
    const std::lock_guard lock(mutex);
    return settings;
  }

  MuxWriter writer;
  mutable std::mutex mutex;  // guards settings
  MuxSettings settings;
};

struct _GstRtmpMux {
  GstAggregator parent;
  GstRtmpMuxPrivate* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstRtmpMux, gst_rtmp_mux, GST_TYPE_AGGREGATOR,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_TAG_SETTER, nullptr))
// Above flvmux.
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(rtmpmux, "rtmpmux", GST_RANK_PRIMARY + 10, GST_TYPE_RTMP_MUX,
                                      GST_DEBUG_CATEGORY_INIT(gst_rtmp_mux_debug, "rtmpmux", 0,
                                                              "FLV muxer with Enhanced RTMP"))

// Calls `visit` with every pad, the element locked.
template <typename Visit>
static void for_each_pad(GstRtmpMux* self, Visit visit) {
  GST_OBJECT_LOCK(self);
  for (GList* item = GST_ELEMENT(self)->sinkpads; item; item = item->next)
    visit(GST_RTMP_MUX_PAD(item->data));
  GST_OBJECT_UNLOCK(self);
}

static bool is_data(GstRtmpMuxPad* pad) {
  return gst_rtmp_mux_pad_track(pad).kind() == mux::Kind::data;
}

// --- packets ---

struct Choice {
  MuxPadRef pad;
  MuxHead head;
  bool events = false;   // some come before packets
  bool waiting = false;  // for a pad of audio or video that has neither a packet nor ended
  bool finished = true;  // all pads have ended
};

// What is due first.
static Choice gst_rtmp_mux_choose(GstRtmpMux* self) {
  Choice choice;
  GstRtmpMuxPad* chosen = nullptr;
  for_each_pad(self, [&](GstRtmpMuxPad* pad) {
    const MuxFront front = gst_rtmp_mux_pad_front(pad);
    const bool ended =
        front == MuxFront::nothing && gst_aggregator_pad_is_eos(GST_AGGREGATOR_PAD(pad));
    choice.events |= front == MuxFront::event;
    choice.waiting |= front == MuxFront::nothing && !ended && !is_data(pad);
    choice.finished &= ended;
    if (front != MuxFront::packet) return;
    const MuxHead& head = gst_rtmp_mux_pad_head(pad);
    if (chosen && choice.head.due() <= head.due()) return;
    chosen = pad;
    choice.head = head;
  });
  if (chosen) choice.pad.reset(GST_RTMP_MUX_PAD(gst_object_ref(chosen)));
  return choice;
}

static GstFlowReturn gst_rtmp_mux_write(GstRtmpMux* self, const Choice& choice,
                                        const MuxSettings& settings) {
  const mux::BufferRef packet = gst_rtmp_mux_pad_pop(choice.pad.get());
  if (choice.head.gap) return GST_FLOW_OK;
  return self->priv->writer.write(choice.pad.get(), packet.get(), choice.head, settings);
}

// As the aggregator would with those of its own queue.
static void gst_rtmp_mux_handle_events(GstRtmpMux* self) {
  auto* aggregator = GST_AGGREGATOR(self);
  for (const MuxPadRef& pad : all_mux_pads(GST_ELEMENT(self)))
    while (gst_rtmp_mux_pad_front(pad.get()) == MuxFront::event) {
      GstEvent* event = gst_rtmp_mux_pad_pop_event(pad.get());
      if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) gst_rtmp_mux_pad_drop_placeholder(pad.get());
      GST_AGGREGATOR_GET_CLASS(self)->sink_event(aggregator, GST_AGGREGATOR_PAD(pad.get()), event);
    }
}

// So that the aggregator sleeps until there is something new. Data are never waited for, unless
// nothing else can come.
static void gst_rtmp_mux_sleep(GstRtmpMux* self, const Choice& choice) {
  for (const MuxPadRef& pad : all_mux_pads(GST_ELEMENT(self)))
    if (!choice.waiting || !is_data(pad.get())) gst_rtmp_mux_pad_drop_placeholder(pad.get());
}

// All that can be written now: the way through the aggregator takes longer than the writing. After
// a timeout the first packet is due, the others wait for theirs.
static GstFlowReturn gst_rtmp_mux_write_all(GstRtmpMux* self, bool due) {
  const MuxSettings settings = self->priv->get_settings();
  for (;; due = false) {
    const Choice choice = gst_rtmp_mux_choose(self);
    if (choice.events) {
      gst_rtmp_mux_handle_events(self);
      continue;
    }
    if (choice.finished) return self->priv->writer.finish(settings);
    if (!choice.pad || (choice.waiting && !due)) {
      gst_rtmp_mux_sleep(self, choice);
      return GST_AGGREGATOR_FLOW_NEED_DATA;
    }
    const GstFlowReturn flow = gst_rtmp_mux_write(self, choice, settings);
    if (flow != GST_FLOW_OK) return flow;
  }
}

// --- the kinds of pads ---

static guint lowest_free_id(const std::vector<guint>& used, guint from) {
  while (std::ranges::find(used, from) != used.end()) ++from;
  return from;
}

// A pad that was linked without a name is of the kind that its first caps are of: the first track
// of that kind, if nobody else is.
static void gst_rtmp_mux_decide_kind(GstRtmpMux* self, GstRtmpMuxPad* pad, const GstCaps* caps) {
  MuxTrack& track = gst_rtmp_mux_pad_track(pad);
  const mux::Kind kind = mux::kind_of(caps);
  GST_OBJECT_LOCK(self);
  const bool decided = track.kind() != mux::Kind::unknown;
  std::vector<guint> used;
  for (GList* item = GST_ELEMENT(self)->sinkpads; item; item = item->next) {
    const MuxTrack& other = gst_rtmp_mux_pad_track(GST_RTMP_MUX_PAD(item->data));
    if (other.kind() == kind) used.push_back(other.id());
  }
  if (!decided) track.decide(kind, lowest_free_id(used, 0));
  GST_OBJECT_UNLOCK(self);
}

static bool is_media_of_one_kind(const GstCaps* caps) {
  if (gst_caps_is_any(caps) || gst_caps_is_empty(caps)) return false;
  const char* prefix = mux::kind_of(caps) == mux::Kind::video ? "video/" : "audio/";
  for (guint i = 0; i < gst_caps_get_size(caps); ++i)
    if (!g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(caps, i)), prefix))
      return false;
  return true;
}

// Players are told of a track before it comes, so its kind is asked for if its caps are late.
static void gst_rtmp_mux_ask_kinds(GstRtmpMux* self) {
  for (const MuxPadRef& pad : all_mux_pads(GST_ELEMENT(self))) {
    if (gst_rtmp_mux_pad_track(pad.get()).kind() != mux::Kind::unknown) continue;
    GstCaps* caps = gst_pad_peer_query_caps(GST_PAD(pad.get()), nullptr);
    if (is_media_of_one_kind(caps)) gst_rtmp_mux_decide_kind(self, pad.get(), caps);
    gst_caps_unref(caps);
  }
}

// --- aggregating ---

static GstFlowReturn gst_rtmp_mux_aggregate(GstAggregator* aggregator, gboolean timeout) {
  auto* self = GST_RTMP_MUX(aggregator);
  if (timeout) gst_rtmp_mux_ask_kinds(self);
  const GstFlowReturn flow = gst_rtmp_mux_write_all(self, timeout);
  if (flow != GST_AGGREGATOR_FLOW_NEED_DATA)
    for (const MuxPadRef& pad : all_mux_pads(GST_ELEMENT(self)))
      gst_rtmp_mux_pad_close(pad.get(), flow);
  return flow;
}

// Live: the time at which what is there is written, whoever else is late.
static GstClockTime gst_rtmp_mux_get_next_time(GstAggregator* aggregator) {
  const Choice choice = gst_rtmp_mux_choose(GST_RTMP_MUX(aggregator));
  if (choice.events) return 0;
  if (!choice.pad) return GST_CLOCK_TIME_NONE;
  return static_cast<GstClockTime>(std::max<std::int64_t>(choice.head.due(), 0));
}

// --- events ---

static gboolean gst_rtmp_mux_set_sink_caps(GstRtmpMux* self, GstRtmpMuxPad* pad, GstCaps* caps) {
  const MuxSettings settings = self->priv->get_settings();
  MuxTrack& track = gst_rtmp_mux_pad_track(pad);
  auto format = mux::read_caps(caps, track.kind(), track.id(),
                               {settings.enhanced, settings.nanosecond_timestamps});
  if (const auto* fault = std::get_if<std::string>(&format)) {
    track.refuse();
    GST_ELEMENT_ERROR(
        self, STREAM, FORMAT, ("%s", fault->c_str()),
        ("pad %s, caps %" GST_PTR_FORMAT, GST_OBJECT_NAME(pad), static_cast<void*>(caps)));
    return FALSE;
  }
  if (track.set_format(std::get<mux::Format>(std::move(format))))
    self->priv->writer.metadata_changed();
  return TRUE;
}

static void gst_rtmp_mux_set_tags(GstRtmpMux* self, GstRtmpMuxPad* pad, const GstTagList* tags) {
  auto* setter = GST_TAG_SETTER(self);
  gst_tag_setter_merge_tags(setter, tags, gst_tag_setter_get_tag_merge_mode(setter));
  gst_rtmp_mux_pad_track(pad).set_tags(tags);
  self->priv->writer.metadata_changed();
}

static gboolean gst_rtmp_mux_sink_event(GstAggregator* aggregator, GstAggregatorPad* pad,
                                        GstEvent* event) {
  auto* self = GST_RTMP_MUX(aggregator);
  auto* mux_pad = GST_RTMP_MUX_PAD(pad);
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    if (!gst_rtmp_mux_set_sink_caps(self, mux_pad, caps)) {
      gst_event_unref(event);
      return FALSE;
    }
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_TAG) {
    GstTagList* tags = nullptr;
    gst_event_parse_tag(event, &tags);
    gst_rtmp_mux_set_tags(self, mux_pad, tags);
  }
  return GST_AGGREGATOR_CLASS(gst_rtmp_mux_parent_class)->sink_event(aggregator, pad, event);
}

// --- what comes into pads ---

// Nothing comes until its end: a packet without content.
static GstBuffer* to_gap(GstEvent* event) {
  GstBuffer* gap = gst_buffer_new();
  gst_event_parse_gap(event, &GST_BUFFER_PTS(gap), &GST_BUFFER_DURATION(gap));
  GST_BUFFER_FLAG_SET(gap, GST_BUFFER_FLAG_GAP);
  gst_event_unref(event);
  return gap;
}

// Takes the serialized event, from upstream's thread.
static GstFlowReturn gst_rtmp_mux_enqueue(GstRtmpMux* self, GstRtmpMuxPad* pad, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    gst_rtmp_mux_decide_kind(self, pad, caps);
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) {
    GstClockTime latency = 0;
    g_object_get(self, "latency", &latency, nullptr);
    gst_rtmp_mux_pad_set_latency(pad, latency);
  } else if (GST_EVENT_TYPE(event) == GST_EVENT_GAP) {
    return gst_rtmp_mux_pad_enqueue(pad, GST_MINI_OBJECT_CAST(to_gap(event)));
  }
  return gst_rtmp_mux_pad_enqueue(pad, GST_MINI_OBJECT_CAST(event));
}

static GstFlowReturn gst_rtmp_mux_sink_event_pre_queue(GstAggregator* aggregator,
                                                       GstAggregatorPad* aggregator_pad,
                                                       GstEvent* event) {
  auto* pad = GST_RTMP_MUX_PAD(aggregator_pad);
  const GstEventType type = GST_EVENT_TYPE(event);
  const bool serialized = static_cast<guint>(type) & GST_EVENT_TYPE_SERIALIZED;
  if (serialized && type != GST_EVENT_FLUSH_STOP)
    return gst_rtmp_mux_enqueue(GST_RTMP_MUX(aggregator), pad, event);
  if (type == GST_EVENT_FLUSH_START) gst_rtmp_mux_pad_set_flushing(pad, true);
  const GstFlowReturn flow = GST_AGGREGATOR_CLASS(gst_rtmp_mux_parent_class)
                                 ->sink_event_pre_queue(aggregator, aggregator_pad, event);
  if (type == GST_EVENT_FLUSH_STOP) gst_rtmp_mux_pad_set_flushing(pad, false);
  return flow;
}

// In the aggregator's queue they would wait for the placeholder to go.
static gboolean gst_rtmp_mux_sink_query_pre_queue(GstAggregator* aggregator, GstAggregatorPad* pad,
                                                  GstQuery* query) {
  return GST_AGGREGATOR_GET_CLASS(aggregator)->sink_query(aggregator, pad, query);
}

// --- pads and state ---

// From the requested name, or the lowest that is free; 0 is `video` and `audio`.
static guint gst_rtmp_mux_find_id(GstRtmpMux* self, const PadTemplate& templ, const char* name) {
  const std::string prefix(templ.name,
                           std::char_traits<char>::find(templ.name, 10, '%') - templ.name);
  guint64 id = 0;
  if (name && g_str_has_prefix(name, prefix.c_str())) {
    if (!g_ascii_string_to_unsigned(name + prefix.size(), 10, 0, max_track_id, &id, nullptr))
      return max_track_id + 1;
    return static_cast<guint>(id);
  }
  std::vector<guint> used;
  for_each_pad(self, [&](GstRtmpMuxPad* pad) {
    const MuxTrack& track = gst_rtmp_mux_pad_track(pad);
    if (track.kind() == templ.kind) used.push_back(track.id());
  });
  return lowest_free_id(used, first_id(templ));
}

static GstAggregatorPad* gst_rtmp_mux_create_new_pad(GstAggregator* aggregator,
                                                     GstPadTemplate* templ, const gchar* name,
                                                     const GstCaps*) {
  auto* self = GST_RTMP_MUX(aggregator);
  const auto* found = std::ranges::find_if(pad_templates, [templ](const PadTemplate& known) {
    return g_str_equal(known.name, GST_PAD_TEMPLATE_NAME_TEMPLATE(templ));
  });
  if (found == std::end(pad_templates)) return nullptr;
  const guint id = found->multitrack ? gst_rtmp_mux_find_id(self, *found, name) : 0;
  if (id > max_track_id || id < first_id(*found)) {
    GST_WARNING_OBJECT(self, "no pad %s: the ids of further tracks are 1 to 255", name ? name : "");
    return nullptr;
  }
  const std::string pad_name =
      found->multitrack ? std::string(found->name, strlen(found->name) - 2) + std::to_string(id)
                        : found->name;
  bool taken = false;
  for_each_pad(self, [&](GstRtmpMuxPad* pad) {
    const MuxTrack& track = gst_rtmp_mux_pad_track(pad);
    taken |= track.kind() == found->kind && track.id() == id;
    taken |= g_str_equal(GST_OBJECT_NAME(pad), pad_name.c_str());
  });
  if (taken) {
    GST_WARNING_OBJECT(self, "there is a track %s already", pad_name.c_str());
    return nullptr;
  }
  self->priv->writer.metadata_changed();
  // From now on they are not waited for, if they were.
  for (const MuxPadRef& pad : all_mux_pads(GST_ELEMENT(self)))
    if (is_data(pad.get())) gst_rtmp_mux_pad_put_placeholder(pad.get());
  return GST_AGGREGATOR_PAD(gst_rtmp_mux_pad_new(templ, pad_name.c_str(), found->kind, id));
}

static void gst_rtmp_mux_release_pad(GstElement* element, GstPad* pad) {
  GST_ELEMENT_CLASS(gst_rtmp_mux_parent_class)->release_pad(element, pad);
  GST_RTMP_MUX(element)->priv->writer.metadata_changed();
}

static gboolean gst_rtmp_mux_stop(GstAggregator* aggregator) {
  auto* self = GST_RTMP_MUX(aggregator);
  self->priv->writer.reset();
  for_each_pad(self, [](GstRtmpMuxPad* pad) { gst_rtmp_mux_pad_track(pad).reset(); });
  gst_tag_setter_reset_tags(GST_TAG_SETTER(self));
  return TRUE;
}

// What comes after a seek begins anew for players, too.
static GstFlowReturn gst_rtmp_mux_flush(GstAggregator* aggregator) {
  GST_RTMP_MUX(aggregator)->priv->writer.repeat_headers();
  return GST_FLOW_OK;
}

// --- properties ---

static void gst_rtmp_mux_set_property(GObject* object, guint id, const GValue* value,
                                      GParamSpec* pspec) {
  const auto text = [value] {
    const gchar* string = g_value_get_string(value);
    return std::string(string ? string : "");
  };
  auto* priv = GST_RTMP_MUX(object)->priv;
  const std::lock_guard lock(priv->mutex);
  MuxSettings& settings = priv->settings;
  switch (id) {
    case PROP_STREAMABLE:
      settings.streamable = g_value_get_boolean(value);
      break;
    case PROP_METADATACREATOR:
      settings.metadatacreator = text();
      break;
    case PROP_ENCODER:
      settings.encoder = text();
      break;
    case PROP_SKIP_BACKWARDS_STREAMS:
      settings.skip_backwards_streams = g_value_get_boolean(value);
      break;
    case PROP_ENHANCED:
      settings.enhanced = static_cast<mux::Enhanced>(g_value_get_enum(value));
      break;
    case PROP_NANOSECOND_TIMESTAMPS:
      settings.nanosecond_timestamps = g_value_get_boolean(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
      break;
  }
}

static void gst_rtmp_mux_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
  const MuxSettings settings = GST_RTMP_MUX(object)->priv->get_settings();
  switch (id) {
    case PROP_STREAMABLE:
      g_value_set_boolean(value, settings.streamable);
      break;
    case PROP_METADATACREATOR:
      g_value_set_string(value, settings.metadatacreator.c_str());
      break;
    case PROP_ENCODER:
      g_value_set_string(value, settings.encoder.c_str());
      break;
    case PROP_SKIP_BACKWARDS_STREAMS:
      g_value_set_boolean(value, settings.skip_backwards_streams);
      break;
    case PROP_ENHANCED:
      g_value_set_enum(value, static_cast<gint>(settings.enhanced));
      break;
    case PROP_NANOSECOND_TIMESTAMPS:
      g_value_set_boolean(value, settings.nanosecond_timestamps);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
      break;
  }
}

// --- the class ---

static void gst_rtmp_mux_finalize(GObject* object) {
  delete GST_RTMP_MUX(object)->priv;
  G_OBJECT_CLASS(gst_rtmp_mux_parent_class)->finalize(object);
}

static void gst_rtmp_mux_init(GstRtmpMux* self) { self->priv = new GstRtmpMuxPrivate(self); }

static void install_properties(GObjectClass* gobject_class) {
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                              GST_PARAM_MUTABLE_READY);
  gst_type_mark_as_plugin_api(enhanced_type(), static_cast<GstPluginAPIFlags>(0));

  /**
   * GstRtmpMux:streamable:
   *
   * Write for a stream: no duration, size or index, and nothing is rewritten at EOS. So it is, too,
   * where downstream cannot seek.
   */
  g_object_class_install_property(
      gobject_class, PROP_STREAMABLE,
      g_param_spec_boolean("streamable", "Streamable",
                           "Write for a stream, without duration, size and index (always so where "
                           "downstream cannot seek)",
                           defaults.streamable, flags));
  /**
   * GstRtmpMux:metadatacreator:
   *
   * What the metadata says as metadatacreator.
   */
  g_object_class_install_property(gobject_class, PROP_METADATACREATOR,
                                  g_param_spec_string("metadatacreator", "Metadata creator",
                                                      "What the metadata says as metadatacreator",
                                                      MuxSettings::default_label, flags));
  /**
   * GstRtmpMux:encoder:
   *
   * What the metadata says as encoder. At its default, a tag `encoder` goes before it.
   */
  g_object_class_install_property(
      gobject_class, PROP_ENCODER,
      g_param_spec_string("encoder", "Encoder",
                          "What the metadata says as encoder (default: the tag of that name, if "
                          "there is one)",
                          MuxSettings::default_label, flags));
  /**
   * GstRtmpMux:skip-backwards-streams:
   *
   * Drop packets whose decoding time is before that of a packet of another track already written.
   */
  g_object_class_install_property(
      gobject_class, PROP_SKIP_BACKWARDS_STREAMS,
      g_param_spec_boolean("skip-backwards-streams", "Skip backwards streams",
                           "Drop packets that are late, behind those of another track",
                           defaults.skip_backwards_streams, flags));
  /**
   * GstRtmpMux:enhanced:
   *
   * Where Enhanced RTMP's FourCCs are written.
   */
  g_object_class_install_property(
      gobject_class, PROP_ENHANCED,
      g_param_spec_enum("enhanced", "Enhanced RTMP", "Where Enhanced RTMP's FourCCs are written",
                        enhanced_type(), static_cast<gint>(defaults.enhanced), flags));
  /**
   * GstRtmpMux:nanosecond-timestamps:
   *
   * Write what milliseconds leave out of decoding times, in nanoseconds, with Enhanced RTMP's
   * ModEx. Every codec that has a FourCC is then written with it, unless #GstRtmpMux:enhanced is
   * `never`.
   */
  g_object_class_install_property(
      gobject_class, PROP_NANOSECOND_TIMESTAMPS,
      g_param_spec_boolean("nanosecond-timestamps", "Nanosecond timestamps",
                           "Write the nanoseconds of decoding times, too, as Enhanced RTMP can "
                           "(few players read them)",
                           defaults.nanosecond_timestamps, flags));
}

static void add_pad_templates(GstElementClass* element_class) {
  gst_element_class_add_static_pad_template_with_gtype(element_class, &src_template,
                                                       GST_TYPE_AGGREGATOR_PAD);
  for (const PadTemplate& templ : pad_templates) {
    GstCaps* caps = mux::template_caps(templ.kind, templ.multitrack);
    gst_element_class_add_pad_template(
        element_class, gst_pad_template_new_with_gtype(templ.name, GST_PAD_SINK, GST_PAD_REQUEST,
                                                       caps, GST_TYPE_RTMP_MUX_PAD));
    gst_caps_unref(caps);
  }
}

static void gst_rtmp_mux_class_init(GstRtmpMuxClass* klass) {
  auto* gobject_class = G_OBJECT_CLASS(klass);
  gobject_class->finalize = gst_rtmp_mux_finalize;
  gobject_class->set_property = gst_rtmp_mux_set_property;
  gobject_class->get_property = gst_rtmp_mux_get_property;
  install_properties(gobject_class);

  auto* element_class = GST_ELEMENT_CLASS(klass);
  element_class->release_pad = GST_DEBUG_FUNCPTR(gst_rtmp_mux_release_pad);
  add_pad_templates(element_class);
  gst_type_mark_as_plugin_api(GST_TYPE_RTMP_MUX_PAD, static_cast<GstPluginAPIFlags>(0));
  gst_element_class_set_static_metadata(
      element_class, "RTMP muxer", "Codec/Muxer",
      "Muxes elementary streams to FLV, legacy and Enhanced RTMP v2",
      "gst-plugins-rtmp developers");

  auto* aggregator_class = GST_AGGREGATOR_CLASS(klass);
  aggregator_class->aggregate = GST_DEBUG_FUNCPTR(gst_rtmp_mux_aggregate);
  aggregator_class->create_new_pad = GST_DEBUG_FUNCPTR(gst_rtmp_mux_create_new_pad);
  aggregator_class->flush = GST_DEBUG_FUNCPTR(gst_rtmp_mux_flush);
  aggregator_class->get_next_time = GST_DEBUG_FUNCPTR(gst_rtmp_mux_get_next_time);
  aggregator_class->sink_event = GST_DEBUG_FUNCPTR(gst_rtmp_mux_sink_event);
  aggregator_class->sink_event_pre_queue = GST_DEBUG_FUNCPTR(gst_rtmp_mux_sink_event_pre_queue);
  aggregator_class->sink_query_pre_queue = GST_DEBUG_FUNCPTR(gst_rtmp_mux_sink_query_pre_queue);
  aggregator_class->stop = GST_DEBUG_FUNCPTR(gst_rtmp_mux_stop);
  // The caps carry headers that are known with the first packets.
  aggregator_class->negotiate = nullptr;

  bridge::register_data_meta();
}
