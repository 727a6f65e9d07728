// What a proxy writes before the bytes of a client that it hands on: the PROXY protocol, versions 1
// and 2.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "rtmp/bytes.h"
#include "rtmp/error.h"

namespace net {

struct ProxyHeader {
  std::size_t size = 0;  // bytes; what follows is the client's
  // "192.0.2.1:4711", "[2001:db8::1]:4711", or "unix"; nothing where the proxy speaks for itself
  // (LOCAL, as its health checks do) or does not know (UNKNOWN).
  std::optional<std::string> client = {};

  bool operator==(const ProxyHeader&) const = default;
};

// No header of version 2 may be longer than this, of version 1 not than 107 bytes.
constexpr std::size_t max_proxy_header = 4096;

// Reads the first bytes of a connection. As long as there is no value, all of them belong to the
// header.
rtmp::Result<std::optional<ProxyHeader>> read_proxy_header(rtmp::Bytes bytes);

}  // namespace net
