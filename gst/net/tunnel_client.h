// The client's end of RTMPT: a stream of bytes that travels in HTTP requests (rtmp/tunnel.h).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/byte_stream.h"
#include "net/worker.h"

namespace net {

struct TunnelSettings {
  // Connects to the HTTP server, on the worker's thread, as often as it closes between requests.
  using Connected = std::function<void(error_code, std::unique_ptr<ByteStream>)>;
  std::function<void(Connected)> connect = {};
  std::string authority = {};  // "host:port", for the Host field
  // In front of the paths where a proxy wants to know the server: "http://host:port".
  std::string prefix = {};
  std::string proxy_authorization = {};  // its field, if it wants one
  // That an answer may take.
  rtmp::Duration request_timeout = std::chrono::seconds(20);
};

// A stream whose bytes go through a tunnel that is opened at once. The worker's thread moves them;
// `first` is the connection that the tunnel begins with. What goes wrong ends the stream, and its
// fault() says what it was. A closed one if there are no descriptors left.
std::unique_ptr<ByteStream> open_tunnel(Worker& worker, std::unique_ptr<ByteStream> first,
                                        TunnelSettings settings);

}  // namespace net
