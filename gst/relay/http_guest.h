// A client of the server that speaks HTTP: its requests, and what they ask for.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <vector>

#include "net/tunnel_server.h"
#include "relay/limits.h"
#include "relay/visitor.h"

namespace relay {

class HttpExchange;

// Whether a client's first byte may be HTTP's: a capital letter of a method.
constexpr bool begins_http(std::uint8_t byte) { return byte >= 'A' && byte <= 'Z'; }

// Everything on its worker's thread, but what says otherwise. It keeps itself alive until its end.
class HttpGuest : public std::enable_shared_from_this<HttpGuest> {
 public:
  struct Settings {
    Protocols protocols = {};
    std::string cors_origin = {};  // of pages that may play and publish; "*": all
    rtmp::Duration first_request = std::chrono::seconds(5);
    rtmp::Duration silence =
        std::chrono::seconds(30);              // of the client, within and between requests
    std::size_t body_bytes = 4 * 1024 * 1024;  // of a tunnel's request
    std::function<void(Limit)> on_limit = [](Limit) {};  // that the client goes over
  };
  using Welcome = std::function<void(Visitor)>;
  using OnEnd = std::function<void(const std::shared_ptr<HttpGuest>&)>;
  // `first`: what has been read of the stream. `welcome`: takes who turns out to be a client of the
  // server, on the worker. `on_end` is called once, when all is over.
  HttpGuest(net::Worker& worker, std::unique_ptr<net::ByteStream> stream,
            const std::vector<std::uint8_t>& first, std::string address, net::TunnelServer& tunnels,
            const Welcome& welcome, Settings settings, OnEnd on_end);
  ~HttpGuest();

  void start();
  void close();  // from any thread

 private:
  class Requests;

  net::Worker& worker_;
  const OnEnd on_end_;
  const std::shared_ptr<HttpExchange> exchange_;
  const std::unique_ptr<Requests> requests_;
};

}  // namespace relay
