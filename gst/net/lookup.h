// Finds the addresses of a host without making anybody wait for it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>
#include <vector>

#include "net/errand.h"

namespace net {

// The system's resolver may hang for many seconds and cannot be interrupted.
class Lookup {
 public:
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  // Called on the worker's thread.
  using Done = std::function<void(boost::system::error_code, Endpoints)>;

  // On the worker's thread, as its end is; `done` is not called after that.
  Lookup(Worker& worker, const std::string& host, std::uint16_t port, Done done);

 private:
  struct Found {
    boost::system::error_code error;
    Endpoints endpoints;
  };

  Errand<Found> errand_;
};

}  // namespace net
