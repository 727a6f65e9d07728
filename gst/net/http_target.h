// What an HTTP request asks for: a path and a query's parameters.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace net {

struct HttpTarget {
  std::string path;                                        // "/api/v1/clients/7", decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order

  // Of the first parameter of that name; nothing if there is none.
  std::optional<std::string> parameter(std::string_view name) const;

  bool operator==(const HttpTarget&) const = default;
};

// "/path?name=value&...", or a whole URL as proxies are sent it; nothing if it is neither, or
// encodes a NUL, or what is no encoding.
std::optional<HttpTarget> read_http_target(std::string_view text);

}  // namespace net
