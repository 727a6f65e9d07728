// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_protocols.h"

#include "rtmp/rtmpe.h"

namespace server_protocols {
namespace {

using relay::Protocol;

constexpr auto flags =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

/**
 * GstRtmpServerProtocols:
 * @rtmp: RTMP
 * @rtmpe: RTMP with its own encryption, which does not protect
 * @rtmps: RTMP in TLS
 * @rtmpt: RTMP in HTTP requests
 * @rtmpte: RTMPE in HTTP requests
 * @rtmpts: RTMP in HTTP requests in TLS
 * @http-flv: FLV as the answer to an HTTP request, or as its body
 * @ws-flv: FLV in a WebSocket
 *
 * What clients may speak.
 */
GType protocols_type() {
  static const GFlagsValue values[] = {
      {static_cast<guint>(Protocol::rtmp), "RTMP", "rtmp"},
      {static_cast<guint>(Protocol::rtmpe), "RTMP with its own encryption, which does not protect",
       "rtmpe"},
      {static_cast<guint>(Protocol::rtmps), "RTMP in TLS", "rtmps"},
      {static_cast<guint>(Protocol::rtmpt), "RTMP in HTTP requests", "rtmpt"},
      {static_cast<guint>(Protocol::rtmpte), "RTMPE in HTTP requests", "rtmpte"},
      {static_cast<guint>(Protocol::rtmpts), "RTMP in HTTP requests in TLS", "rtmpts"},
      {static_cast<guint>(Protocol::http_flv),
       "FLV as the answer to an HTTP request, or as its body", "http-flv"},
      {static_cast<guint>(Protocol::ws_flv), "FLV in a WebSocket", "ws-flv"},
      {0, nullptr, nullptr}};
  static const GType type = g_flags_register_static("GstRtmpServerProtocols", values);
  return type;
}

}  // namespace

void install(const std::function<void(GParamSpec*)>& add) {
  gst_type_mark_as_plugin_api(protocols_type(), static_cast<GstPluginAPIFlags>(0));
  /**
   * GstRtmpServer:protocols:
   *
   * What clients may speak on the server's port; the first byte tells. rtmps and rtmpts need
   * #GstRtmpServer:tls-certificate-file as well, and are the only ones of RTMP with
   * #GstRtmpServer:tls-mode=strict. rtmpe and rtmpte are for old players that insist on them: they
   * keep nobody from listening who can stand between.
   *
   * With http-flv a GET of http://HOST:PORT/APP/STREAM.flv plays, and a POST or PUT publishes; with
   * ws-flv ws://HOST:PORT/APP/STREAM.flv plays in browsers. https and wss take the place of http
   * and ws once there is a certificate.
   */
  add(g_param_spec_flags("protocols", "Protocols", "What clients may speak on the server's port",
                         protocols_type(), relay::Protocols().bits, flags));
  /**
   * GstRtmpServer:cors-origin:
   *
   * Which web pages may play and publish over HTTP: their origins with commas between, as
   * "https://a.example, https://b.example", or "*" for all. Pages that this server's own address
   * shows may always.
   */
  add(g_param_spec_string("cors-origin", "CORS origin",
                          "Web pages of other places that may play and publish over HTTP: "
                          "origins, or * (unset = none)",
                          nullptr, flags));
}

void read(const server_properties::Values& values, relay::Server::Settings& settings,
          std::string& fault) {
  const relay::Protocols protocols{g_value_get_flags(values.find("protocols"))};
  if (protocols.bits == 0) fault = "protocols must name at least one";
  const bool rtmpe = protocols.has(Protocol::rtmpe) || protocols.has(Protocol::rtmpte);
  if (rtmpe && !rtmp::rtmpe::available())
    fault = std::string("protocols has rtmpe: ").append(rtmp::rtmpe::missing);
  settings.protocols = protocols;
  settings.cors_origin = values.text("cors-origin");
}

}  // namespace server_protocols
