// Where clients of the server that speak HTTP go.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>
#include <unordered_set>

#include "relay/http_guest.h"

namespace relay {

// Any thread may call.
class HttpDoor {
 public:
  explicit HttpDoor(net::TunnelServer::Accept accept) : tunnels_({}, std::move(accept)) {}

  // On the worker. `on_end` is called there when the guest has gone.
  void admit(net::Worker& worker, std::unique_ptr<net::ByteStream> stream,
             std::vector<std::uint8_t> first, const std::string& address,
             const HttpGuest::Settings& settings, std::function<void()> on_end);
  // Sends all guests away, and ends their sessions. Before the workers go.
  void close();

 private:
  net::TunnelServer tunnels_;
  std::mutex mutex_;  // guards guests_
  std::unordered_set<std::shared_ptr<HttpGuest>> guests_;
};

}  // namespace relay
