// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-rtmpclientsink
 * @title: rtmpclientsink
 * @short_description: Publishes a stream to an RTMP server
 *
 * Publishes what its pad gets, FLV in any cut, to an RTMP server.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -e videotestsrc is-live=true ! x264enc tune=zerolatency ! flvmux streamable=true !
 * rtmpclientsink location=rtmp://localhost/live/cam
 * ]|
 *
 * The element connects when it goes to PAUSED and never makes a state change wait for the server.
 * Until the server has accepted the stream, and whenever it is slower than the stream, buffers wait
 * in a queue that is bounded by #GstRtmpClientSink:max-queue-time and
 * #GstRtmpClientSink:max-queue-bytes; then #GstRtmpClientSink:leaky says whether upstream waits or
 * frames are lost. A server that takes nothing for #GstRtmpClientSink:timeout is an error.
 *
 * EOS is posted when everything in the queue, the commands of #GstRtmpClientSink:stop-commands and
 * the close of the connection have gone through.
 *
 * A connection that is lost after the server had accepted the stream is made again
 * (#GstRtmpClientSink:auto-reconnect), and the pipeline stays PLAYING. The stream goes on at its
 * own times: with the metadata, the headers and a key frame, for which upstream is asked
 * (GstForceKeyUnit). Meanwhile a live pipeline's frames go through the queue, which loses its
 * beginning, up to a key frame, when it is full; with #GstRtmpClientSink:leaky set to `frames` they
 * are lost at once, so that the stream goes on without delay. A pipeline that is not live waits
 * when the queue is full, as it loses nothing by that. At EOS the server is given three seconds to
 * come back for what is left; the rest is lost then. #GstRtmpClientSink:stats counts what was lost.
 * A refusal by the server is final.
 *
 * ## Element messages
 *
 * `rtmp-connected`: the server has accepted the stream. Fields: `peer` (string, address and port),
 * `stream-id` (uint).
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
 * `rtmp-congestion`: the network is slower than the stream, so that the queue fills beyond a third
 * of #GstRtmpClientSink:max-queue-time or of #GstRtmpClientSink:max-queue-bytes, or beyond 700 ms.
 * It is said once a second as long as it is so, and once when the queue is nearly empty again. An
 * application that steers an encoder sets it to `suggested-bitrate`. Fields: `state` (string,
 * `rising` or `clear`), `queue-time` (guint64, ns of the stream that wait), `queue-bytes`
 * (guint64), `bitrate` (guint64, bit/s that the network took during the last two seconds),
 * `suggested-bitrate` (guint64, bit/s that fit, and let the queue shrink).
 *
 * Errors carry a details structure with the strings `stage`, `code`, `level`, `description` and
 * `command`.
 */

#include "elements/rtmpclientsink.h"

#include <gst/video/video.h>

#include <condition_variable>

#include "elements/announced_headers.h"
#include "elements/bridge.h"
#include "elements/client_link.h"
#include "elements/client_sink_properties.h"
#include "elements/uri_handler.h"

GST_DEBUG_CATEGORY_STATIC(gst_rtmp_client_sink_debug);
#define GST_CAT_DEFAULT gst_rtmp_client_sink_debug

namespace {

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-flv"));

}  // namespace

struct GstRtmpClientSinkPrivate final : ClientLink {
  enum class State {
    idle,      // nothing is under way
    open,      // connecting, or publishing
    finished,  // the end that we asked for
    failed,    // the error is posted
  };

  explicit GstRtmpClientSinkPrivate(GstRtmpClientSink* self)
      : ClientLink(GST_ELEMENT(self)), element(GST_ELEMENT(self)) {}

  void on_started() override;
  void on_second(rtmp::Time time) override;
  void on_interrupted(const net::Failure& failure) override;
  void on_key_frame_wanted() override;
  void on_ended(std::optional<net::Failure> failure) override;
  void set_interrupted(bool interrupted);
  void apply_queue_limits();
  void post_congestion(const CongestionMeter::Report& report);
  State state() const {
    const std::lock_guard lock(mutex);
    return connection_state;
  }
  void set_state(State state) {
    const std::lock_guard lock(mutex);
    connection_state = state;
    changed.notify_all();
  }

  GstElement* element;
  ClientProperties properties;
  ClientSinkProperties own_properties;
  net::MessageQueue outbox{net::MessageQueue::Limits()};
  CongestionMeter congestion;  // owned by the client's thread

  // Owned by the streaming thread.
  bridge::TagReader reader;
  AnnouncedHeaders announced;
  bool announced_sent = true;
  bool live_known = false;

  mutable std::mutex mutex;         // guards everything below; the outbox's own is taken under it
  std::condition_variable changed;  // connection_state, unlocked
  State connection_state = State::idle;
  bool unlocked = false;     // between unlock() and unlock_stop()
  bool live = false;         // upstream cannot wait
  bool interrupted = false;  // the connection was lost, and is not there again
};

struct _GstRtmpClientSink {
  GstBaseSink parent;
  GstRtmpClientSinkPrivate* priv;
};

using State = GstRtmpClientSinkPrivate::State;
using Leaky = ClientSinkProperties::Leaky;

static void gst_rtmp_client_sink_uri_handler_init(gpointer iface, gpointer);

G_DEFINE_TYPE_WITH_CODE(GstRtmpClientSink, gst_rtmp_client_sink, GST_TYPE_BASE_SINK,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER,
                                              gst_rtmp_client_sink_uri_handler_init))
