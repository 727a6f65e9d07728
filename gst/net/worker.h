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

// Something to do on a worker's thread.
class Chore {
 public:
  virtual ~Chore() = default;
  virtual void run() = 0;
};

// One thread that runs one io_context. It takes no signals: those are the application's.
class Worker {
 public:
  explicit Worker(std::string name);
  // stop()s.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  boost::asio::io_context& context() { return context_; }
  // Room to read into, for whoever runs on this thread, until it suspends: idle connections own
  // none.
  std::span<std::uint8_t> scratch() { return scratch_; }
  // Runs the chore on this thread, never from within the call: at the end of the turn that there
  // is, or when the loop comes to it. From any thread.
  void soon(std::shared_ptr<Chore> chore);
  // A connection's turn to be read. Chores that come up meanwhile are done when it ends, which
  // costs no look at the other connections in between.
  class Turn {
   public:
    explicit Turn(Worker& worker) : worker_(worker) { worker_.in_turn_ = true; }
    ~Turn() { worker_.end_turn(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Worker& worker_;
  };
  bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }

  // Joins the thread; not from the worker's own. What is queued stays there, until drop().
  void stop();
  // Once stopped: forgets what is still queued, of which some may belong to other workers.
  void drop() { context_.shutdown(); }

 private:
  struct Context : boost::asio::io_context {
    using io_context::io_context, execution_context::shutdown;
  };

  void end_turn();

  Context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::uint8_t> scratch_;
  std::vector<std::shared_ptr<Chore>> chores_;  // of this thread
  bool in_turn_ = false;                        // likewise
  std::thread thread_;
};

// A fixed number of workers; new connections go to them in turn.
class Workers {
 public:
  // 0: as many as there are cores for this process.
  explicit Workers(unsigned count);
  // No thread runs, and nothing is queued, when the first goes.
  ~Workers();

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
