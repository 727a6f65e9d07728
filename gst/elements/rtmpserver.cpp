// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-rtmpserver
 * @title: rtmpserver
 *
 * An RTMP server that relays streams: what a publisher sends to `rtmp://host/app/stream` all
 * players of that location get. It has no pads; it listens as long as it is PAUSED or PLAYING. By
 * default it is reached from the same machine only, see #GstRtmpServer:address.
 *
 * #rtmpserversrc and #rtmpserversink elements of the same process with the same address and port
 * take part in the same server. Server properties are theirs in common: it is enough to set one on
 * one of the elements, and an error to set it to different values.
 *
 * An EOS event is answered with an EOS message at once; until then the server runs.
 *
 * ## Element messages
 *
 * `rtmp-publisher`: `name`, a string "app/stream", and `state`, a string: "published" when a
 * publisher has come, "unpublished" when it has gone.
 *
 * `rtmp-limit`: somebody went over a limit. `limit`, a string, is its name, as in `stats`; `peer`,
 * a string, the client's host, or the beginning of the name of a stream; `count`, a guint64, how
 * often that has happened to anybody. Told once a minute for each peer and limit, and not more than
 * ten times a second.
 *
 * `rtmp-forward` and `rtmp-pull`: a stream that goes to another server, or comes from one, has
 * another `state`, a string: "waiting", "connecting", "streaming", "reconnecting", "ending",
 * "ended", "refused" or "failed". `id`, a guint64, is its number, `stream` a string "app/stream",
 * `url` where it goes to or comes from, without secrets, `reason` a sentence, `peer` an address and
 * port; `bytes`, `frames-lost`, `bytes-lost`, `time-lost` (ns), `queue-bytes` and `queue-time` (ns)
 * are guint64, `reconnects` a guint.
 *
 * ## Example launch line
 * ```
 * gst-launch-1.0 -e rtmpserver port=1935
 * ```
 * Relays until Ctrl-C.
 *
 * Since: 0.1
 */

#include "elements/rtmpserver.h"

#include <memory>
#include <string>

#include "elements/element_calls.h"
#include "elements/shared_server.h"

GST_DEBUG_CATEGORY_STATIC(gst_rtmp_server_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_debug

namespace {

// Tells the application who publishes.
class Witness final : public shared_server::Party {
 public:
  explicit Witness(GstElement* element) : calls_(std::make_shared<ElementCalls>(element)) {}

  void on_stream_published(const std::string& name) override { announce(name, "published"); }
  void on_stream_unpublished(const std::string& name) override { announce(name, "unpublished"); }

 private:
  void announce(const std::string& name, const char* state) {
    calls_->post([name, state](GstElement* element) {
      shared_server::post_publisher(element, name, state);
    });
  }

  const std::shared_ptr<ElementCalls> calls_;
};

}  // namespace

struct _GstRtmpServer {
  GstElement parent;
  shared_server::Link* link;
};

G_DEFINE_TYPE_WITH_CODE(GstRtmpServer, gst_rtmp_server, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(gst_rtmp_server_debug, "rtmpserver", 0,
                                                "RTMP server"))
GST_ELEMENT_REGISTER_DEFINE(rtmpserver, "rtmpserver", GST_RANK_NONE, GST_TYPE_RTMP_SERVER)

static void gst_rtmp_server_init(GstRtmpServer* self) {
  self->link = new shared_server::Link(GST_ELEMENT(self));
  // As a source it gets the EOS that ends a pipeline, as a sink it is waited for.
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
}

static void gst_rtmp_server_finalize(GObject* object) {
  delete GST_RTMP_SERVER(object)->link;
  G_OBJECT_CLASS(gst_rtmp_server_parent_class)->finalize(object);
}

static void gst_rtmp_server_set_property(GObject* object, guint id, const GValue* value,
                                         GParamSpec* spec) {
  if (!GST_RTMP_SERVER(object)->link->set_property(id, value, spec))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void gst_rtmp_server_get_property(GObject* object, guint id, GValue* value,
                                         GParamSpec* spec) {
  if (!GST_RTMP_SERVER(object)->link->get_property(id, value, spec))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static GstStateChangeReturn gst_rtmp_server_change_state(GstElement* element,
                                                         GstStateChange transition) {
  shared_server::Link& link = *GST_RTMP_SERVER(element)->link;
  if (transition == GST_STATE_CHANGE_NULL_TO_READY) link.declare();
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
      !link.open(std::make_shared<Witness>(element)))
    return GST_STATE_CHANGE_FAILURE;
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_rtmp_server_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) link.close();
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) link.withdraw();
  return result;
}

// Nothing is on its way in here: the end is reached when it is asked for.
static gboolean gst_rtmp_server_send_event(GstElement* element, GstEvent* event) {
  const bool end = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
  const guint32 seqnum = gst_event_get_seqnum(event);
  gst_event_unref(event);
  if (!end) return FALSE;
  GstMessage* message = gst_message_new_eos(GST_OBJECT(element));
  gst_message_set_seqnum(message, seqnum);
  gst_element_post_message(element, message);
  return TRUE;
}

static void gst_rtmp_server_class_init(GstRtmpServerClass* klass) {
  GObjectClass* object_class = G_OBJECT_CLASS(klass);
  object_class->finalize = gst_rtmp_server_finalize;
  object_class->set_property = gst_rtmp_server_set_property;
  object_class->get_property = gst_rtmp_server_get_property;
  shared_server::install(object_class);

  GstElementClass* element_class = GST_ELEMENT_CLASS(klass);
  element_class->change_state = GST_DEBUG_FUNCPTR(gst_rtmp_server_change_state);
  element_class->send_event = GST_DEBUG_FUNCPTR(gst_rtmp_server_send_event);
  gst_element_class_set_static_metadata(element_class, "RTMP server", "Generic/Network",
                                        "Relays streams from RTMP publishers to RTMP players",
                                        "The gst-plugins-rtmp authors");
}