// Above rtmp2sink, so that rtmp:// locations come here.
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(
    rtmpclientsink, "rtmpclientsink", GST_RANK_PRIMARY + 10, GST_TYPE_RTMP_CLIENT_SINK,
    GST_DEBUG_CATEGORY_INIT(gst_rtmp_client_sink_debug, "rtmpclientsink", 0, "RTMP publisher"))

// --- the connection ---

// On the client's thread. The error is posted before render() wakes and its own result makes
// others speak.
void GstRtmpClientSinkPrivate::on_ended(std::optional<net::Failure> failure) {
  if (failure) bridge::post_failure(element, *failure, bridge::Direction::write);
  set_state(failure ? State::failed : State::finished);
  outbox.close();
}

// On the client's thread.
void GstRtmpClientSinkPrivate::on_second(rtmp::Time time) {
  const auto report = congestion.measure(time, current().taken_bytes, outbox.level(),
                                         own_properties.congestion_limits());
  if (report) post_congestion(*report);
}

void GstRtmpClientSinkPrivate::post_congestion(const CongestionMeter::Report& report) {
  const char* state = report.rising ? "rising" : "clear";
  GST_INFO_OBJECT(
      element, "congestion is %s: %" G_GINT64_FORMAT " ms wait, %" G_GUINT64_FORMAT " bit/s leave",
      state, gint64{report.queue_ms}, guint64{report.bitrate});
  post(gst_structure_new("rtmp-congestion", "state", G_TYPE_STRING, state, "queue-time",
                         G_TYPE_UINT64, static_cast<guint64>(report.queue_ms) * GST_MSECOND,
                         "queue-bytes", G_TYPE_UINT64, guint64{report.queue_bytes}, "bitrate",
                         G_TYPE_UINT64, guint64{report.bitrate}, "suggested-bitrate", G_TYPE_UINT64,
                         guint64{report.suggested_bitrate}, nullptr));
}

void GstRtmpClientSinkPrivate::on_started() {
  congestion.begin(net::now(), current().taken_bytes);
  set_interrupted(false);
}

void GstRtmpClientSinkPrivate::on_interrupted(const net::Failure& failure) {
  GST_ELEMENT_WARNING(element, RESOURCE, WRITE, ("%s. Connecting again.", failure.text.c_str()),
                      (nullptr));
  set_interrupted(true);
}

// What is upstream may take locks that wait for render(), so not on the client's thread.
void GstRtmpClientSinkPrivate::on_key_frame_wanted() {
  gst_element_call_async(
      element,
      [](GstElement* sink, gpointer) {
        gst_pad_push_event(GST_BASE_SINK_PAD(sink), gst_video_event_new_upstream_force_key_unit(
                                                        GST_CLOCK_TIME_NONE, TRUE, 0));
      },
      nullptr, nullptr);
}

void GstRtmpClientSinkPrivate::set_interrupted(bool now_interrupted) {
  {
    const std::lock_guard lock(mutex);
    interrupted = now_interrupted;
  }
  apply_queue_limits();
}

// Without a connection, what is live cannot wait for the next one.
void GstRtmpClientSinkPrivate::apply_queue_limits() {
  const std::lock_guard lock(mutex);
  Leaky leaky = own_properties.wanted_leaky();
  if (interrupted && leaky == Leaky::frames) leaky = Leaky::all;
  if (interrupted && leaky == Leaky::no && live) leaky = Leaky::oldest;
  outbox.set_limits(own_properties.queue_limits(), leaky);
}

static std::variant<net::Client::Settings, std::string> gst_rtmp_client_sink_settings(
    GstRtmpClientSink* self) {
  auto settings = self->priv->properties.settings(ClientProperties::Purpose::publish);
  if (auto* client = std::get_if<net::Client::Settings>(&settings))
    self->priv->own_properties.add_to(*client);
  return settings;
}

