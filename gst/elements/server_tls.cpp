// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_tls.h"

namespace server_tls {
namespace {

using server_properties::changeable;

enum class Mode { none, optional, strict };

/**
 * GstRtmpServerTlsMode:
 * @none: RTMP alone
 * @optional: RTMP and RTMPS on the same port, as the client's first byte says
 * @strict: RTMPS alone
 *
 * Whether clients may, or must, speak TLS.
 */
GType mode_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(Mode::none), "RTMP alone", "none"},
      {static_cast<int>(Mode::optional), "RTMP and RTMPS on the same port", "optional"},
      {static_cast<int>(Mode::strict), "RTMPS alone", "strict"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstRtmpServerTlsMode", values);
  return type;
}

// "a.pem, b.pem"
std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  gchar** strings = g_strsplit(list.c_str(), ",", -1);
  for (gchar** string = strings; *string; ++string)
    if (*g_strstrip(*string)) parts.emplace_back(*string);
  g_strfreev(strings);
  return parts;
}

// Null for no TLS.
std::shared_ptr<net::TlsServer> make(const server_properties::Values& values,
                                     relay::Protocols protocols,
                                     std::function<void(const std::string&)> on_reload,
                                     std::string& fault) {
  const auto mode = static_cast<Mode>(g_value_get_enum(values.find("tls-mode")));
  const auto certificates = split(values.text("tls-certificate-file"));
  const auto keys = split(values.text("tls-key-file"));
  const bool wanted = mode != Mode::none && protocols.has_in_tls();
  const bool alone = mode == Mode::strict || !protocols.has_in_clear();
  if (alone && !wanted) fault = "protocols and tls-mode leave clients nothing to speak";
  if (!wanted) return nullptr;
  if (certificates.empty()) {
    if (alone) fault = "Clients may speak TLS alone: set tls-certificate-file";
    return nullptr;
  }
  if (!keys.empty() && keys.size() != certificates.size()) {
    fault = "tls-key-file must name as many files as tls-certificate-file";
    return nullptr;
  }
  net::TlsServerSettings settings;
  for (std::size_t i = 0; i < certificates.size(); ++i)
    settings.certificates.push_back({certificates[i], keys.empty() ? "" : keys[i]});
  settings.ca_file = values.text("tls-ca-file");
  settings.optional = !alone;
  settings.on_reload = std::move(on_reload);
  return net::TlsServer::make(std::move(settings), fault);
}

}  // namespace

void install(const std::function<void(GParamSpec*)>& add) {
  gst_type_mark_as_plugin_api(mode_type(), static_cast<GstPluginAPIFlags>(0));
  /**
   * GstRtmpServer:tls-mode:
   *
   * Whether clients may, or must, speak TLS (rtmps). Without #GstRtmpServer:tls-certificate-file
   * they cannot.
   */
  add(g_param_spec_enum("tls-mode", "TLS mode",
                        "Whether clients may, or must, speak TLS, once there is a certificate",
                        mode_type(), static_cast<int>(Mode::optional), changeable));
  /**
   * GstRtmpServer:tls-certificate-file:
   *
   * A PEM file with the server's certificate and its chain. Of several, separated by commas, a
   * client gets the one for the name that it asks for, or else the first. When a file changes, new
   * connections get what is in it then; the others go on.
   */
  add(g_param_spec_string("tls-certificate-file", "TLS certificate",
                          "PEM file with the server's certificate and its chain; of several, "
                          "separated by commas, each client gets the one for the name it asks for",
                          nullptr, changeable));
  /**
   * GstRtmpServer:tls-key-file:
   *
   * A PEM file with the key of the certificate; of several certificates as many, in their order.
   * Unset: each is in its certificate's file.
   */
  add(g_param_spec_string("tls-key-file", "TLS key",
                          "PEM file with the key of tls-certificate-file, as many as there are "
                          "(unset = in the same file)",
                          nullptr, changeable));
  /**
   * GstRtmpServer:tls-ca-file:
   *
   * A PEM file with certificate authorities. If it is set, clients that speak TLS must show a
   * certificate of one of them.
   */
  add(g_param_spec_string("tls-ca-file", "TLS authorities",
                          "PEM file with the authorities whose certificates clients must show "
                          "(unset = they need none)",
                          nullptr, changeable));
}

bool has(std::string_view property) { return property.starts_with("tls-"); }

void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::function<void(const std::string&)> on_reload, std::string& fault) {
  if (auto tls = make(values, settings.protocols, std::move(on_reload), fault); fault.empty())
    settings.tls = std::move(tls);
}

}  // namespace server_tls
