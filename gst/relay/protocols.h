// What clients may speak on a server's port.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace relay {

enum class Protocol : unsigned {
  rtmp = 1 << 0,
  rtmpe = 1 << 1,  // hides a stream, and does not protect it
  rtmps = 1 << 2,  // in TLS, once there is a certificate
};

constexpr std::string_view to_name(Protocol protocol) {
  switch (protocol) {
    case Protocol::rtmpe:
      return "rtmpe";
    case Protocol::rtmps:
      return "rtmps";
    default:
      return "rtmp";
  }
}

// A set of them, of which each is a bit.
struct Protocols {
  unsigned bits = static_cast<unsigned>(Protocol::rtmp) | static_cast<unsigned>(Protocol::rtmps);

  constexpr bool has(Protocol protocol) const { return bits & static_cast<unsigned>(protocol); }
};

}  // namespace relay
