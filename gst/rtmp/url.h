// Locations: rtmp://[user:password@]host[:port]/app[/instance]/stream[?query], librtmp's words.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rtmp/amf.h"

namespace rtmp {

enum class Scheme { rtmp, rtmps, rtmpe, rtmpt, rtmpte, rtmpts, rtmfp };

std::string_view to_string(Scheme scheme);
std::optional<Scheme> scheme_from(std::string_view text);
std::uint16_t default_port(Scheme scheme);
bool uses_tls(Scheme scheme);
bool uses_rtmpe(Scheme scheme);
bool uses_tunnel(Scheme scheme);  // RTMP in HTTP requests

struct Url {
  Scheme scheme = Scheme::rtmp;
  std::string user, password;  // percent-decoded
  std::string host;            // without brackets
  std::uint16_t port = 1935;
  std::string app;     // raw, with the query if one stood before the stream
  std::string stream;  // raw, with its query
  // librtmp's words, keys in lower case, values with \xx undone, yes-or-no words as "1" or "0". Not
  // here: app, playpath, pubUser and pubPasswd, which replace the fields above, and conn, which may
  // come more than once.
  std::map<std::string, std::string> words;
  std::vector<std::string> conn;

  // The word tcUrl; without it scheme://host[:port]/app, the default port left out, never with user
  // or password.
  std::string tc_url() const;
  // As it was, for people and logs: without password, tokens and queries, the stream's name masked.
  std::string masked() const;

  bool operator==(const Url&) const = default;
};

// The part at fault, in words; never the text of a password or a token.
struct UrlError {
  std::string message;  // such as "no host between '//' and '/'"
};

// The last '/' before the stream's query parts app and stream. With a single component before the
// first '?' that query belongs to the app, as in app?vhost=x/stream; without any '/' all is app.
std::variant<Url, UrlError> parse_url(std::string_view text);
// The other way, so that parse_url(write_url(u)) gives u.
std::string write_url(const Url& url);

// librtmp's conn= grammar (B: S: N: Z: O: and named N?: in objects) to arguments after connect's
// object.
std::variant<std::vector<amf::Value>, UrlError> parse_connect_arguments(
    const std::vector<std::string>& words);

// "name?query" apart, at the first '?'.
struct NameAndQuery {
  std::string_view name;
  std::string_view query;  // without the '?'
};
NameAndQuery split_query(std::string_view text);

// An app or stream name that may be used as a key and in a log: UTF-8, no control characters, at
// most 512 bytes. May be empty.
bool is_acceptable_name(std::string_view name);

// The text with '?' for what is no UTF-8, for control characters, and for what XML may not contain.
std::string printable(std::string_view text);

// A stream key for a log: "abcd****" keeps at most the first four characters, and never more than
// half of the name.
std::string masked_name(std::string_view name);

}  // namespace rtmp
