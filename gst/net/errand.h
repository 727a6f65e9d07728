// Something that may block for long and cannot always be interrupted, such as asking the system's
// resolver.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "net/worker.h"

namespace net {

// Each has a thread of its own, which is asked to stop and left to itself when the Errand goes.
template <typename Result>
class Errand {
 public:
  // Called on the worker's thread, once.
  using Done = std::function<void(Result)>;
  using Work = std::function<Result(std::stop_token)>;

  Errand(Worker& worker, Done done) : shared_(std::make_shared<Shared>()) {
    shared_->worker = &worker;
    shared_->done = std::move(done);
  }
  // On the worker's thread; `done` is not called after it.
  ~Errand() {
    shared_->done = {};
    shared_->stop.request_stop();
    const std::lock_guard lock(shared_->mutex);
    shared_->worker = nullptr;
  }
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  // The system may have no thread for it: then nothing is done.
  std::error_code run(Work work) {
    try {
      std::thread([shared = shared_, work = std::move(work)] {
        shared->deliver(work(shared->stop.get_token()));
      }).detach();
    } catch (const std::system_error& no_thread) {
      return no_thread.code();
    }
    return {};
  }
  // What needs no thread.
  void deliver(Result result) { shared_->deliver(std::move(result)); }

 private:
  struct Shared : std::enable_shared_from_this<Shared> {
    // Keeps the worker from going away while the result is handed over.
    std::mutex mutex;  // guards worker
    Worker* worker = nullptr;
    Done done;  // the worker's thread alone
    std::stop_source stop;

    void deliver(Result result) {
      const std::lock_guard lock(mutex);
      if (!worker) return;
      boost::asio::post(worker->context(),
                        [self = this->shared_from_this(), result = std::move(result)]() mutable {
                          if (self->done) std::exchange(self->done, {})(std::move(result));
                        });
    }
  };

  std::shared_ptr<Shared> shared_;
};

}  // namespace net
