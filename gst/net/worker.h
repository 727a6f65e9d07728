// Threads: each connection belongs to one for life.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "rtmp/bytes.h"
#include "rtmp/clock.h"
#include "rtmp/random.h"

namespace net {

// One thread that runs one io_context. It takes no signals: those are the application's.
class Worker {
 public:
  explicit Worker(std::string name);
  // Drops what is still queued and joins the thread; not from the worker's own thread.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  boost::asio::io_context& context() { return context_; }
  // Room to read into, for whoever runs on this thread, until it suspends: idle connections own
  // none.
  std::span<std::uint8_t> scratch() { return scratch_; }
  bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::uint8_t> scratch_;
  std::thread thread_;
};

// A fixed number of workers; new connections go to them in turn.
class Workers {
 public:
  // 0: as many as there are cores for this process.
  explicit Workers(unsigned count);

  Worker& next();
  Worker& first() { return *workers_.front(); }
  std::size_t size() const { return workers_.size(); }
  Worker& operator[](std::size_t index) { return *workers_[index]; }

 private:
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<std::size_t> next_ = 0;
};

// The clock and the randomness that the core is given.
rtmp::Time now();
const rtmp::Random& secure_random();

}  // namespace net