static gboolean gst_rtmp_client_sink_open(GstRtmpClientSink* self) {
  const auto settings = gst_rtmp_client_sink_settings(self);
  if (const auto* fault = std::get_if<std::string>(&settings)) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", fault->c_str()), (nullptr));
    return FALSE;
  }
  auto* priv = self->priv;
  priv->outbox.reopen();
  priv->set_interrupted(false);
  priv->set_state(State::open);
  priv->open(std::get<net::Client::Settings>(settings), &priv->outbox);
  return TRUE;
}

static void gst_rtmp_client_sink_close(GstRtmpClientSink* self) {
  auto* priv = self->priv;
  priv->close();
  priv->outbox.clear();
  priv->reader.reset();
  priv->set_state(State::idle);
}

static bool gst_rtmp_client_sink_start(GstRtmpClientSink* self) {
  const auto settings = gst_rtmp_client_sink_settings(self);
  if (const auto* fault = std::get_if<std::string>(&settings)) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", fault->c_str()), (nullptr));
    return false;
  }
  return !self->priv->properties.connects_at_start() || gst_rtmp_client_sink_open(self);
}

static void gst_rtmp_client_sink_stop(GstRtmpClientSink* self) {
  gst_rtmp_client_sink_close(self);
  self->priv->announced.clear();
  self->priv->announced_sent = true;
  self->priv->live_known = false;
}

// GstBaseSink's own start and stop belong to READY.
static GstStateChangeReturn gst_rtmp_client_sink_change_state(GstElement* element,
                                                              GstStateChange transition) noexcept {
  auto* self = GST_RTMP_CLIENT_SINK(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !gst_rtmp_client_sink_start(self))
    return GST_STATE_CHANGE_FAILURE;
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_rtmp_client_sink_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    gst_rtmp_client_sink_stop(self);
  return result;
}

// Wakes render() and the drain.
static gboolean gst_rtmp_client_sink_unlock(GstBaseSink* sink) noexcept {
  auto* priv = GST_RTMP_CLIENT_SINK(sink)->priv;
  priv->outbox.set_flushing(true);
  const std::lock_guard lock(priv->mutex);
  priv->unlocked = true;
  priv->changed.notify_all();
  return TRUE;
}

static gboolean gst_rtmp_client_sink_unlock_stop(GstBaseSink* sink) noexcept {
  auto* priv = GST_RTMP_CLIENT_SINK(sink)->priv;
  priv->outbox.set_flushing(false);
  const std::lock_guard lock(priv->mutex);
  priv->unlocked = false;
  return TRUE;
}

// --- data ---

// Waits for room in the queue; a pause in between is waited through.
static GstFlowReturn gst_rtmp_client_sink_push(GstRtmpClientSink* self,
                                               const rtmp::Message& message) {
  for (;;) {
    switch (self->priv->outbox.push(message)) {
      case net::MessageQueue::Outcome::ok:
        return GST_FLOW_OK;
      case net::MessageQueue::Outcome::closed:
        return self->priv->state() == State::failed ? GST_FLOW_ERROR : GST_FLOW_EOS;
      case net::MessageQueue::Outcome::flushing:
        const GstFlowReturn flow = gst_base_sink_wait_preroll(GST_BASE_SINK(self));
        if (flow != GST_FLOW_OK) return flow;
    }
  }
}

static GstFlowReturn gst_rtmp_client_sink_push_all(GstRtmpClientSink* self,
                                                   const std::vector<rtmp::Message>& messages) {
  for (const rtmp::Message& message : messages) {
    const GstFlowReturn flow = gst_rtmp_client_sink_push(self, message);
    if (flow != GST_FLOW_OK) return flow;
  }
  return GST_FLOW_OK;
}

// The caps' headers, at the time of what follows them.
static GstFlowReturn gst_rtmp_client_sink_push_announced(GstRtmpClientSink* self,
                                                         std::int64_t timestamp) {
  auto* priv = self->priv;
  priv->announced_sent = true;
  bridge::TagReader reader;
  for (GstBuffer* buffer : priv->announced.buffers()) {
    auto messages = reader.read(buffer);
    if (!messages) continue;
    for (rtmp::Message& message : *messages) message.timestamp = timestamp;
    const GstFlowReturn flow = gst_rtmp_client_sink_push_all(self, *messages);
    if (flow != GST_FLOW_OK) return flow;
  }
  return GST_FLOW_OK;
}

