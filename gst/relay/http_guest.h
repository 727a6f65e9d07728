// A client of the server that speaks HTTP: its requests, and what they ask for.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/byte_stream.h"
#include "net/tunnel_server.h"
#include "net/worker.h"

namespace relay {

// Whether a client's first byte may be HTTP's: a capital letter of a method.
constexpr bool begins_http(std::uint8_t byte) { return byte >= 'A' && byte <= 'Z'; }

// Everything on its worker's thread, but what says otherwise. It keeps itself alive until its end.
class HttpGuest : public std::enable_shared_from_this<HttpGuest> {
 public:
  struct Settings {
    rtmp::Duration first_request = std::chrono::seconds(5);
    rtmp::Duration silence = std::chrono::seconds(30);  // between requests
    rtmp::Duration answer = std::chrono::seconds(30);   // that the client may take to receive it
    std::size_t header_bytes = 8 * 1024;
    std::size_t body_bytes = 4 * 1024 * 1024;
  };
  using OnEnd = std::function<void(const std::shared_ptr<HttpGuest>&)>;
  // `first`: what has been read of the stream. `on_end` is called once, when all is over.
  HttpGuest(net::Worker& worker, std::unique_ptr<net::ByteStream> stream,
            std::vector<std::uint8_t> first, net::TunnelOrigin origin, net::TunnelServer& tunnels,
            Settings settings, OnEnd on_end);
  ~HttpGuest();

  void start();
  void close();  // from any thread

 private:
  class Exchange;

  net::Worker& worker_;
  const net::TunnelOrigin origin_;
  net::TunnelServer& tunnels_;
  const Settings settings_;
  const OnEnd on_end_;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace relay
