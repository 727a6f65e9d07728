// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/http_door.h"

namespace relay {

HttpDoor::HttpDoor(HttpGuest::Welcome welcome)
    : welcome_(std::move(welcome)),
      tunnels_({},
               [this](net::Worker& worker, net::Socket socket, const net::TunnelOrigin& origin) {
                 const Way way = origin.secure ? Way::secure_tunnel : Way::tunnel;
                 welcome_({&worker, net::make_plain_stream(std::move(socket)), origin.address,
                           net::now(), way});
               }) {}

void HttpDoor::admit(net::Worker& worker, std::unique_ptr<net::ByteStream> stream,
                     const std::vector<std::uint8_t>& first, const std::string& address,
                     const HttpGuest::Settings& settings, std::function<void()> on_end) {
  // The guest lives until this has been called.
  const auto left = [this, on_end = std::move(on_end)](const std::shared_ptr<HttpGuest>& guest) {
    {
      const std::lock_guard lock(mutex_);
      guests_.erase(guest);
    }
    on_end();
  };
  const auto guest = std::make_shared<HttpGuest>(worker, std::move(stream), first, address,
                                                 tunnels_, welcome_, settings, left);
  {
    const std::lock_guard lock(mutex_);
    guests_.insert(guest);
  }
  guest->start();
}

void HttpDoor::close() {
  tunnels_.close();
  const std::lock_guard lock(mutex_);
  for (const auto& guest : guests_) guest->close();
}

}  // namespace relay
