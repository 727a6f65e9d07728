// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_http.h"

namespace server_http {
namespace {

constexpr auto flags =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

}  // namespace

void install(const std::function<void(GParamSpec*)>& add) {
  /**
   * GstRtmpServer:http-address:
   *
   * The address to answer HTTP on, as with #GstRtmpServer:address. Who listens beyond this machine
   * should set a #GstRtmpServer:http-token.
   */
  add(g_param_spec_string("http-address", "HTTP address",
                          "Name or address to answer HTTP on: localhost is this machine alone, "
                          ":: every address, IPv4 as well",
                          relay::Web::Settings().address.c_str(), flags));
  /**
   * GstRtmpServer:http-port:
   *
   * The TCP port on which the server shows its figures and takes orders by HTTP: `/health`,
   * `/metrics` for Prometheus, `/stat` as nginx-rtmp, `/api/v1/streams` and `/api/v1/clients` as
   * SRS; docs/figures.md lists them all. With 0 any free port is taken, and
   * #GstRtmpServer:current-http-port says which.
   */
  add(g_param_spec_int("http-port", "HTTP port",
                       "TCP port to show figures and take orders on (-1 = none, 0 = any free one)",
                       -1, G_MAXUINT16, -1, flags));
  /**
   * GstRtmpServer:http-token:
   *
   * What HTTP requests must have as `Authorization: Bearer TOKEN`, or as `token` in their query;
   * `/health` needs none. Without a token everybody who can connect sees the figures, and orders
   * are taken of programs on this machine.
   */
  add(g_param_spec_string("http-token", "HTTP token",
                          "What HTTP requests must have as bearer token (unset = none)", nullptr,
                          flags));
}

GParamSpec* make_current_port() {
  /**
   * GstRtmpServer:current-http-port:
   *
   * The TCP port on which the server answers HTTP, 0 while it does not. A notification tells
   * changes.
   */
  return g_param_spec_uint("current-http-port", "Current HTTP port",
                           "TCP port that the server answers HTTP on (0 = it does not)", 0,
                           G_MAXUINT16, 0,
                           static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

std::optional<relay::Web::Settings> settings(const server_properties::Values& values) {
  const int port = g_value_get_int(values.find("http-port"));
  if (port < 0) return std::nullopt;
  relay::Web::Settings settings;
  settings.port = static_cast<std::uint16_t>(port);
  settings.token = values.text("http-token");
  if (const std::string address = values.text("http-address"); !address.empty())
    settings.address = address;
  return settings;
}

void post(GstElement* element, const relay::Web::Settings& wanted,
          const boost::system::error_code& error) {
  const std::string reason = error.message();
  const guint port = wanted.port;
  if (error == boost::system::errc::address_in_use)
    GST_ELEMENT_ERROR(element, RESOURCE, BUSY,
                      ("Port %u of %s, for HTTP, is in use: choose another with http-port=, or 0 "
                       "for any free one",
                       port, wanted.address.c_str()),
                      ("%s", reason.c_str()));
  else
    GST_ELEMENT_ERROR(element, RESOURCE, OPEN_READ_WRITE,
                      ("Cannot answer HTTP on port %u of %s (%s): choose another with http-port= "
                       "and http-address=",
                       port, wanted.address.c_str(), reason.c_str()),
                      (nullptr));
}

}  // namespace server_http
