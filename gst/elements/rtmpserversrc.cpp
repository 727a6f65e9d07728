// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-rtmpserversrc
 * @title: rtmpserversrc
 *
 * Listens for RTMP publishers; the stream that one of them publishes comes out of the pad as FLV,
 * one tag per buffer. Without #GstRtmpServerSrc:stream it is the first one that is published. The
 * server relays it to players as well, as #rtmpserver does, and shares its server properties.
 *
 * The source is live. When a publisher goes and another comes, buffers go on with DISCONT on one
 * rising time line, unless #GstRtmpServerSrc:on-unpublish is `eos`. A pipeline that is slower than
 * the publisher loses disposable frames, then others up to the next key frame; it never holds up
 * the server. A publisher that comes back within #GstRtmpServer:publisher-grace has not gone: there
 * is no EOS, and no element message. One that is taken over has.
 *
 * ## Element messages
 *
 * `rtmp-publisher`: `name`, a string "app/stream", and `state`, a string: "published" before the
 * first buffer of a publisher, "unpublished" after its last.
 *
 * `rtmp-limit`: as #rtmpserver posts it.
 *
 * ## Example launch line
 * ```
 * gst-launch-1.0 rtmpserversrc port=1935 stream=live/cam ! decodebin ! autovideosink
 * ```
 * Shows what an encoder publishes to `rtmp://localhost/live/cam`.
 *
 * Since: 0.1
 */

#include "elements/rtmpserversrc.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <variant>

#include "elements/bridge.h"
#include "elements/flv_output.h"
#include "elements/reception.h"
#include "rtmp/media.h"

GST_DEBUG_CATEGORY_STATIC(gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

namespace {

enum class OnUnpublish { wait, eos };

enum Property : guint {
  stream = server_properties::first_of_element,
  wait_for_publisher,
  on_unpublish,
};

/**
 * GstRtmpServerSrcOnUnpublish:
 * @wait: wait for the next publisher
 * @eos: end the stream
 *
 * What a source does when its publisher has gone.
 */
GType on_unpublish_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(OnUnpublish::wait), "Wait for the next publisher", "wait"},
      {static_cast<int>(OnUnpublish::eos), "End the stream", "eos"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstRtmpServerSrcOnUnpublish", values);
  return type;
}

// No deadline further away than this is meant as one.
constexpr auto longest_wait = std::chrono::hours(24 * 365);

rtmp::Time deadline_in(GstClockTime wait) {
  const auto longest = std::chrono::duration_cast<std::chrono::nanoseconds>(longest_wait);
  if (wait >= static_cast<GstClockTime>(longest.count())) return rtmp::never;
  return net::now() + std::chrono::nanoseconds(wait);
}

}  // namespace

struct GstRtmpServerSrcImpl {
  explicit GstRtmpServerSrcImpl(GstElement* element) : link(element) {}

  shared_server::Link link;

  std::mutex mutex;  // guards the properties
  std::string stream;
  GstClockTime wait_for_publisher = GST_CLOCK_TIME_NONE;
  OnUnpublish on_unpublish = OnUnpublish::wait;

  std::shared_ptr<Reception> reception;  // from start() to stop()
  // Of the streaming thread:
  FlvOutput output;
  bool published = false;
  rtmp::Time deadline = rtmp::never;  // for a publisher to come
  bool waiting = false;               // deadline is set
};

struct _GstRtmpServerSrc {
  GstPushSrc parent;
  GstRtmpServerSrcImpl* impl;
};

G_DEFINE_TYPE_WITH_CODE(GstRtmpServerSrc, gst_rtmp_server_src, GST_TYPE_PUSH_SRC,
                        GST_DEBUG_CATEGORY_INIT(gst_rtmp_server_src_debug, "rtmpserversrc", 0,
                                                "RTMP server source"))
GST_ELEMENT_REGISTER_DEFINE(rtmpserversrc, "rtmpserversrc", GST_RANK_NONE, GST_TYPE_RTMP_SERVER_SRC)

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-flv"));

// --- the element's life

static void gst_rtmp_server_src_init(GstRtmpServerSrc* self) {
  self->impl = new GstRtmpServerSrcImpl(GST_ELEMENT(self));
  gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
  gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}

static void gst_rtmp_server_src_finalize(GObject* object) {
  delete GST_RTMP_SERVER_SRC(object)->impl;
  G_OBJECT_CLASS(gst_rtmp_server_src_parent_class)->finalize(object);
}

