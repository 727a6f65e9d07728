// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-rtmpserversink
 * @title: rtmpserversink
 *
 * Listens for RTMP players and serves them what its pad gets, FLV from `rtmpmux`, `flvmux` or a
 * file, as the stream #GstRtmpServerSink:stream. It takes part in a server as #rtmpserver does, and
 * shares its server properties.
 *
 * It never waits for a slow player: that one loses frames, see #GstRtmpServer:max-queue-time. Like
 * GStreamer's other server sinks it has `sync=true`, so that a file is served at its own speed;
 * what comes live may be passed on at once with `sync=false`.
 *
 * The name is taken with the first buffer and given back at EOS, when players have got what waits
 * for them, but after two seconds at the latest. If somebody else has the name,
 * #GstRtmpServer:duplicate-publish decides; who loses it fails with GST_RESOURCE_ERROR_BUSY.
 *
 * ## Element messages
 *
 * `rtmp-publisher`: `name`, a string "app/stream", and `state`, a string: "published" when the sink
 * has taken its name, "unpublished" when it has given it back.
 *
 * `rtmp-limit`, `rtmp-forward` and `rtmp-pull`: as #rtmpserver posts them.
 *
 * ## Example launch line
 * ```
 * gst-launch-1.0 videotestsrc is-live=true ! x264enc tune=zerolatency ! flvmux streamable=true !
 * rtmpserversink port=1935 stream=live/test
 * ```
 * Serves a test picture at `rtmp://localhost/live/test`.
 *
 * Since: 0.1
 */

#include "elements/rtmpserversink.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "elements/bridge.h"
#include "elements/shared_server.h"
#include "net/worker.h"
#include "rtmp/media.h"

GST_DEBUG_CATEGORY_STATIC(gst_rtmp_server_sink_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_sink_debug

namespace {

enum Property : guint {
  stream = server_properties::first_of_element,
  clients,
  wait_for_connection,
};

// The element as the stream's publisher, as long as nobody takes it over.
class SinkPublisher final : public relay::Publisher {
 public:
  void on_replaced() override {
    const std::lock_guard lock(mutex_);
    replaced_ = true;
    changed_.notify_all();
  }
  void on_players(std::size_t count) override {
    const std::lock_guard lock(mutex_);
    players_ = count;
    changed_.notify_all();
  }

  // Before it publishes (again).
  void begin() {
    const std::lock_guard lock(mutex_);
    replaced_ = false;
    players_ = 0;
  }
  bool replaced() const {
    const std::lock_guard lock(mutex_);
    return replaced_;
  }
  // Waits for a player, or the end of this publisher; false when flushed instead.
  bool wait_for_player() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return players_ > 0 || replaced_ || flushing_; });
    return !flushing_;
  }
  void set_flushing(bool flushing) {
    const std::lock_guard lock(mutex_);
    flushing_ = flushing;
    changed_.notify_all();
  }

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::size_t players_ = 0;
  bool replaced_ = false;
  bool flushing_ = false;
};

bool is_header(const rtmp::Message& message) {
  using Kind = rtmp::media::Summary::Kind;
  if (!rtmp::is_media(message.type)) return true;
  const Kind kind = rtmp::media::summarize(message).kind;
  return kind == Kind::sequence_start || kind == Kind::description;
}

// What a muxer puts into its caps: all that one who comes late needs.
std::vector<rtmp::Message> read_stream_header(GstCaps* caps) {
  const GValue* header = gst_structure_get_value(gst_caps_get_structure(caps, 0), "streamheader");
  std::vector<rtmp::Message> messages;
  if (!header || !GST_VALUE_HOLDS_ARRAY(header)) return messages;
  bridge::TagReader reader;
  for (guint i = 0; i < gst_value_array_get_size(header); ++i) {
    GstBuffer* buffer = gst_value_get_buffer(gst_value_array_get_value(header, i));
    auto read = reader.read(buffer);
    if (!read) return messages;
    for (rtmp::Message& message : *read) messages.push_back(std::move(message));
  }
  return messages;
}

}  // namespace