static bool gst_rtmp_client_sink_was_announced(GstRtmpClientSink* self, GstBuffer* buffer) {
  AnnouncedHeaders& announced = self->priv->announced;
  if (announced.empty() || !self->priv->announced_sent) return false;
  if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_HEADER)) return announced.take_equal(buffer);
  announced.clear();
  return false;
}

static void gst_rtmp_client_sink_learn_liveness(GstRtmpClientSink* self) {
  auto* priv = self->priv;
  if (std::exchange(priv->live_known, true)) return;
  GstQuery* query = gst_query_new_latency();
  gboolean live = FALSE;
  if (gst_pad_peer_query(GST_BASE_SINK_PAD(self), query))
    gst_query_parse_latency(query, &live, nullptr, nullptr);
  gst_query_unref(query);
  {
    const std::lock_guard lock(priv->mutex);
    priv->live = live;
  }
  priv->apply_queue_limits();
}

static GstFlowReturn gst_rtmp_client_sink_render(GstBaseSink* sink, GstBuffer* buffer) noexcept {
  auto* self = GST_RTMP_CLIENT_SINK(sink);
  auto* priv = self->priv;
  const State state = priv->state();
  if (state == State::failed) return GST_FLOW_ERROR;
  if (state != State::open && !gst_rtmp_client_sink_open(self)) return GST_FLOW_ERROR;
  gst_rtmp_client_sink_learn_liveness(self);

  auto messages = priv->reader.read(buffer);
  if (!messages) {
    GST_ELEMENT_ERROR(self, STREAM, DEMUX, ("What comes to the sink is not FLV."),
                      ("%s", messages.error().message().c_str()));
    return GST_FLOW_ERROR;
  }
  if (!priv->announced_sent) {
    const std::int64_t timestamp = messages->empty() ? 0 : messages->front().timestamp;
    const GstFlowReturn flow = gst_rtmp_client_sink_push_announced(self, timestamp);
    if (flow != GST_FLOW_OK) return flow;
  }
  if (gst_rtmp_client_sink_was_announced(self, buffer)) return GST_FLOW_OK;
  return gst_rtmp_client_sink_push_all(self, *messages);
}

static gboolean gst_rtmp_client_sink_set_caps(GstBaseSink* sink, GstCaps* caps) noexcept {
  auto* priv = GST_RTMP_CLIENT_SINK(sink)->priv;
  const GValue* headers = gst_structure_get_value(gst_caps_get_structure(caps, 0), "streamheader");
  priv->announced.clear();
  priv->announced_sent = true;
  if (!headers || !GST_VALUE_HOLDS_ARRAY(headers)) return TRUE;
  for (guint i = 0; i < gst_value_array_get_size(headers); ++i) {
    const GValue* value = gst_value_array_get_value(headers, i);
    if (GST_VALUE_HOLDS_BUFFER(value)) priv->announced.add(gst_value_get_buffer(value));
  }
  priv->announced_sent = priv->announced.empty();
  return TRUE;
}

// --- the end ---

// Sends what is left and closes in order, which the client bounds in time. GstBaseSink holds its
// preroll lock here as in render(), so a pause or a flush has to be let through in the same way.
static GstFlowReturn gst_rtmp_client_sink_drain(GstRtmpClientSink* self) {
  auto* priv = self->priv;
  if (priv->state() == State::open) priv->finish(priv->own_properties.wanted_stop_commands());
  std::unique_lock lock(priv->mutex);
  while (priv->connection_state == State::open) {
    priv->changed.wait(lock,
                       [priv] { return priv->connection_state != State::open || priv->unlocked; });
    if (priv->connection_state != State::open) break;
    lock.unlock();
    const GstFlowReturn flow = gst_base_sink_wait_preroll(GST_BASE_SINK(self));
    if (flow != GST_FLOW_OK) return flow;
    lock.lock();
  }
  return priv->connection_state == State::failed ? GST_FLOW_ERROR : GST_FLOW_OK;
}

static gboolean gst_rtmp_client_sink_event(GstBaseSink* sink, GstEvent* event) noexcept {
  auto* self = GST_RTMP_CLIENT_SINK(sink);
  auto* parent = GST_BASE_SINK_CLASS(gst_rtmp_client_sink_parent_class);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_EOS:
      if (gst_rtmp_client_sink_drain(self) != GST_FLOW_OK) {
        gst_event_unref(event);
        return FALSE;
      }
      break;
    case GST_EVENT_FLUSH_STOP:
      self->priv->outbox.clear();
      self->priv->reader.reset();
      break;
    default:
      break;
  }
  return parent->event(sink, event);
}

