// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-rtmpclientsrc
 * @title: rtmpclientsrc
 * @short_description: Plays a stream from an RTMP server
 *
 * Plays a stream from an RTMP server; its pad gives FLV, one tag in a buffer, the first with the
 * file's header before it.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 rtmpclientsrc location=rtmp://localhost/live/cam ! decodebin ! autovideosink
 * ]|
 *
 * The source is live. Its buffers have the times of the stream, and the first one's time is mapped
 * to the moment of its arrival, so sinks synchronise. Where the stream's own times jump, by more
 * than a few seconds, the ones that come out go on where they were, marked DISCONT.
 *
 * The element connects when it goes to PAUSED and never makes a state change wait for the server.
 * While downstream takes nothing, it goes on to read and to answer the server; up to 30 s or 64 MiB
 * are kept, then frames are lost up to the next key frame and the next buffer is marked DISCONT.
 *
 * A stream whose metadata has a duration, and which nobody publishes at the moment, is a recorded
 * one. The element answers its duration in TIME, seeks in it (at normal speed, to where the server
 * finds a frame that can be decoded, whose time is that of the new segment), and lets the server
 * pause while the pipeline is PAUSED. A server that refuses to seek goes on where it was: see
 * `rtmp-status`, `NetStream.Seek.Failed`. One can also seek after EOS, as long as the server keeps
 * the connection.
 *
 * The end of the stream at the server, by whichever word the server says it, is EOS, and so is a
 * silence of #GstRtmpClientSrc:idle-timeout. A server that cannot be reached, that refuses, or that
 * does not answer within #GstRtmpClientSrc:timeout is an error.
 *
 * A connection that is lost after the server had accepted to play is made again
 * (#GstRtmpClientSrc:auto-reconnect), and the pipeline stays PLAYING. The first buffer afterwards
 * is DISCONT; running time goes on, wherever the server's times begin, and headers that are the
 * same are not repeated. A recorded stream goes on at the place that it had reached, or that was
 * sought meanwhile. A refusal by the server is final. Without #GstRtmpClientSrc:auto-reconnect the
 * loss is EOS, unless #GstRtmpClientSrc:no-eof-is-error says that it is an error; an element
 * message says which it was.
 *
 * ## Element messages
 *
 * `rtmp-connected`: the server has accepted to play the stream. Fields: `peer` (string, address and
 * port), `stream-id` (uint).
 *
 * `rtmp-disconnected`: the connection is over. Fields: `peer` (string), `stage` (string, where it
 * failed, or `finished`), `reason` (string).
 *
 * `rtmp-reconnecting`: another connection will be tried. Fields: `attempt` (uint, 1 for the first
 * one after a stream that was there), `delay` (guint64, ns until then), `reason` (string).
 *
 * `rtmp-status`: what the server says of the stream. Fields: `code`, `level`, `description`
 * (strings as the server sent them).
 *
 * Errors carry a details structure with the strings `stage`, `code`, `level`, `description` and
 * `command`.
 */

#include "elements/rtmpclientsrc.h"

#include <algorithm>
#include <atomic>

#include "elements/bridge.h"
#include "elements/client_link.h"
#include "elements/client_playback.h"
#include "elements/client_src_properties.h"
#include "elements/timeline.h"
#include "elements/uri_handler.h"
#include "rtmp/stream_headers.h"

GST_DEBUG_CATEGORY_STATIC(gst_rtmp_client_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_client_src_debug

// GStreamer calls functions that are noexcept: an exception, for want of memory say, ends the
// process as GLib's own allocations do, and never runs through C.
namespace {

// What is kept while downstream takes nothing.
constexpr net::MessageQueue::Limits inbox_limits{64 * 1024 * 1024, 30'000};
// Of a server that does not answer a seek.
constexpr rtmp::Duration seek_patience = std::chrono::seconds(5);

GstClockTime to_time(std::int64_t ms) {
  return static_cast<GstClockTime>(std::max<std::int64_t>(ms, 0)) * GST_MSECOND;
}

GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-flv"));

}  // namespace

struct GstRtmpClientSrcPrivate final : ClientLink {
  explicit GstRtmpClientSrcPrivate(GstRtmpClientSrc* self)
      : ClientLink(GST_ELEMENT(self)), element(GST_ELEMENT(self)) {}

  void on_started() override;
  void on_interrupted(const net::Failure& failure) override;
  void prepare(rtmp::ClientSession::Settings& session) override;
  bool wants_more() override { return playback.wants_more(); }
  void on_media(rtmp::Message message) override;
  void on_stream_ended() override { playback.end(); }
  void on_status(const rtmp::Status& status) override { playback.on_status(status); }
  void on_second(rtmp::Time time) override { playback.tick(time); }
  void on_ended(std::optional<net::Failure> failure) override;
  bool is_loss(const net::Failure& failure) const;
  void post_error(const net::Failure& failure);
  std::optional<net::Failure> take_loss() {
    const std::lock_guard lock(mutex);
    return std::exchange(loss, std::nullopt);
  }

  GstElement* element;
  ClientProperties properties;
  ClientSrcProperties own_properties;
  Playback playback{inbox_limits, bridge::metadata_limits(), seek_patience};
  std::atomic<bool> playing = false;  // the server has accepted
  std::atomic<bool> failed = false;   // the error is posted
  std::atomic<bool> paused = false;   // the server was told to pause

  // Owned by the streaming thread, or by who has its lock.
  Timeline timeline;
  GstSegment wanted;         // what was sought, or all
  bool at_beginning = true;  // no seek was asked for, not even GstBaseSrc's own first one
  bool header_sent = false;
  rtmp::StreamHeaders headers;
  bool discontinuity = false;  // up to the next frame
  std::uint64_t dropped = 0;   // by the inbox, as far as it was told downstream

  std::mutex mutex;                  // guards everything below; no other lock is taken under it
  std::optional<net::Failure> loss;  // what ended the connection after it had played
};

struct _GstRtmpClientSrc {
  GstPushSrc parent;
  GstRtmpClientSrcPrivate* priv;
};

static void gst_rtmp_client_src_uri_handler_init(gpointer iface, gpointer);

G_DEFINE_TYPE_WITH_CODE(GstRtmpClientSrc, gst_rtmp_client_src, GST_TYPE_PUSH_SRC,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER,
                                              gst_rtmp_client_src_uri_handler_init))
// Above rtmp2src, so that rtmp:// locations come here.
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(rtmpclientsrc, "rtmpclientsrc", GST_RANK_PRIMARY + 10,
                                      GST_TYPE_RTMP_CLIENT_SRC,
                                      GST_DEBUG_CATEGORY_INIT(gst_rtmp_client_src_debug,
                                                              "rtmpclientsrc", 0, "RTMP player"))

// --- the connection ---

void GstRtmpClientSrcPrivate::post_error(const net::Failure& failure) {
  // GstBaseSrc adds an error of its own, which says less: see post_message().
  bridge::post_failure(element, failure, bridge::Direction::read);
  failed = true;
}

// On the client's thread. Another connection begins where the one before had come to.
void GstRtmpClientSrcPrivate::on_started() {
  if (!playing.exchange(true)) return;
  if (const auto place = playback.reconnect(net::now())) seek(static_cast<double>(*place));
  if (paused) pause(true, static_cast<double>(playback.received_ms()));
}

void GstRtmpClientSrcPrivate::on_interrupted(const net::Failure& failure) {
  GST_ELEMENT_WARNING(element, RESOURCE, READ, ("%s. Connecting again.", failure.text.c_str()),
                      (nullptr));
  playback.interrupt();
}

void GstRtmpClientSrcPrivate::prepare(rtmp::ClientSession::Settings& session) {
  const auto place = playback.resume_ms();
  if (!place) return;
  const auto start = static_cast<double>(*place);
  if (session.duration >= 0)
    session.duration = std::max(0.0, std::max(session.start, 0.0) + session.duration - start);
  session.start = start;
}

// The end of a stream that was there, rather than of attempts to have it again.
bool GstRtmpClientSrcPrivate::is_loss(const net::Failure& failure) const {
  const net::ReconnectPolicy::Settings reconnect = properties.reconnect();
  const bool gave_up = reconnect.enabled && reconnect.max_retries > 0 && playback.wants_more() &&
                       failure.code != rtmp::Error::idle_timeout;
  return playing && !gave_up && failure.stage == net::Failure::Stage::streaming &&
         failure.code != rtmp::Error::refused;
}

// On the client's thread. What failed before anything played is said at once: in PAUSED no thread
// asks for buffers. A loss waits behind the last message; attempts that failed to make it good do
// not.
void GstRtmpClientSrcPrivate::on_ended(std::optional<net::Failure> failure) {
  if (failure && !is_loss(*failure)) {
    post_error(*failure);
  } else if (failure) {
    const std::lock_guard lock(mutex);
    loss = std::move(failure);
  }
  playback.close();
}

void GstRtmpClientSrcPrivate::on_media(rtmp::Message message) {
  if (!playback.receive(std::move(message))) return;
  gst_element_post_message(element, gst_message_new_duration_changed(GST_OBJECT(element)));
}

static std::variant<net::Client::Settings, std::string> gst_rtmp_client_src_settings(
    GstRtmpClientSrc* self) {
  auto* priv = self->priv;
  auto settings = priv->properties.settings(ClientProperties::Purpose::play);
  if (auto* client = std::get_if<net::Client::Settings>(&settings)) {
    priv->own_properties.add_to(*client);
    client->session.amf = bridge::metadata_limits();
  }
  return settings;
}

static gboolean gst_rtmp_client_src_open(GstRtmpClientSrc* self) {
  const auto settings = gst_rtmp_client_src_settings(self);
  if (const auto* fault = std::get_if<std::string>(&settings)) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", fault->c_str()), (nullptr));
    return FALSE;
  }
  self->priv->open(std::get<net::Client::Settings>(settings), nullptr);
  return TRUE;
}

static gboolean gst_rtmp_client_src_start(GstBaseSrc* src) noexcept {
  auto* self = GST_RTMP_CLIENT_SRC(src);
  auto* priv = self->priv;
  priv->playback.reset();
  priv->dropped = priv->playback.inbox().level().dropped;
  priv->timeline = Timeline();
  gst_segment_init(&priv->wanted, GST_FORMAT_TIME);
  priv->at_beginning = true;
  priv->header_sent = priv->discontinuity = false;
  priv->headers = {};
  priv->playing = priv->failed = priv->paused = false;
  priv->take_loss();
  const auto settings = gst_rtmp_client_src_settings(self);
  if (const auto* fault = std::get_if<std::string>(&settings)) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", fault->c_str()), (nullptr));
    return FALSE;
  }
  return !priv->properties.connects_at_start() || gst_rtmp_client_src_open(self);
}