struct GstRtmpServerSinkImpl {
  explicit GstRtmpServerSinkImpl(GstElement* element) : link(element) {}

  shared_server::Link link;

  std::mutex mutex;  // guards what follows
  std::string stream_name;
  bool wait_for_connection = false;
  std::shared_ptr<relay::Stream> stream;  // from READY -> PAUSED to the way back

  // Of the streaming thread:
  bridge::TagReader reader;
  std::vector<rtmp::Message> stream_header;
  bool publishing = false;  // the name is ours

  const std::shared_ptr<SinkPublisher> publisher = std::make_shared<SinkPublisher>();
};

struct _GstRtmpServerSink {
  GstBaseSink parent;
  GstRtmpServerSinkImpl* impl;
};

G_DEFINE_TYPE_WITH_CODE(GstRtmpServerSink, gst_rtmp_server_sink, GST_TYPE_BASE_SINK,
                        GST_DEBUG_CATEGORY_INIT(gst_rtmp_server_sink_debug, "rtmpserversink", 0,
                                                "RTMP server sink"))
GST_ELEMENT_REGISTER_DEFINE(rtmpserversink, "rtmpserversink", GST_RANK_NONE,
                            GST_TYPE_RTMP_SERVER_SINK)

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-flv"));

// --- the element's life

static void gst_rtmp_server_sink_init(GstRtmpServerSink* self) {
  self->impl = new GstRtmpServerSinkImpl(GST_ELEMENT(self));
}

static void gst_rtmp_server_sink_finalize(GObject* object) {
  delete GST_RTMP_SERVER_SINK(object)->impl;
  G_OBJECT_CLASS(gst_rtmp_server_sink_parent_class)->finalize(object);
}

