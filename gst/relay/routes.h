// Where streams go to, and where missing ones come from, as an operator wrote it down.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/client.h"
#include "relay/route_path.h"
#include "relay/route_stats.h"
#include "rtmp/url.h"

namespace relay {

// Rules, each on a line or behind a semicolon, a word with `#` before it begins a comment:
//
//   PATTERN URL
//
// PATTERN is "app/stream" with `*` for any characters and `?` for one. In URL's path and query
// {app} and {stream} stand for the parts of the name; a `/` at its end means the same name there.
class RouteRules {
 public:
  // On failure nothing, and `error` is a sentence that shows the rule at fault, but no secret of
  // it.
  static std::optional<RouteRules> read(std::string_view text, std::string& error);
  // The same of one rule's parts. `url` as in a rule.
  static std::optional<rtmp::Url> read_url(std::string_view text, std::string& error);

  void add(std::string pattern, rtmp::Url url) {
    rules_.push_back({std::move(pattern), std::move(url)});
  }
  // Where the rules that fit send the stream, each place once.
  std::vector<rtmp::Url> all(std::string_view stream) const;
  // Where the first that fits does.
  std::optional<rtmp::Url> first(std::string_view stream) const;
  bool empty() const { return rules_.empty(); }

 private:
  struct Rule {
    std::string pattern;
    rtmp::Url url;
  };
  std::vector<Rule> rules_;
};

// A rule's URL for that stream.
rtmp::Url route_to(rtmp::Url url, std::string_view stream);

struct RouteSettings {
  RouteRules forward, pull;
  // That a pulled stream goes on without players.
  rtmp::Duration pull_linger = std::chrono::seconds(10);
  std::size_t most_pulls = 1000;  // at a time
  // What is checked of servers that speak TLS (net::TlsClientSettings).
  unsigned tls_checks = net::TlsChecks::all;
  std::string tls_ca_file;
  net::MessageQueue::Limits queue;  // of each forward
};

// Of a client to that place. `path` has our own id.
net::Client::Settings route_client(const rtmp::Url& url, rtmp::ClientSession::Purpose purpose,
                                   const RouteSettings& settings, const RoutePath& path);

// Whether a server that listens on `address` is reached at `host`, as far as can be told without
// asking anybody.
bool is_own_host(const std::string& host, const std::string& address);

}  // namespace relay