static gboolean gst_rtmp_client_src_stop(GstBaseSrc* src) noexcept {
  auto* priv = GST_RTMP_CLIENT_SRC(src)->priv;
  priv->close();
  priv->playback.inbox().clear();
  return TRUE;
}

static gboolean gst_rtmp_client_src_unlock(GstBaseSrc* src) noexcept {
  GST_RTMP_CLIENT_SRC(src)->priv->playback.inbox().set_flushing(true);
  return TRUE;
}

static gboolean gst_rtmp_client_src_unlock_stop(GstBaseSrc* src) noexcept {
  GST_RTMP_CLIENT_SRC(src)->priv->playback.inbox().set_flushing(false);
  return TRUE;
}

// --- data ---

static void gst_rtmp_client_src_pass_border(GstRtmpClientSrc* self, const rtmp::Message& border) {
  auto* priv = self->priv;
  priv->discontinuity = true;
  if (const auto place = Playback::resumed_at(border)) {
    priv->timeline.resume(*place);
  } else {
    priv->timeline.begin_publisher();
  }
}

// What another connection repeats before its first frame, downstream knows.
static bool gst_rtmp_client_src_is_repeated(GstRtmpClientSrc* self, const rtmp::Message& message) {
  auto* priv = self->priv;
  const bool known = priv->discontinuity && priv->headers.knows(message);
  priv->headers.remember(message);
  return known;
}

