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
  // `welcome`: see HttpGuest.
  explicit HttpDoor(HttpGuest::Welcome welcome);

  // On the worker. `on_end` is called there when the guest has gone.
  void admit(net::Worker& worker, std::unique_ptr<net::ByteStream> stream,
             const std::vector<std::uint8_t>& first, const std::string& address,
             const HttpGuest::Settings& settings, std::function<void()> on_end);
  // Sends all guests away, and ends their sessions. Before the workers go.
  void close();

 private:
  const HttpGuest::Welcome welcome_;
  net::TunnelServer tunnels_;
  std::mutex mutex_;  // guards guests_
  std::unordered_set<std::shared_ptr<HttpGuest>> guests_;
};

}  // namespace relay