static void gst_rtmp_server_sink_set_property(GObject* object, guint id, const GValue* value,
                                              GParamSpec* spec) {
  GstRtmpServerSinkImpl& impl = *GST_RTMP_SERVER_SINK(object)->impl;
  if (impl.link.set_property(id, value, spec)) return;
  const std::lock_guard lock(impl.mutex);
  switch (id) {
    case Property::stream:
      impl.stream_name = shared_server::stream_name(g_value_get_string(value));
      break;
    case Property::wait_for_connection:
      impl.wait_for_connection = g_value_get_boolean(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void gst_rtmp_server_sink_get_property(GObject* object, guint id, GValue* value,
                                              GParamSpec* spec) {
  GstRtmpServerSinkImpl& impl = *GST_RTMP_SERVER_SINK(object)->impl;
  if (impl.link.get_property(id, value, spec)) return;
  const std::lock_guard lock(impl.mutex);
  switch (id) {
    case Property::stream:
      g_value_set_string(value, impl.stream_name.c_str());
      break;
    case Property::clients:
      g_value_set_int(value, impl.stream ? static_cast<int>(impl.stream->players()) : 0);
      break;
    case Property::wait_for_connection:
      g_value_set_boolean(value, impl.wait_for_connection);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

// READY -> PAUSED; GstBaseSink's own start comes too early for elements of one pipeline to agree.
static bool gst_rtmp_server_sink_open(GstRtmpServerSink* sink) {
  GstRtmpServerSinkImpl& impl = *sink->impl;
  std::unique_lock lock(impl.mutex);
  const std::string name = impl.stream_name;
  lock.unlock();
  if (name.empty()) {
    GST_ELEMENT_ERROR(sink, RESOURCE, SETTINGS,
                      ("The stream has no name: set one with stream=, as in stream=live/cam"),
                      (nullptr));
    return false;
  }
  if (!impl.link.open(nullptr)) return false;
  impl.reader.reset();
  impl.stream_header.clear();
  impl.publisher->set_flushing(false);
  lock.lock();
  impl.stream = impl.link.server().hub().get(name);
  return true;
}

// Gives the name back, if it is ours.
static void unpublish(GstRtmpServerSink* self) {
  GstRtmpServerSinkImpl& impl = *self->impl;
  if (!std::exchange(impl.publishing, false)) return;
  const bool ours = !impl.publisher->replaced();
  impl.stream->unpublish(*impl.publisher);
  if (ours) shared_server::post_publisher(GST_ELEMENT(self), impl.stream->name(), "unpublished");
}

static void gst_rtmp_server_sink_close(GstRtmpServerSink* self) {
  unpublish(self);
  {
    const std::lock_guard lock(self->impl->mutex);
    self->impl->stream.reset();
  }
  self->impl->link.close();
}

static GstStateChangeReturn gst_rtmp_server_sink_change_state(GstElement* element,
                                                              GstStateChange transition) {
  GstRtmpServerSink* self = GST_RTMP_SERVER_SINK(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY) self->impl->link.declare();
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !gst_rtmp_server_sink_open(self))
    return GST_STATE_CHANGE_FAILURE;
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_rtmp_server_sink_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) gst_rtmp_server_sink_close(self);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) self->impl->link.withdraw();
  return result;
}

static gboolean gst_rtmp_server_sink_unlock(GstBaseSink* sink) {
  GST_RTMP_SERVER_SINK(sink)->impl->publisher->set_flushing(true);
  return TRUE;
}

static gboolean gst_rtmp_server_sink_unlock_stop(GstBaseSink* sink) {
  GST_RTMP_SERVER_SINK(sink)->impl->publisher->set_flushing(false);
  return TRUE;
}

// --- streaming

static GstFlowReturn wait_for_player(GstBaseSink* sink) {
  GstRtmpServerSinkImpl& impl = *GST_RTMP_SERVER_SINK(sink)->impl;
  {
    const std::lock_guard lock(impl.mutex);
    if (!impl.wait_for_connection) return GST_FLOW_OK;
  }
  while (!impl.publisher->wait_for_player()) {
    const GstFlowReturn result = gst_base_sink_wait_preroll(sink);
    if (result != GST_FLOW_OK) return result;
  }
  return GST_FLOW_OK;
}

static GstFlowReturn post_busy(GstRtmpServerSink* self, const char* why) {
  const std::string& name = self->impl->stream->name();
  GST_ELEMENT_ERROR(self, RESOURCE, BUSY,
                    ("%s stream %s of %s: choose another name with stream=, or another "
                     "duplicate-publish=",
                     why, name.c_str(), self->impl->link.place().c_str()),
                    (nullptr));
  return GST_FLOW_ERROR;
}

// What comes in the middle of a stream needs its headers before it.
static void prepend_stream_header(const GstRtmpServerSinkImpl& impl,
                                  std::vector<rtmp::Message>& messages) {
  if (is_header(messages.front())) return;
  std::vector<rtmp::Message> headers = impl.stream_header;
  for (rtmp::Message& header : headers) header.timestamp = messages.front().timestamp;
  messages.insert(messages.begin(), headers.begin(), headers.end());
}

static bool publish(GstRtmpServerSink* self) {
  GstRtmpServerSinkImpl& impl = *self->impl;
  relay::Server& server = impl.link.server();
  const auto settings = server.settings();
  impl.publisher->begin();
  if (!impl.stream->publish(impl.publisher, settings->duplicate_publish, settings->publisher_idle,
                            net::now()))
    return false;
  impl.publishing = true;
  shared_server::post_publisher(GST_ELEMENT(self), impl.stream->name(), "published");
  return true;
}

// Whoever waits for the first stream of the server is a player only once there is one: the name
// comes before the wait.
static GstFlowReturn gst_rtmp_server_sink_send(GstRtmpServerSink* self,
                                               std::vector<rtmp::Message> messages) {
  GstRtmpServerSinkImpl& impl = *self->impl;
  if (!impl.publishing) {
    if (!publish(self)) return post_busy(self, "Somebody else publishes");
    prepend_stream_header(impl, messages);
  }
  const GstFlowReturn waited = wait_for_player(GST_BASE_SINK(self));
  if (waited != GST_FLOW_OK) return waited;
  if (impl.publisher->replaced()) return post_busy(self, "Another publisher took over");
  impl.stream->push(*impl.publisher, messages, net::now());
  return GST_FLOW_OK;
}

static GstFlowReturn gst_rtmp_server_sink_render(GstBaseSink* sink, GstBuffer* buffer) {
  GstRtmpServerSink* self = GST_RTMP_SERVER_SINK(sink);
  auto messages = self->impl->reader.read(buffer);
  if (!messages) {
    GST_ELEMENT_ERROR(self, STREAM, FORMAT,
                      ("What came is no FLV: put rtmpmux or flvmux before the sink"),
                      ("%s", messages.error().message().c_str()));
    return GST_FLOW_ERROR;
  }
  if (messages->empty()) return GST_FLOW_OK;
  return gst_rtmp_server_sink_send(self, std::move(*messages));
}

// --- events

static gboolean gst_rtmp_server_sink_event(GstBaseSink* sink, GstEvent* event) {
  GstRtmpServerSink* self = GST_RTMP_SERVER_SINK(sink);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event, &caps);
      self->impl->stream_header = read_stream_header(caps);
      break;
    }
    case GST_EVENT_FLUSH_STOP:
      self->impl->reader.reset();
      break;
    case GST_EVENT_EOS:
      unpublish(self);  // players get what waits for them before the server goes
      break;
    default:
      break;
  }
  return GST_BASE_SINK_CLASS(gst_rtmp_server_sink_parent_class)->event(sink, event);
}