// Waits for a message that may go to a pad.
static net::MessageQueue::Outcome gst_rtmp_client_src_pop(GstRtmpClientSrc* self,
                                                          rtmp::Message& message) {
  for (;;) {
    rtmp::Message received;
    const auto outcome = self->priv->playback.inbox().pop(received);
    if (outcome != net::MessageQueue::Outcome::ok) return outcome;
    if (Playback::is_border(received)) {
      gst_rtmp_client_src_pass_border(self, received);
      continue;
    }
    if (gst_rtmp_client_src_is_repeated(self, received)) continue;
    if (auto fit = bridge::playable(std::move(received))) {
      message = std::move(*fit);
      return outcome;
    }
    GST_WARNING_OBJECT(self, "dropped data that cannot be read");
  }
}

// The connection is over and every message is out.
static GstFlowReturn gst_rtmp_client_src_end(GstRtmpClientSrc* self) {
  auto* priv = self->priv;
  if (priv->failed) return GST_FLOW_ERROR;
  const auto loss = priv->take_loss();
  if (!loss) return GST_FLOW_EOS;
  const bool is_error =
      priv->own_properties.lost_is_error() && loss->code != rtmp::Error::idle_timeout;
  GST_INFO_OBJECT(self, "the connection ended: %s", loss->text.c_str());
  if (!is_error) return GST_FLOW_EOS;
  priv->post_error(*loss);
  return GST_FLOW_ERROR;
}

