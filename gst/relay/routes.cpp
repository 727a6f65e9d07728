// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/routes.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <sstream>

#include "relay/access.h"
#include "rtmp/enhanced.h"

namespace relay {
namespace {

using Purpose = rtmp::ClientSession::Purpose;

constexpr std::string_view app_place = "{app}", stream_place = "{stream}";
// What servers take for an encoder, and for a player.
constexpr auto encoder_version = "FMLE/3.0 (compatible; FMSc/1.0)";
constexpr auto player_version = "LNX 10,0,32,18";

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word && !word.starts_with('#');) words.push_back(word);
  return words;
}

struct Name {
  std::string_view app, stream;
};

// The app alone is a stream of that name.
Name split_name(std::string_view name) {
  const auto slash = name.rfind('/');
  if (slash == std::string_view::npos) return {name, {}};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

// In one pass: what comes from a name stays as it is.
std::string fill_in(std::string_view text, const Name& name) {
  std::string filled;
  while (!text.empty()) {
    if (text.starts_with(app_place)) {
      filled += name.app;
      text.remove_prefix(app_place.size());
    } else if (text.starts_with(stream_place)) {
      filled += name.stream;
      text.remove_prefix(stream_place.size());
    } else {
      filled += text.front();
      text.remove_prefix(1);
    }
  }
  return filled;
}

// Every codec and track goes on as it is.
void announce_enhanced(rtmp::amf::Object& object) {
  using Capabilities = rtmp::EnhancedCapabilities;
  Capabilities capabilities;
  capabilities.four_cc_list = {"*"};
  capabilities.video = capabilities.audio = {{"*", Capabilities::can_forward}};
  capabilities.caps_ex = Capabilities::reconnect | Capabilities::multitrack | Capabilities::mod_ex |
                         Capabilities::timestamp_nano_offset;
  rtmp::write_enhanced_capabilities(capabilities, object);
}

}  // namespace

// --- rules

std::optional<RouteRules> RouteRules::read(std::string_view text, std::string& error) {
  RouteRules rules;
  std::string lines(text);
  std::ranges::replace(lines, ';', '\n');
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    const auto words = words_of(line);
    if (words.empty()) continue;
    if (words.size() != 2) {
      error = "The rule for " + words[0] + " cannot be used: it takes a pattern and one URL.";
      return std::nullopt;
    }
    std::string fault;
    auto url = read_url(words[1], fault);
    if (!url) {
      error = "The rule for " + words[0] + " cannot be used: " + fault;
      return std::nullopt;
    }
    rules.add(words[0], std::move(*url));
  }
  return rules;
}

std::optional<rtmp::Url> RouteRules::read_url(std::string_view text, std::string& error) {
  std::string whole(text);
  if (whole.ends_with('/')) whole.append(app_place).append("/").append(stream_place);
  auto parsed = rtmp::parse_url(whole);
  if (const auto* fault = std::get_if<rtmp::UrlError>(&parsed)) {
    error = fault->message + ".";
    return std::nullopt;
  }
  auto& url = std::get<rtmp::Url>(parsed);
  if (url.scheme != rtmp::Scheme::rtmp && url.scheme != rtmp::Scheme::rtmps)
    error = "its URL must begin with rtmp:// or rtmps://.";
  else if (url.host.empty())
    error = "its URL names no host.";
  else
    return std::move(url);
  return std::nullopt;
}

std::vector<rtmp::Url> RouteRules::all(std::string_view stream) const {
  std::vector<rtmp::Url> urls;
  for (const Rule& rule : rules_) {
    if (!matches(rule.pattern, stream)) continue;
    rtmp::Url url = route_to(rule.url, stream);
    if (std::ranges::find(urls, url) == urls.end()) urls.push_back(std::move(url));
  }
  return urls;
}

std::optional<rtmp::Url> RouteRules::first(std::string_view stream) const {
  const auto rule =
      std::ranges::find_if(rules_, [&](const Rule& one) { return matches(one.pattern, stream); });
  if (rule == rules_.end()) return std::nullopt;
  return route_to(rule->url, stream);
}

// The parts are filled in after the URL was read, so that no name can add to it.
rtmp::Url route_to(rtmp::Url url, std::string_view stream) {
  const Name name = split_name(stream);
  url.app = fill_in(url.app, name);
  url.stream = fill_in(url.stream, name);
  if (url.app.empty()) std::swap(url.app, url.stream);
  return url;
}

// --- clients

net::Client::Settings route_client(const rtmp::Url& url, Purpose purpose,
                                   const RouteSettings& settings, const RoutePath& path) {
  net::Client::Settings client;
  client.host = url.host;
  client.port = url.port;
  client.tls = rtmp::uses_tls(url.scheme);
  client.tls_settings.host = url.host;
  client.tls_settings.checks = settings.tls_checks;
  client.tls_settings.ca_file = settings.tls_ca_file;
  client.reconnect.enabled = true;
  rtmp::ClientSession::Settings& session = client.session;
  session.purpose = purpose;
  session.app = url.app;
  session.stream = url.stream;
  session.tc_url = url.tc_url();
  session.flash_version = purpose == Purpose::publish ? encoder_version : player_version;
  session.credentials = {url.user, url.password};
  announce_enhanced(session.connect_properties);
  session.connect_properties.set(std::string(RoutePath::property), path.text());
  return client;
}

// --- our own place

namespace {

namespace ip = boost::asio::ip;

std::optional<ip::address> literal(const std::string& host) {
  if (host == "localhost") return ip::address_v4::loopback();
  boost::system::error_code error;
  const auto address = ip::make_address(host, error);
  return error ? std::nullopt : std::optional(address);
}

std::optional<ip::address> address_of(const sockaddr* address) {
  if (!address) return std::nullopt;
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return ip::address_v4(ntohl(v4->sin_addr.s_addr));
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  ip::address_v6::bytes_type bytes;
  std::ranges::copy(v6->sin6_addr.s6_addr, bytes.begin());
  return ip::address_v6(bytes);
}

bool is_of_this_machine(const ip::address& address) {
  if (address.is_loopback() || address.is_unspecified()) return true;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return false;
  bool found = false;
  for (const ifaddrs* one = list; one; one = one->ifa_next)
    found = found || address_of(one->ifa_addr) == address;
  ::freeifaddrs(list);
  return found;
}

}  // namespace

bool is_own_host(const std::string& host, const std::string& address) {
  if (host == address) return true;
  const auto there = literal(host), here = literal(address);
  if (!there || !here) return false;
  if (here->is_unspecified()) return is_of_this_machine(*there);
  if (address == "localhost") return there->is_loopback();
  return there == here;
}

std::string_view to_name(RouteStats::State state) {
  constexpr std::array<std::string_view, 8> names = {
      "waiting", "connecting", "streaming", "reconnecting", "ending", "ended", "refused", "failed"};
  return names[static_cast<std::size_t>(state)];
}

}  // namespace relay
