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
   * #GstRtmpServer:tls-certificate-file as well, and are the only ones with
   * #GstRtmpServer:tls-mode=strict. rtmpe and rtmpte are for old players that insist on them: they
   * keep nobody from listening who can stand between.
   */
  add(g_param_spec_flags("protocols", "Protocols", "What clients may speak on the server's port",
                         protocols_type(), relay::Protocols().bits, flags));
}

relay::Protocols read(const server_properties::Values& values, std::string& fault) {
  const relay::Protocols protocols{g_value_get_flags(values.find("protocols"))};
  if (protocols.bits == 0) fault = "protocols must name at least one";
  const bool rtmpe = protocols.has(Protocol::rtmpe) || protocols.has(Protocol::rtmpte);
  if (rtmpe && !rtmp::rtmpe::available())
    fault = std::string("protocols has rtmpe: ").append(rtmp::rtmpe::missing);
  return protocols;
}

}  // namespace server_protocols