// --- the class

static void install_properties(GObjectClass* klass) {
  constexpr auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  shared_server::install(klass);
  /**
   * GstRtmpServerSink:stream:
   *
   * The stream that players get, "app/stream". It must be set.
   */
  g_object_class_install_property(
      klass, Property::stream,
      g_param_spec_string("stream", "Stream", "Stream to serve, as app/stream; must be set", "",
                          static_cast<GParamFlags>(flags | GST_PARAM_MUTABLE_READY)));
  /**
   * GstRtmpServerSink:clients:
   *
   * How many players the stream has now, over the network and in this process.
   */
  g_object_class_install_property(
      klass, Property::clients,
      g_param_spec_int("clients", "Clients", "Number of players of the stream", 0, G_MAXINT, 0,
                       static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  /**
   * GstRtmpServerSink:wait-for-connection:
   *
   * Whether nothing is taken from the pipeline while nobody plays the stream.
   */
  g_object_class_install_property(
      klass, Property::wait_for_connection,
      g_param_spec_boolean("wait-for-connection", "Wait for connection",
                           "Take nothing from the pipeline while nobody plays the stream", FALSE,
                           static_cast<GParamFlags>(flags | GST_PARAM_MUTABLE_PLAYING)));
}

static void gst_rtmp_server_sink_class_init(GstRtmpServerSinkClass* klass) {
  GObjectClass* object_class = G_OBJECT_CLASS(klass);
  object_class->finalize = gst_rtmp_server_sink_finalize;
  object_class->set_property = gst_rtmp_server_sink_set_property;
  object_class->get_property = gst_rtmp_server_sink_get_property;
  install_properties(object_class);

  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_rtmp_server_sink_change_state);
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_set_static_metadata(element_class, "RTMP server sink", "Sink/Network",
                                        "Serves a stream to RTMP players",
                                        "The gst-plugins-rtmp authors");

  GstBaseSinkClass* base_class = GST_BASE_SINK_CLASS(klass);
  base_class->unlock = GST_DEBUG_FUNCPTR(gst_rtmp_server_sink_unlock);
  base_class->unlock_stop = GST_DEBUG_FUNCPTR(gst_rtmp_server_sink_unlock_stop);
  base_class->render = GST_DEBUG_FUNCPTR(gst_rtmp_server_sink_render);
  base_class->event = GST_DEBUG_FUNCPTR(gst_rtmp_server_sink_event);
}
