// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_doors.h"

#include <charconv>

namespace server_doors {
namespace {

constexpr auto fixed =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

std::optional<unsigned> read_mode(const std::string& text) {
  constexpr unsigned all = 0777;
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && mode <= all ? std::optional(mode) : std::nullopt;
}

}  // namespace

void install(const std::function<void(GParamSpec*)>& add) {
  /**
   * GstRtmpServer:proxy-protocol-from:
   *
   * Networks of proxies, as access rules name them: addresses, such with the length of their
   * prefix, or `local`, separated by commas. Connections from there must begin with a header of the
   * PROXY protocol, version 1 or 2, and count as those of the client that it names. From elsewhere
   * such a header is refused as what it is, no RTMP.
   */
  add(g_param_spec_string("proxy-protocol-from", "PROXY protocol",
                          "Networks, separated by commas, whose connections begin with a header of "
                          "the PROXY protocol that says who the client is (unset = none)",
                          nullptr, server_properties::changeable));
  /**
   * GstRtmpServer:unix-mode:
   *
   * Who may connect to a unix socket: the mode of its file, in octal.
   */
  add(g_param_spec_string("unix-mode", "Mode of a unix socket",
                          "Mode of the file of a unix socket, in octal", "660", fixed));
}

bool has(std::string_view property) {
  return property == "proxy-protocol-from" || property == "unix-mode";
}

void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::string& fault) {
  const std::string networks = values.text("proxy-protocol-from");
  const auto proxies = relay::Networks::read(networks);
  const auto mode = read_mode(values.text("unix-mode"));
  if (!networks.empty() && !proxies) {
    fault = "proxy-protocol-from=" + networks +
            " cannot be read: it takes addresses or networks, such as 10.0.0.0/8,::1 or local.";
  } else if (!mode) {
    fault = "unix-mode=" + values.text("unix-mode") + " is no mode of a file, such as 660.";
  } else {
    settings.proxies = proxies;
    settings.unix_mode = *mode;
  }
}

}  // namespace server_doors
