// Brings calls from other threads to a server's workers as long as there is a server.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/post.hpp>
#include <functional>
#include <mutex>

#include "net/worker.h"

namespace relay {

// Whoever is asked, an application or a web service, may answer when the server is long gone.
class Desk {
 public:
  // Drops the call if the server is gone, and its workers with it.
  void post(net::Worker& worker, std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    if (open_) boost::asio::post(worker.context(), std::move(call));
  }
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }

 private:
  std::mutex mutex_;  // guards open_, and the workers' end
  bool open_ = true;
};

}  // namespace relay
