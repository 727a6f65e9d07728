// Finds the addresses of a host without making anybody wait for it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/worker.h"

namespace net {

// The system's resolver may hang for many seconds and cannot be interrupted, so each lookup has a
// thread of its own, which is left to itself when the Lookup goes.
class Lookup {
 public:
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  // Called on the worker's thread.
  using Done = std::function<void(boost::system::error_code, Endpoints)>;

  Lookup(Worker& worker, const std::string& host, std::uint16_t port, Done done);
  // On the worker's thread; `done` is not called after it.
  ~Lookup();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace net