// The segment that gives the line's first frame its running time, that of its arrival as a rule.
static void gst_rtmp_client_src_begin_segment(GstRtmpClientSrc* self,
                                              const Timeline::Place& place) {
  GstSegment segment = self->priv->wanted;
  segment.start = segment.time = segment.position = to_time(place.start);
  if (GST_CLOCK_TIME_IS_VALID(segment.stop)) segment.stop = std::max(segment.stop, segment.start);
  if (const auto duration = self->priv->playback.duration_ms())
    segment.duration = to_time(*duration);
  segment.base = to_time(place.running);
  gst_base_src_new_segment(GST_BASE_SRC(self), &segment);
}

static GstBuffer* gst_rtmp_client_src_to_buffer(GstRtmpClientSrc* self, rtmp::Message message) {
  auto* priv = self->priv;
  const GstClockTime arrival = gst_element_get_current_running_time(GST_ELEMENT(self));
  const auto now_ms = GST_CLOCK_TIME_IS_VALID(arrival)
                          ? std::optional(static_cast<std::int64_t>(arrival / GST_MSECOND))
                          : std::nullopt;
  const Timeline::Place place = priv->timeline.place(message, now_ms);
  if (place.first) gst_rtmp_client_src_begin_segment(self, place);
  message.timestamp = place.timestamp;

  GstBuffer* buffer = bridge::to_tag(message);
  if (!priv->timeline.begun())
    GST_BUFFER_DTS(buffer) = GST_BUFFER_PTS(buffer) = GST_CLOCK_TIME_NONE;
  const std::uint64_t dropped = priv->playback.inbox().level().dropped;
  const bool lost = std::exchange(priv->dropped, dropped) != dropped;
  if (priv->discontinuity || place.jumped || lost)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  if (rtmp::is_frame(message)) priv->discontinuity = false;
  if (!std::exchange(priv->header_sent, true))
    gst_buffer_prepend_memory(buffer, bridge::to_flv_file_header());
  return buffer;
}

static GstFlowReturn gst_rtmp_client_src_create(GstPushSrc* src, GstBuffer** buffer) noexcept {
  auto* self = GST_RTMP_CLIENT_SRC(src);
  auto* priv = self->priv;
  if (!priv->is_open() && !gst_rtmp_client_src_open(self)) return GST_FLOW_ERROR;
  rtmp::Message message;
  switch (gst_rtmp_client_src_pop(self, message)) {
    case net::MessageQueue::Outcome::ok:
      *buffer = gst_rtmp_client_src_to_buffer(self, std::move(message));
      return GST_FLOW_OK;
    case net::MessageQueue::Outcome::flushing:
      return GST_FLOW_FLUSHING;
    case net::MessageQueue::Outcome::closed:
      break;
  }
  return gst_rtmp_client_src_end(self);
}

// --- places in a recorded stream ---

static gboolean gst_rtmp_client_src_is_seekable(GstBaseSrc* src) noexcept {
  return GST_RTMP_CLIENT_SRC(src)->priv->playback.seekable();
}