// An application's own EOS for this element must not wait behind a render() that waits for the
// peer, so it waits on a thread of its own.
static gboolean gst_rtmp_client_sink_send_event(GstElement* element, GstEvent* event) noexcept {
  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS)
    return GST_ELEMENT_CLASS(gst_rtmp_client_sink_parent_class)->send_event(element, event);
  if (GST_PAD_IS_FLUSHING(GST_BASE_SINK_PAD(element))) {
    gst_event_unref(event);
    return FALSE;
  }
  gst_element_call_async(
      element,
      [](GstElement* sink, gpointer eos) {
        gst_pad_send_event(GST_BASE_SINK_PAD(sink), GST_EVENT(eos));
      },
      event, nullptr);
  return TRUE;
}

// --- properties ---

// What may change while the connection is there.
static void gst_rtmp_client_sink_apply(GstRtmpClientSinkPrivate* priv, guint id,
                                       const GValue* value) {
  switch (id) {
    case ClientSinkProperties::chunk_size:
      priv->set_chunk_size(g_value_get_uint(value));
      break;
    case ClientSinkProperties::peak_kbps:
      priv->set_pacing(priv->own_properties.pacing());
      break;
    case ClientSinkProperties::max_queue_time:
    case ClientSinkProperties::max_queue_bytes:
    case ClientSinkProperties::leaky:
      priv->apply_queue_limits();
      break;
    default:
      if (ClientProperties::is_about_reconnecting(id))
        priv->set_reconnect(priv->properties.reconnect());
      break;
  }
}

static void gst_rtmp_client_sink_set_property(GObject* object, guint id, const GValue* value,
                                              GParamSpec* pspec) noexcept {
  auto* priv = GST_RTMP_CLIENT_SINK(object)->priv;
  if (priv->properties.set(id, value) || priv->own_properties.set(id, value)) {
    gst_rtmp_client_sink_apply(priv, id, value);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void gst_rtmp_client_sink_get_property(GObject* object, guint id, GValue* value,
                                              GParamSpec* pspec) noexcept {
  auto* priv = GST_RTMP_CLIENT_SINK(object)->priv;
  if (id == ClientSinkProperties::stats) {
    g_value_take_boxed(value, priv->stats(priv->outbox.level()));
  } else if (!priv->properties.get(id, value) && !priv->own_properties.get(id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static gboolean gst_rtmp_client_sink_set_uri(GstURIHandler* handler, const gchar* uri,
                                             GError** error) noexcept {
  auto* self = GST_RTMP_CLIENT_SINK(handler);
  return uri_handler::set(GST_ELEMENT(self), self->priv->properties, uri, error);
}

static void gst_rtmp_client_sink_uri_handler_init(gpointer iface, gpointer) {
  auto* handler = static_cast<GstURIHandlerInterface*>(iface);
  handler->get_type = [](GType) { return GST_URI_SINK; };
  handler->get_protocols = uri_handler::protocols;
  handler->get_uri = [](GstURIHandler* sink) noexcept {
    return g_strdup(GST_RTMP_CLIENT_SINK(sink)->priv->properties.get_location().c_str());
  };
  handler->set_uri = gst_rtmp_client_sink_set_uri;
}

// --- the class ---

static void gst_rtmp_client_sink_finalize(GObject* object) noexcept {
  auto* self = GST_RTMP_CLIENT_SINK(object);
  self->priv->close();
  delete self->priv;
  G_OBJECT_CLASS(gst_rtmp_client_sink_parent_class)->finalize(object);
}

static void gst_rtmp_client_sink_init(GstRtmpClientSink* self) {
  self->priv = new GstRtmpClientSinkPrivate(self);
  self->priv->apply_queue_limits();
}

static void gst_rtmp_client_sink_class_init(GstRtmpClientSinkClass* klass) {
  auto* gobject_class = G_OBJECT_CLASS(klass);
  gobject_class->finalize = gst_rtmp_client_sink_finalize;
  gobject_class->set_property = gst_rtmp_client_sink_set_property;
  gobject_class->get_property = gst_rtmp_client_sink_get_property;
  ClientProperties::install(gobject_class);
  ClientSinkProperties::install(gobject_class);

  auto* element_class = GST_ELEMENT_CLASS(klass);
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_change_state);
  element_class->send_event = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_send_event);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_set_static_metadata(element_class, "RTMP client sink", "Sink/Network",
                                        "Publishes FLV to an RTMP server",
                                        "gst-plugins-rtmp developers");

  auto* sink_class = GST_BASE_SINK_CLASS(klass);
  sink_class->unlock = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_unlock);
  sink_class->unlock_stop = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_unlock_stop);
  sink_class->render = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_render);
  sink_class->set_caps = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_set_caps);
  sink_class->event = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_event);
}