static void gst_rtmp_server_src_set_property(GObject* object, guint id, const GValue* value,
                                             GParamSpec* spec) {
  GstRtmpServerSrcImpl& impl = *GST_RTMP_SERVER_SRC(object)->impl;
  if (impl.link.set_property(id, value, spec)) return;
  const std::lock_guard lock(impl.mutex);
  switch (id) {
    case Property::stream:
      impl.stream = shared_server::stream_name(g_value_get_string(value));
      break;
    case Property::wait_for_publisher:
      impl.wait_for_publisher = g_value_get_uint64(value);
      break;
    case Property::on_unpublish:
      impl.on_unpublish = static_cast<OnUnpublish>(g_value_get_enum(value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void gst_rtmp_server_src_get_property(GObject* object, guint id, GValue* value,
                                             GParamSpec* spec) {
  GstRtmpServerSrcImpl& impl = *GST_RTMP_SERVER_SRC(object)->impl;
  if (impl.link.get_property(id, value, spec)) return;
  const std::lock_guard lock(impl.mutex);
  switch (id) {
    case Property::stream:
      g_value_set_string(value, impl.stream.c_str());
      break;
    case Property::wait_for_publisher:
      g_value_set_uint64(value, impl.wait_for_publisher);
      break;
    case Property::on_unpublish:
      g_value_set_enum(value, static_cast<int>(impl.on_unpublish));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static GstStateChangeReturn gst_rtmp_server_src_change_state(GstElement* element,
                                                             GstStateChange transition) {
  shared_server::Link& link = GST_RTMP_SERVER_SRC(element)->impl->link;
  if (transition == GST_STATE_CHANGE_NULL_TO_READY) link.declare();
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_rtmp_server_src_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) link.withdraw();
  return result;
}

static gboolean gst_rtmp_server_src_start(GstBaseSrc* src) {
  GstRtmpServerSrcImpl& impl = *GST_RTMP_SERVER_SRC(src)->impl;
  std::string wanted;
  {
    const std::lock_guard lock(impl.mutex);
    wanted = impl.stream;
  }
  impl.output.reset();
  impl.published = impl.waiting = false;
  impl.reception = std::make_shared<Reception>(wanted);
  if (impl.link.open(impl.reception)) return TRUE;
  impl.reception->end();
  impl.reception.reset();
  return FALSE;
}

static gboolean gst_rtmp_server_src_stop(GstBaseSrc* src) {
  GstRtmpServerSrcImpl& impl = *GST_RTMP_SERVER_SRC(src)->impl;
  impl.reception->end();
  impl.link.close();
  impl.reception.reset();
  return TRUE;
}

static gboolean gst_rtmp_server_src_unlock(GstBaseSrc* src) {
  if (const auto& reception = GST_RTMP_SERVER_SRC(src)->impl->reception)
    reception->set_flushing(true);
  return TRUE;
}

static gboolean gst_rtmp_server_src_unlock_stop(GstBaseSrc* src) {
  if (const auto& reception = GST_RTMP_SERVER_SRC(src)->impl->reception)
    reception->set_flushing(false);
  return TRUE;
}

// Frames pass as they come; what the queue holds is the slowness that it bears.
static gboolean gst_rtmp_server_src_query(GstBaseSrc* src, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return GST_BASE_SRC_CLASS(gst_rtmp_server_src_parent_class)->query(src, query);
  gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

// --- streaming

static GstFlowReturn post_not_found(GstRtmpServerSrc* self) {
  GstRtmpServerSrcImpl& impl = *self->impl;
  const std::string name = impl.reception->name();
  const std::string what = name.empty() ? "any stream" : "stream " + name;
  GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND,
                    ("Nobody publishes %s on %s: start an encoder, or wait longer with "
                     "wait-for-publisher=",
                     what.c_str(), impl.link.place().c_str()),
                    (nullptr));
  return GST_FLOW_ERROR;
}

// What happened; a return value ends the wait for a buffer.
static std::optional<GstFlowReturn> handle(GstRtmpServerSrc* self, GstBuffer**,
                                           Reception::Published) {
  GstRtmpServerSrcImpl& impl = *self->impl;
  impl.published = true;
  impl.waiting = false;
  impl.output.begin_publisher();
  GST_INFO_OBJECT(self, "a publisher has come");
  shared_server::post_publisher(GST_ELEMENT(self), impl.reception->name(), "published");
  return std::nullopt;
}

static std::optional<GstFlowReturn> handle(GstRtmpServerSrc* self, GstBuffer**,
                                           Reception::Unpublished) {
  GstRtmpServerSrcImpl& impl = *self->impl;
  impl.published = false;
  GST_INFO_OBJECT(self, "the publisher has gone");
  shared_server::post_publisher(GST_ELEMENT(self), impl.reception->name(), "unpublished");
  const std::lock_guard lock(impl.mutex);
  if (impl.on_unpublish == OnUnpublish::eos) return GST_FLOW_EOS;
  return std::nullopt;
}

static std::optional<GstFlowReturn> handle(GstRtmpServerSrc* self, GstBuffer**,
                                           Reception::Resumed) {
  GST_INFO_OBJECT(self, "the publisher has come back");
  self->impl->output.begin_publisher();
  return std::nullopt;
}

static std::optional<GstFlowReturn> handle(GstRtmpServerSrc* self, GstBuffer** buffer,
                                           rtmp::Message received) {
  GstRtmpServerSrcImpl& impl = *self->impl;
  auto message = bridge::playable(std::move(received));
  if (!message) return std::nullopt;
  {
    // The end of a publisher's tracks is the end of ours only if nobody follows: demuxers take it
    // for good.
    const std::lock_guard lock(impl.mutex);
    if (impl.on_unpublish == OnUnpublish::wait && rtmp::media::ends_a_track(*message))
      return std::nullopt;
  }
  *buffer = impl.output.make(GST_BASE_SRC(self), std::move(*message), impl.reception->waiting_ms());
  return GST_FLOW_OK;
}

static std::optional<GstFlowReturn> handle(GstRtmpServerSrc*, GstBuffer**, Reception::Flushing) {
  return GST_FLOW_FLUSHING;
}

static std::optional<GstFlowReturn> handle(GstRtmpServerSrc* self, GstBuffer**,
                                           Reception::TimedOut) {
  return post_not_found(self);
}

static rtmp::Time gst_rtmp_server_src_deadline(GstRtmpServerSrcImpl& impl) {
  if (impl.published) return rtmp::never;
  if (!impl.waiting) {
    const std::lock_guard lock(impl.mutex);
    impl.deadline = deadline_in(impl.wait_for_publisher);
    impl.waiting = true;
  }
  return impl.deadline;
}

static GstFlowReturn gst_rtmp_server_src_create(GstPushSrc* src, GstBuffer** buffer) {
  GstRtmpServerSrc* self = GST_RTMP_SERVER_SRC(src);
  for (;;) {
    auto event = self->impl->reception->next(gst_rtmp_server_src_deadline(*self->impl));
    const auto result = std::visit(
        [&](auto& happened) { return handle(self, buffer, std::move(happened)); }, event);
    if (result) return *result;
  }
}

// --- the class

static void install_properties(GObjectClass* klass) {
  constexpr auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  shared_server::install(klass);
  /**
   * GstRtmpServerSrc:stream:
   *
   * The stream to take, "app/stream". Empty, it is the first one that is published on the server.
   */
  g_object_class_install_property(
      klass, Property::stream,
      g_param_spec_string("stream", "Stream",
                          "Stream to take, as app/stream (empty = the first one published)", "",
                          static_cast<GParamFlags>(flags | GST_PARAM_MUTABLE_READY)));
  /**
   * GstRtmpServerSrc:wait-for-publisher:
   *
   * How long to wait for a publisher, at the start and after one has gone, before the element
   * fails, in nanoseconds. GST_CLOCK_TIME_NONE waits for ever.
   */
  g_object_class_install_property(
      klass, Property::wait_for_publisher,
      g_param_spec_uint64("wait-for-publisher", "Wait for publisher",
                          "Time to wait for a publisher before failing, in nanoseconds "
                          "(-1 = for ever)",
                          0, G_MAXUINT64, GST_CLOCK_TIME_NONE,
                          static_cast<GParamFlags>(flags | GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpServerSrc:on-unpublish:
   *
   * What to do when the publisher has gone, be it that another one takes the name over.
   */
  g_object_class_install_property(
      klass, Property::on_unpublish,
      g_param_spec_enum("on-unpublish", "On unpublish", "What to do when the publisher has gone",
                        on_unpublish_type(), static_cast<int>(OnUnpublish::wait),
                        static_cast<GParamFlags>(flags | GST_PARAM_MUTABLE_PLAYING)));
}

static void gst_rtmp_server_src_class_init(GstRtmpServerSrcClass* klass) {
  GObjectClass* object_class = G_OBJECT_CLASS(klass);
  object_class->finalize = gst_rtmp_server_src_finalize;
  object_class->set_property = gst_rtmp_server_src_set_property;
  object_class->get_property = gst_rtmp_server_src_get_property;
  install_properties(object_class);
  gst_type_mark_as_plugin_api(on_unpublish_type(), static_cast<GstPluginAPIFlags>(0));

  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_rtmp_server_src_change_state);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "RTMP server source", "Source/Network",
                                        "Receives a stream that somebody publishes over RTMP",
                                        "The gst-plugins-rtmp authors");

  GstBaseSrcClass* base_class = GST_BASE_SRC_CLASS(klass);
  base_class->start = GST_DEBUG_FUNCPTR(gst_rtmp_server_src_start);
  base_class->stop = GST_DEBUG_FUNCPTR(gst_rtmp_server_src_stop);
  base_class->unlock = GST_DEBUG_FUNCPTR(gst_rtmp_server_src_unlock);
  base_class->unlock_stop = GST_DEBUG_FUNCPTR(gst_rtmp_server_src_unlock_stop);
  base_class->query = GST_DEBUG_FUNCPTR(gst_rtmp_server_src_query);
  GST_PUSH_SRC_CLASS(klass)->create = GST_DEBUG_FUNCPTR(gst_rtmp_server_src_create);
}
