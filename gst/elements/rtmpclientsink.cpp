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
 * ## Element messages
 *
 * `rtmp-connected`: the server has accepted the stream. Fields: `peer` (string, address and port),
 * `stream-id` (uint).
 *
 * `rtmp-disconnected`: the connection is over. Fields: `peer` (string), `stage` (string, where it
 * failed, or `finished`), `reason` (string).
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

#include <algorithm>
#include <condition_variable>
#include <list>

#include "elements/bridge.h"
#include "elements/client_congestion.h"
#include "elements/client_link.h"
#include "elements/client_properties.h"
#include "net/message_queue.h"

GST_DEBUG_CATEGORY_STATIC(gst_rtmp_client_sink_debug);
#define GST_CAT_DEFAULT gst_rtmp_client_sink_debug

namespace {

using Leaky = net::MessageQueue::Leaky;

enum Property : guint {
  PROP_CHUNK_SIZE = ClientProperties::first_free_id,
  PROP_PEAK_KBPS,
  PROP_STOP_COMMANDS,
  PROP_MAX_QUEUE_TIME,
  PROP_MAX_QUEUE_BYTES,
  PROP_LEAKY,
  PROP_PUBLISH_TYPE,
  PROP_STATS,
};

enum StopCommand : guint { FC_UNPUBLISH = 1, CLOSE_STREAM = 2, DELETE_STREAM = 4 };

constexpr const char* publish_types[] = {"live", "record", "append"};

constexpr guint default_chunk_size = 60'000;
constexpr guint default_peak_kbps = 0;
constexpr guint default_stop_commands = FC_UNPUBLISH | DELETE_STREAM;
constexpr guint64 default_max_queue_time = 3 * GST_SECOND;
constexpr guint64 default_max_queue_bytes = 8 * 1024 * 1024;
constexpr auto default_leaky = static_cast<gint>(Leaky::no);
constexpr gint default_publish_type = 0;
constexpr guint kbps_to_bytes = 125;

// Congestion begins here, or with a third of the queue's limits if that is less.
constexpr std::int64_t congestion_ms = 700;

// The peer is given that long to take what is left at EOS, as long as it does take something.
constexpr rtmp::Duration drain_timeout = std::chrono::seconds(30);

/**
 * GstRtmpClientStopCommands:
 * @none: no command
 * @fcunpublish: FCUnpublish
 * @closestream: closeStream
 * @deletestream: deleteStream
 *
 * Which commands end a stream.
 */
GType stop_commands_type() {
  static const GFlagsValue values[] = {
      {0, "No command", "none"},
      {FC_UNPUBLISH, "FCUnpublish", "fcunpublish"},
      {CLOSE_STREAM, "closeStream", "closestream"},
      {DELETE_STREAM, "deleteStream", "deletestream"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_flags_register_static("GstRtmpClientStopCommands", values);
  return type;
}

/**
 * GstRtmpClientLeaky:
 * @no: upstream waits
 * @frames: frames are lost: disposable ones, then inter frames up to the next key frame, audio last
 *
 * What happens when the queue is full.
 */
GType leaky_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(Leaky::no), "Upstream waits", "no"},
      {static_cast<gint>(Leaky::frames),
       "Lose disposable frames, then inter frames up to the next key frame, audio last", "frames"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstRtmpClientLeaky", values);
  return type;
}

/**
 * GstRtmpClientPublishType:
 * @live: the server keeps nothing
 * @record: the server records, from the beginning
 * @append: the server records behind what it has
 *
 * What the server is asked to do with the stream.
 */
GType publish_type_type() {
  static const GEnumValue values[] = {
      {0, "The server keeps nothing", "live"},
      {1, "The server records, from the beginning", "record"},
      {2, "The server records behind what it has", "append"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstRtmpClientPublishType", values);
  return type;
}

GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-flv"));

// Headers of the caps, sent already, which the stream repeats: each is passed over once.
class AnnouncedHeaders {
 public:
  ~AnnouncedHeaders() { clear(); }

  void clear() {
    for (GstBuffer* buffer : buffers_) gst_buffer_unref(buffer);
    buffers_.clear();
  }
  void add(GstBuffer* buffer) { buffers_.push_back(gst_buffer_ref(buffer)); }
  bool empty() const { return buffers_.empty(); }
  const std::list<GstBuffer*>& buffers() const { return buffers_; }
  bool take_equal(GstBuffer* buffer) {
    const auto found = std::ranges::find_if(
        buffers_, [buffer](GstBuffer* announced) { return equal(announced, buffer); });
    if (found == buffers_.end()) return false;
    gst_buffer_unref(*found);
    buffers_.erase(found);
    return true;
  }

 private:
  static bool equal(GstBuffer* one, GstBuffer* other) {
    const auto a = bridge::wrap(one), b = bridge::wrap(other);
    return a && b && std::ranges::equal(a->bytes(), b->bytes());
  }

  std::list<GstBuffer*> buffers_;
};

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

  void on_started() override { congestion.begin(net::now(), current().taken_bytes); }
  void on_second(rtmp::Time time) override;
  void on_ended(std::optional<net::Failure> failure) override;
  CongestionMeter::Limits congestion_limits() const;
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
  net::MessageQueue outbox{net::MessageQueue::Limits()};
  CongestionMeter congestion;  // owned by the client's thread

  // Owned by the streaming thread.
  bridge::TagReader reader;
  AnnouncedHeaders announced;
  bool announced_sent = true;

  mutable std::mutex mutex;         // guards everything below; no other lock is taken under it
  std::condition_variable changed;  // connection_state, unlocked
  State connection_state = State::idle;
  bool unlocked = false;  // between unlock() and unlock_stop()
  guint chunk_size = default_chunk_size;
  guint peak_kbps = default_peak_kbps;
  guint stop_commands = default_stop_commands;
  guint64 max_queue_time = default_max_queue_time;
  guint64 max_queue_bytes = default_max_queue_bytes;
  gint leaky = default_leaky;
  gint publish_type = default_publish_type;
};

struct _GstRtmpClientSink {
  GstBaseSink parent;
  GstRtmpClientSinkPrivate* priv;
};

using State = GstRtmpClientSinkPrivate::State;

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

CongestionMeter::Limits GstRtmpClientSinkPrivate::congestion_limits() const {
  const std::lock_guard lock(mutex);
  const guint64 third_ms = max_queue_time / GST_MSECOND / 3;
  const bool short_queue = third_ms > 0 && third_ms < guint64{congestion_ms};
  return {short_queue ? static_cast<std::int64_t>(third_ms) : congestion_ms,
          static_cast<std::size_t>(max_queue_bytes / 3)};
}

// On the client's thread.
void GstRtmpClientSinkPrivate::on_second(rtmp::Time time) {
  const auto report =
      congestion.measure(time, current().taken_bytes, outbox.level(), congestion_limits());
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

static void apply_queue_limits(GstRtmpClientSinkPrivate* priv) {
  const std::lock_guard lock(priv->mutex);
  const guint64 ms = std::min<guint64>(priv->max_queue_time / GST_MSECOND, G_MAXINT64);
  priv->outbox.set_limits({static_cast<std::size_t>(priv->max_queue_bytes),
                           ms == 0 ? G_MAXINT64 : static_cast<std::int64_t>(ms)},
                          static_cast<Leaky>(priv->leaky));
}

static std::variant<net::Client::Settings, std::string> gst_rtmp_client_sink_settings(
    GstRtmpClientSink* self) {
  auto settings = self->priv->properties.settings(ClientProperties::Purpose::publish);
  if (auto* client = std::get_if<net::Client::Settings>(&settings)) {
    const std::lock_guard lock(self->priv->mutex);
    client->session.chunk_size = self->priv->chunk_size;
    client->session.publish_type = publish_types[self->priv->publish_type];
    client->pacing_bytes_per_second = std::uint64_t{self->priv->peak_kbps} * kbps_to_bytes;
    client->drain_timeout = drain_timeout;
  }
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
  apply_queue_limits(priv);
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

static gboolean gst_rtmp_client_sink_start(GstBaseSink* sink) noexcept {
  auto* self = GST_RTMP_CLIENT_SINK(sink);
  const auto settings = gst_rtmp_client_sink_settings(self);
  if (const auto* fault = std::get_if<std::string>(&settings)) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", fault->c_str()), (nullptr));
    return FALSE;
  }
  return !self->priv->properties.connects_at_start() || gst_rtmp_client_sink_open(self);
}

static gboolean gst_rtmp_client_sink_stop(GstBaseSink* sink) noexcept {
  auto* self = GST_RTMP_CLIENT_SINK(sink);
  gst_rtmp_client_sink_close(self);
  self->priv->announced.clear();
  self->priv->announced_sent = true;
  return TRUE;
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

static GstFlowReturn gst_rtmp_client_sink_render(GstBaseSink* sink, GstBuffer* buffer) noexcept {
  auto* self = GST_RTMP_CLIENT_SINK(sink);
  auto* priv = self->priv;
  const State state = priv->state();
  if (state == State::failed) return GST_FLOW_ERROR;
  if (state != State::open && !gst_rtmp_client_sink_open(self)) return GST_FLOW_ERROR;

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

static rtmp::ClientSession::StopCommands gst_rtmp_client_sink_stop_commands(
    GstRtmpClientSink* self) {
  const std::lock_guard lock(self->priv->mutex);
  const guint commands = self->priv->stop_commands;
  return {(commands & FC_UNPUBLISH) != 0, (commands & CLOSE_STREAM) != 0,
          (commands & DELETE_STREAM) != 0};
}

// Sends what is left and closes in order, which the client bounds in time. GstBaseSink holds its
// preroll lock here as in render(), so a pause or a flush has to be let through in the same way.
static GstFlowReturn gst_rtmp_client_sink_drain(GstRtmpClientSink* self) {
  auto* priv = self->priv;
  if (priv->state() == State::open) priv->finish(gst_rtmp_client_sink_stop_commands(self));
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

static void gst_rtmp_client_sink_set_own_property(GstRtmpClientSinkPrivate* priv, guint id,
                                                  const GValue* value) {
  const std::lock_guard lock(priv->mutex);
  switch (id) {
    case PROP_CHUNK_SIZE:
      priv->chunk_size = g_value_get_uint(value);
      break;
    case PROP_PEAK_KBPS:
      priv->peak_kbps = g_value_get_uint(value);
      break;
    case PROP_STOP_COMMANDS:
      priv->stop_commands = g_value_get_flags(value);
      break;
    case PROP_MAX_QUEUE_TIME:
      priv->max_queue_time = g_value_get_uint64(value);
      break;
    case PROP_MAX_QUEUE_BYTES:
      priv->max_queue_bytes = g_value_get_uint64(value);
      break;
    case PROP_LEAKY:
      priv->leaky = g_value_get_enum(value);
      break;
    case PROP_PUBLISH_TYPE:
      priv->publish_type = g_value_get_enum(value);
      break;
    default:
      break;
  }
}

// What may change while the connection is there.
static void gst_rtmp_client_sink_apply(GstRtmpClientSinkPrivate* priv, guint id,
                                       const GValue* value) {
  switch (id) {
    case PROP_CHUNK_SIZE:
      priv->set_chunk_size(g_value_get_uint(value));
      break;
    case PROP_PEAK_KBPS:
      priv->set_pacing(std::uint64_t{g_value_get_uint(value)} * kbps_to_bytes);
      break;
    case PROP_MAX_QUEUE_TIME:
    case PROP_MAX_QUEUE_BYTES:
    case PROP_LEAKY:
      apply_queue_limits(priv);
      break;
    default:
      break;
  }
}

static void gst_rtmp_client_sink_set_property(GObject* object, guint id, const GValue* value,
                                              GParamSpec* pspec) noexcept {
  auto* priv = GST_RTMP_CLIENT_SINK(object)->priv;
  if (priv->properties.set(id, value)) return;
  if (id > PROP_PUBLISH_TYPE) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    return;
  }
  gst_rtmp_client_sink_set_own_property(priv, id, value);
  gst_rtmp_client_sink_apply(priv, id, value);
}

static void gst_rtmp_client_sink_get_property(GObject* object, guint id, GValue* value,
                                              GParamSpec* pspec) noexcept {
  auto* priv = GST_RTMP_CLIENT_SINK(object)->priv;
  if (priv->properties.get(id, value)) return;
  if (id == PROP_STATS) {
    g_value_take_boxed(value, priv->stats(priv->outbox.level()));
    return;
  }
  const std::lock_guard lock(priv->mutex);
  switch (id) {
    case PROP_CHUNK_SIZE:
      g_value_set_uint(value, priv->chunk_size);
      break;
    case PROP_PEAK_KBPS:
      g_value_set_uint(value, priv->peak_kbps);
      break;
    case PROP_STOP_COMMANDS:
      g_value_set_flags(value, priv->stop_commands);
      break;
    case PROP_MAX_QUEUE_TIME:
      g_value_set_uint64(value, priv->max_queue_time);
      break;
    case PROP_MAX_QUEUE_BYTES:
      g_value_set_uint64(value, priv->max_queue_bytes);
      break;
    case PROP_LEAKY:
      g_value_set_enum(value, priv->leaky);
      break;
    case PROP_PUBLISH_TYPE:
      g_value_set_enum(value, priv->publish_type);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
      break;
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
  apply_queue_limits(self->priv);
}

static void install_properties(GObjectClass* gobject_class) {
  const auto flags = [](guint more) {
    return static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | more);
  };
  gst_type_mark_as_plugin_api(stop_commands_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(leaky_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(publish_type_type(), static_cast<GstPluginAPIFlags>(0));

  /**
   * GstRtmpClientSink:chunk-size:
   *
   * Bytes of payload in a chunk. RTMP's own 128 cost many times the processor time of chunks that
   * hold a whole frame; 60000 is what FFmpeg publishes with, so every server knows it.
   */
  g_object_class_install_property(
      gobject_class, PROP_CHUNK_SIZE,
      g_param_spec_uint("chunk-size", "Chunk size", "Bytes of payload in a chunk", 1, G_MAXINT,
                        default_chunk_size, flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:peak-kbps:
   *
   * The speed at which the system sends at most, in kbit/s, 0 for as fast as it goes.
   */
  g_object_class_install_property(
      gobject_class, PROP_PEAK_KBPS,
      g_param_spec_uint("peak-kbps", "Peak bitrate",
                        "Bitrate in kbit/s at which to send at most (0 = as fast as it goes)", 0,
                        G_MAXINT / kbps_to_bytes, default_peak_kbps,
                        flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:stop-commands:
   *
   * Which commands are sent at EOS, before the connection is closed.
   */
  g_object_class_install_property(
      gobject_class, PROP_STOP_COMMANDS,
      g_param_spec_flags("stop-commands", "Stop commands",
                         "Commands to send at EOS, before the connection is closed",
                         stop_commands_type(), default_stop_commands,
                         flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:max-queue-time:
   *
   * How much stream may wait for the network, in nanoseconds of its timestamps, 0 for no limit.
   */
  g_object_class_install_property(
      gobject_class, PROP_MAX_QUEUE_TIME,
      g_param_spec_uint64("max-queue-time", "Maximum queue time",
                          "Stream that may wait for the network, in ns (0 = no limit)", 0,
                          G_MAXUINT64, default_max_queue_time, flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:max-queue-bytes:
   *
   * How many bytes may wait for the network. A frame above the limit waits alone.
   */
  g_object_class_install_property(
      gobject_class, PROP_MAX_QUEUE_BYTES,
      g_param_spec_uint64("max-queue-bytes", "Maximum queue bytes",
                          "Bytes that may wait for the network", 1, G_MAXUINT64,
                          default_max_queue_bytes, flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:leaky:
   *
   * What happens when the queue is full.
   */
  g_object_class_install_property(
      gobject_class, PROP_LEAKY,
      g_param_spec_enum("leaky", "Leaky", "What happens when the queue is full", leaky_type(),
                        default_leaky, flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:publish-type:
   *
   * What the server is asked to do with the stream.
   */
  g_object_class_install_property(
      gobject_class, PROP_PUBLISH_TYPE,
      g_param_spec_enum("publish-type", "Publish type",
                        "What the server is asked to do with the stream", publish_type_type(),
                        default_publish_type, flags(GST_PARAM_MUTABLE_READY)));
  /**
   * GstRtmpClientSink:stats:
   *
   * A structure, kept after the connection's end: `in-chunk-size`, `out-chunk-size`,
   * `in-window-ack-size`, `out-window-ack-size`, `retransmits` (uint), `in-bytes-total`,
   * `out-bytes-total`, `in-bytes-acked`, `out-bytes-acked`, `unsent-bytes`, `queued-messages`,
   * `queued-bytes`, `queued-time` (ns), `dropped-messages`, `round-trip-time` (ns, TCP's estimate)
   * (uint64), and `peer` (string).
   */
  g_object_class_install_property(
      gobject_class, PROP_STATS,
      g_param_spec_boxed("stats", "Statistics", "Statistics of the connection and its queue",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

static void gst_rtmp_client_sink_class_init(GstRtmpClientSinkClass* klass) {
  auto* gobject_class = G_OBJECT_CLASS(klass);
  gobject_class->finalize = gst_rtmp_client_sink_finalize;
  gobject_class->set_property = gst_rtmp_client_sink_set_property;
  gobject_class->get_property = gst_rtmp_client_sink_get_property;
  ClientProperties::install(gobject_class);
  install_properties(gobject_class);

  auto* element_class = GST_ELEMENT_CLASS(klass);
  element_class->send_event = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_send_event);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_set_static_metadata(element_class, "RTMP client sink", "Sink/Network",
                                        "Publishes FLV to an RTMP server",
                                        "gst-plugins-rtmp developers");

  auto* sink_class = GST_BASE_SINK_CLASS(klass);
  sink_class->start = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_start);
  sink_class->stop = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_stop);
  sink_class->unlock = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_unlock);
  sink_class->unlock_stop = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_unlock_stop);
  sink_class->render = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_render);
  sink_class->set_caps = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_set_caps);
  sink_class->event = GST_DEBUG_FUNCPTR(gst_rtmp_client_sink_event);
}
