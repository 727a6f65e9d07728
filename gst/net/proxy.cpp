// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/proxy.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>

#include "rtmp/url.h"

namespace net {
namespace {

struct Form {
  std::string_view scheme;
  Proxy::Kind kind;
  std::uint16_t port;
};

// socks5h says that the proxy is to find the server's address, as it does here in any case. What
// has no scheme is HTTP, as for most programs.
constexpr std::array forms{
    Form{"socks5", Proxy::Kind::socks5, 1080}, Form{"socks5h", Proxy::Kind::socks5, 1080},
    Form{"socks", Proxy::Kind::socks5, 1080},  Form{"http", Proxy::Kind::http, 8080},
    Form{"", Proxy::Kind::http, 8080},
};

constexpr auto usage =
    "The proxy cannot be used: write it as socks5://host:port or http://host:port, with "
    "user:password@ before the host where it wants them, or as direct://.";
// RFC 1929 has one byte for their lengths.
constexpr std::size_t longest_login = 255;

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c | 0x20) : c; });
  return result;
}

bool has_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  const std::size_t host = authority.find_last_of("@]");
  return colon != authority.npos && (host == authority.npos || colon > host);
}

// What stands before a path, which says nothing of a proxy.
std::string_view authority_of(std::string_view text) { return text.substr(0, text.find('/')); }

// With the rules of locations, of which an authority is a part.
std::optional<Proxy> read_authority(const Form& form, std::string_view text) {
  const std::string location = "rtmp://" + std::string(text) + "/app/stream";
  auto parsed = rtmp::parse_url(location);
  const auto* url = std::get_if<rtmp::Url>(&parsed);
  if (!url || url->host.empty() || text.find_first_of(" ?#") != text.npos) return std::nullopt;
  if (std::max(url->user.size(), url->password.size()) > longest_login) return std::nullopt;
  const std::uint16_t port = has_port(text) ? url->port : form.port;
  return Proxy{form.kind, url->host, port, url->user, url->password};
}

}  // namespace

ProxyChoice read_proxy(std::string_view text) {
  const std::size_t mark = text.find("://");
  const std::string scheme = mark == text.npos ? "" : lower(text.substr(0, mark));
  if (text.empty() || scheme == "direct") return std::nullopt;
  const auto form = std::ranges::find(forms, scheme, &Form::scheme);
  if (form == forms.end()) return usage;
  if (mark != text.npos) text.remove_prefix(mark + 3);
  auto proxy = read_authority(*form, authority_of(text));
  if (!proxy) return usage;
  return proxy;
}

std::string write_proxy(const std::optional<Proxy>& proxy) {
  if (!proxy) return "direct://";
  const std::string scheme = proxy->kind == Proxy::Kind::socks5 ? "socks5://" : "http://";
  return scheme + place(proxy->host, proxy->port);
}

bool is_loopback(const std::string& host) {
  const std::string name = lower(host);
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

std::string place(const std::string& host, std::uint16_t port) {
  const bool literal = host.find(':') != host.npos;
  return (literal ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace net
