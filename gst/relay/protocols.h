// What clients may speak on a server's port.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace relay {

enum class Protocol : unsigned {
  rtmp = 1 << 0,
  rtmpe = 1 << 1,   // hides a stream, and does not protect it
  rtmps = 1 << 2,   // in TLS, once there is a certificate
  rtmpt = 1 << 3,   // in HTTP requests
  rtmpte = 1 << 4,  // RTMPE in HTTP requests
  rtmpts = 1 << 5,  // in HTTP requests in TLS
};

constexpr std::string_view to_name(Protocol protocol) {
  switch (protocol) {
    case Protocol::rtmpe:
      return "rtmpe";
    case Protocol::rtmps:
      return "rtmps";
    case Protocol::rtmpt:
      return "rtmpt";
    case Protocol::rtmpte:
      return "rtmpte";
    case Protocol::rtmpts:
      return "rtmpts";
    default:
      return "rtmp";
  }
}

// A set of them, of which each is a bit.
struct Protocols {
  static constexpr unsigned bit(Protocol protocol) { return static_cast<unsigned>(protocol); }

  unsigned bits =
      bit(Protocol::rtmp) | bit(Protocol::rtmps) | bit(Protocol::rtmpt) | bit(Protocol::rtmpts);

  constexpr bool has(Protocol protocol) const { return bits & bit(protocol); }
  // Whether requests of HTTP make sense.
  constexpr bool has_tunnel(bool secure) const {
    return secure ? has(Protocol::rtmpts) : has(Protocol::rtmpt) || has(Protocol::rtmpte);
  }
};

// How a client reaches the server.
enum class Way { direct, tunnel, secure_tunnel };

}  // namespace relay
