// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_routes.h"

#include <gio/gio.h>

namespace server_routes {
namespace {

constexpr auto flags =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

constexpr guint64 longest_linger = 24 * 3600 * GST_SECOND;

relay::RouteRules read(const server_properties::Values& values, const char* name,
                       std::string& fault) {
  std::string error;
  auto rules = relay::RouteRules::read(values.text(name), error);
  if (!rules) fault = std::string("In ") + name + ": " + error;
  return rules.value_or(relay::RouteRules());
}

guint64 to_ns(rtmp::Duration duration) {
  return static_cast<guint64>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

}  // namespace

void install(const std::function<void(GParamSpec*)>& add) {
  /**
   * GstRtmpServer:forward:
   *
   * Which streams go to other servers as well: rules `PATTERN URL`, each on a line or behind a
   * semicolon. PATTERN is `app/stream` with `*` and `?`; URL (rtmp, rtmps) may have `{app}` and
   * `{stream}` in its path and query, and with a `/` at its end means the same name there. All
   * rules that fit count.
   */
  add(g_param_spec_string("forward", "Forward",
                          "Streams that go to other servers as well, such as live/* rtmp://host/",
                          nullptr, flags));
  /**
   * GstRtmpServer:pull:
   *
   * Which streams are played from another server when somebody asks for them and nobody publishes
   * them here: rules as those of #GstRtmpServer:forward, of which the first that fits counts.
   */
  add(g_param_spec_string("pull", "Pull",
                          "Streams that come from another server when somebody plays them, such as "
                          "live/* rtmp://host/",
                          nullptr, flags));
  /**
   * GstRtmpServer:pull-linger:
   *
   * How long a pulled stream goes on after its last player has left, in nanoseconds.
   */
  add(g_param_spec_uint64("pull-linger", "Pull linger",
                          "Time that a pulled stream goes on after its last player has left, in "
                          "nanoseconds",
                          0, longest_linger, to_ns(relay::RouteSettings().pull_linger), flags));
  /**
   * GstRtmpServer:route-tls-validation-flags:
   *
   * What is checked of the certificates of rtmps servers that streams go to or come from.
   */
  add(g_param_spec_flags("route-tls-validation-flags", "Route TLS validation flags",
                         "What is checked of the certificates of other servers that streams go to "
                         "or come from",
                         G_TYPE_TLS_CERTIFICATE_FLAGS, G_TLS_CERTIFICATE_VALIDATE_ALL, flags));
  /**
   * GstRtmpServer:route-tls-ca-file:
   *
   * A PEM file with the authorities that vouch for rtmps servers that streams go to or come from,
   * instead of the system's.
   */
  add(g_param_spec_string("route-tls-ca-file", "Route TLS authorities",
                          "PEM file with the authorities that vouch for other servers that streams "
                          "go to or come from (unset = the system's)",
                          nullptr, flags));
}

void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::string& fault) {
  relay::RouteSettings& routes = settings.routes;
  routes.forward = read(values, "forward", fault);
  routes.pull = read(values, "pull", fault);
  routes.pull_linger = std::chrono::nanoseconds(g_value_get_uint64(values.find("pull-linger")));
  routes.tls_checks = g_value_get_flags(values.find("route-tls-validation-flags"));
  routes.tls_ca_file = values.text("route-tls-ca-file");
  using std::chrono::milliseconds;
  routes.queue.bytes = settings.player_queue.bytes;
  routes.queue.ms = std::chrono::duration_cast<milliseconds>(settings.player_queue.time).count();
}

GstStructure* to_structure(const char* name, const relay::RouteStats& stats) {
  GstStructure* structure = gst_structure_new(
      name, "id", G_TYPE_UINT64, guint64{stats.id}, "stream", G_TYPE_STRING, stats.stream.c_str(),
      "url", G_TYPE_STRING, stats.url.c_str(), "state", G_TYPE_STRING,
      std::string(to_name(stats.state)).c_str(), "reason", G_TYPE_STRING, stats.reason.c_str(),
      "peer", G_TYPE_STRING, stats.peer.c_str(), nullptr);
  gst_structure_set(structure, "bytes", G_TYPE_UINT64, guint64{stats.bytes}, "frames-lost",
                    G_TYPE_UINT64, guint64{stats.frames_lost}, "bytes-lost", G_TYPE_UINT64,
                    guint64{stats.bytes_lost}, "reconnects", G_TYPE_UINT, stats.reconnects,
                    "time-lost", G_TYPE_UINT64, to_ns(stats.time_lost), "queue-bytes",
                    G_TYPE_UINT64, guint64{stats.queue_bytes}, "queue-time", G_TYPE_UINT64,
                    static_cast<guint64>(stats.queue_ms) * GST_MSECOND, nullptr);
  return structure;
}

}  // namespace server_routes