// With the streaming thread's lock. The answer is not waited for: if it is no, the stream goes on
// where it was.
static gboolean gst_rtmp_client_src_do_seek(GstBaseSrc* src, GstSegment* segment) noexcept {
  auto* priv = GST_RTMP_CLIENT_SRC(src)->priv;
  if (std::exchange(priv->at_beginning, false)) return segment->start == 0;
  const auto position = static_cast<std::int64_t>(segment->start / GST_MSECOND);
  if (!priv->playback.begin_seek(position, net::now())) return FALSE;
  GST_INFO_OBJECT(src, "seeking to %" GST_TIME_FORMAT, GST_TIME_ARGS(segment->start));
  priv->seek(static_cast<double>(position));
  priv->timeline = Timeline();
  segment->time = segment->start;
  priv->wanted = *segment;
  return TRUE;
}

// The server sets the pace, and knows no place but times.
static gboolean gst_rtmp_client_src_event(GstBaseSrc* src, GstEvent* event) noexcept {
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEEK) {
    gdouble rate = 1;
    GstFormat format = GST_FORMAT_TIME;
    gst_event_parse_seek(event, &rate, &format, nullptr, nullptr, nullptr, nullptr, nullptr);
    if (rate != 1 || format != GST_FORMAT_TIME) return FALSE;
  }
  return GST_BASE_SRC_CLASS(gst_rtmp_client_src_parent_class)->event(src, event);
}

static void gst_rtmp_client_src_pause(GstRtmpClientSrc* self, bool pause) {
  auto* priv = self->priv;
  if (pause ? !priv->playback.seekable() : !priv->paused) return;
  priv->paused = pause;
  priv->pause(pause, static_cast<double>(priv->playback.received_ms()));
}

static GstStateChangeReturn gst_rtmp_client_src_change_state(GstElement* element,
                                                             GstStateChange transition) noexcept {
  auto* self = GST_RTMP_CLIENT_SRC(element);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) gst_rtmp_client_src_pause(self, false);
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_rtmp_client_src_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) gst_rtmp_client_src_pause(self, true);
  return result;
}

static gboolean gst_rtmp_client_src_query_duration(GstRtmpClientSrc* self, GstQuery* query) {
  GstFormat format;
  gst_query_parse_duration(query, &format, nullptr);
  const auto duration = self->priv->playback.duration_ms();
  if (format != GST_FORMAT_TIME || !duration) return FALSE;
  gst_query_set_duration(query, format, static_cast<gint64>(to_time(*duration)));
  return TRUE;
}

static gboolean gst_rtmp_client_src_query_seeking(GstRtmpClientSrc* self, GstQuery* query) {
  GstFormat format;
  gst_query_parse_seeking(query, &format, nullptr, nullptr, nullptr);
  const auto duration = self->priv->playback.duration_ms();
  const bool seekable = format == GST_FORMAT_TIME && duration && self->priv->playback.seekable();
  gst_query_set_seeking(query, format, seekable, 0,
                        seekable ? static_cast<gint64>(to_time(*duration)) : -1);
  return TRUE;
}

static gboolean gst_rtmp_client_src_query(GstBaseSrc* src, GstQuery* query) noexcept {
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_DURATION:
      return gst_rtmp_client_src_query_duration(GST_RTMP_CLIENT_SRC(src), query);
    case GST_QUERY_SEEKING:
      return gst_rtmp_client_src_query_seeking(GST_RTMP_CLIENT_SRC(src), query);
    case GST_QUERY_LATENCY:
      gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
      return TRUE;
    case GST_QUERY_SCHEDULING:
      gst_query_set_scheduling(
          query,
          static_cast<GstSchedulingFlags>(GST_SCHEDULING_FLAG_SEQUENTIAL |
                                          GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED),
          1, -1, 0);
      gst_query_add_scheduling_mode(query, GST_PAD_MODE_PUSH);
      return TRUE;
    default:
      return GST_BASE_SRC_CLASS(gst_rtmp_client_src_parent_class)->query(src, query);
  }
}

// One failure, one error: the base class's "Internal data stream error." does not follow ours.
static gboolean gst_rtmp_client_src_post_message(GstElement* element,
                                                 GstMessage* message) noexcept {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR &&
      GST_RTMP_CLIENT_SRC(element)->priv->failed) {
    gst_message_unref(message);
    return FALSE;
  }
  return GST_ELEMENT_CLASS(gst_rtmp_client_src_parent_class)->post_message(element, message);
}

