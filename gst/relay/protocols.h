// What clients may speak on a server's port.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

namespace relay {

enum class Protocol : unsigned {
  rtmp = 1 << 0,
  rtmpe = 1 << 1,     // hides a stream, and does not protect it
  rtmps = 1 << 2,     // in TLS, once there is a certificate
  rtmpt = 1 << 3,     // in HTTP requests
  rtmpte = 1 << 4,    // RTMPE in HTTP requests
  rtmpts = 1 << 5,    // in HTTP requests in TLS
  http_flv = 1 << 6,  // FLV as the body of an HTTP answer, or of a request; with TLS as well
  ws_flv = 1 << 7,    // FLV in the messages of a WebSocket; with TLS as well
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
    case Protocol::http_flv:
      return "http-flv";
    case Protocol::ws_flv:
      return "ws-flv";
    default:
      return "rtmp";
  }
}

// A set of them, of which each is a bit.
struct Protocols {
  static constexpr unsigned bit(Protocol protocol) { return static_cast<unsigned>(protocol); }

  unsigned bits = bit(Protocol::rtmp) | bit(Protocol::rtmps) | bit(Protocol::rtmpt) |
                  bit(Protocol::rtmpts) | bit(Protocol::http_flv) | bit(Protocol::ws_flv);

  constexpr bool has(Protocol protocol) const { return bits & bit(protocol); }
  constexpr bool has_tunnel(bool secure) const {
    return secure ? has(Protocol::rtmpts) : has(Protocol::rtmpt) || has(Protocol::rtmpte);
  }
  // With a certificate, and without TLS.
  constexpr bool has_in_tls() const { return has(Protocol::rtmps) || has_http(true); }
  constexpr bool has_in_clear() const {
    return has(Protocol::rtmp) || has(Protocol::rtmpe) || has_http(false);
  }
  // Whether requests of HTTP make sense.
  constexpr bool has_http(bool secure) const {
    return has_tunnel(secure) || has(Protocol::http_flv) || has(Protocol::ws_flv);
  }
};

// How a client reaches the server.
enum class Way { direct, tunnel, secure_tunnel, http_flv, ws_flv };

}  // namespace relay
