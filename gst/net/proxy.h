// A proxy on the way to a server, as people write it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>

namespace net {

struct Proxy {
  enum class Kind { socks5, http };
  Kind kind = Kind::http;
  std::string host;  // without brackets
  std::uint16_t port = 8080;
  std::string user = {}, password = {};

  bool operator==(const Proxy&) const = default;
};

// A proxy, or none, or in a sentence why it cannot be known. The sentence shows nothing of what it
// is about, which may hold a password.
using ProxyChoice = std::variant<std::optional<Proxy>, std::string>;

// "socks5://[user:password@]host[:1080]", socks5h:// and socks:// alike, "http://...[:8080]",
// "host:port", which is HTTP, and for none "direct://" or nothing at all.
ProxyChoice read_proxy(std::string_view text);
// The other way, without user and password.
std::string write_proxy(const std::optional<Proxy>& proxy);

// Whom a client is on its way to.
struct ProxyTarget {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  bool tunnel = false;  // in HTTP requests
};
// Finds the proxy for a server. It may block until it is asked to stop, and longer.
using FindProxy = std::function<ProxyChoice(const ProxyTarget&, std::stop_token)>;

// A name or address of this machine's own loopback.
bool is_loopback(const std::string& host);

// "media.example:1935", "[::1]:1935".
std::string place(const std::string& host, std::uint16_t port);

}  // namespace net