// --- properties ---

static void gst_rtmp_client_src_set_property(GObject* object, guint id, const GValue* value,
                                             GParamSpec* pspec) noexcept {
  auto* priv = GST_RTMP_CLIENT_SRC(object)->priv;
  if (priv->properties.set(id, value)) {
    if (ClientProperties::is_about_reconnecting(id))
      priv->set_reconnect(priv->properties.reconnect());
  } else if (!priv->own_properties.set(id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void gst_rtmp_client_src_get_property(GObject* object, guint id, GValue* value,
                                             GParamSpec* pspec) noexcept {
  auto* priv = GST_RTMP_CLIENT_SRC(object)->priv;
  if (id == ClientSrcProperties::stats) {
    g_value_take_boxed(value, priv->stats(priv->playback.inbox().level()));
  } else if (!priv->properties.get(id, value) && !priv->own_properties.get(id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static gboolean gst_rtmp_client_src_set_uri(GstURIHandler* handler, const gchar* uri,
                                            GError** error) noexcept {
  auto* self = GST_RTMP_CLIENT_SRC(handler);
  return uri_handler::set(GST_ELEMENT(self), self->priv->properties, uri, error);
}

static void gst_rtmp_client_src_uri_handler_init(gpointer iface, gpointer) {
  auto* handler = static_cast<GstURIHandlerInterface*>(iface);
  handler->get_type = [](GType) { return GST_URI_SRC; };
  handler->get_protocols = uri_handler::protocols;
  handler->get_uri = [](GstURIHandler* src) noexcept {
    return g_strdup(GST_RTMP_CLIENT_SRC(src)->priv->properties.get_location().c_str());
  };
  handler->set_uri = gst_rtmp_client_src_set_uri;
}

// --- the class ---

static void gst_rtmp_client_src_finalize(GObject* object) noexcept {
  auto* self = GST_RTMP_CLIENT_SRC(object);
  self->priv->close();
  delete self->priv;
  G_OBJECT_CLASS(gst_rtmp_client_src_parent_class)->finalize(object);
}

static void gst_rtmp_client_src_init(GstRtmpClientSrc* self) {
  self->priv = new GstRtmpClientSrcPrivate(self);
  gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
  gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}

static void gst_rtmp_client_src_class_init(GstRtmpClientSrcClass* klass) {
  auto* gobject_class = G_OBJECT_CLASS(klass);
  gobject_class->finalize = gst_rtmp_client_src_finalize;
  gobject_class->set_property = gst_rtmp_client_src_set_property;
  gobject_class->get_property = gst_rtmp_client_src_get_property;
  ClientProperties::install(gobject_class);
  ClientSrcProperties::install(gobject_class);

  auto* element_class = GST_ELEMENT_CLASS(klass);
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_rtmp_client_src_change_state);
  element_class->post_message = GST_DEBUG_FUNCPTR(gst_rtmp_client_src_post_message);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "RTMP client source", "Source/Network",
                                        "Plays FLV from an RTMP server",
                                        "gst-plugins-rtmp developers");

  auto* src_class = GST_BASE_SRC_CLASS(klass);
  src_class->start = GST_DEBUG_FUNCPTR(gst_rtmp_client_src_start);
  src_class->stop = GST_DEBUG_FUNCPTR(gst_rtmp_client_src_stop);
  src_class->unlock = GST_DEBUG_FUNCPTR(gst_rtmp_client_src_unlock);
  src_class->unlock_stop = GST_DEBUG_FUNCPTR(gst_rtmp_client_src_unlock_stop);
  src_class->is_seekable = GST_DEBUG_FUNCPTR(gst_rtmp_client_src_is_seekable);
  src_class->do_seek = GST_DEBUG_FUNCPTR(gst_rtmp_client_src_do_seek);
  src_class->event = GST_DEBUG_FUNCPTR(gst_rtmp_client_src_event);
  src_class->query = GST_DEBUG_FUNCPTR(gst_rtmp_client_src_query);
  GST_PUSH_SRC_CLASS(klass)->create = GST_DEBUG_FUNCPTR(gst_rtmp_client_src_create);
}
