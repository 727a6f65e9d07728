// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/lookup.h"

#include <boost/asio/post.hpp>
#include <mutex>
#include <system_error>
#include <thread>

namespace net {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

Lookup::Endpoints resolve(const std::string& host, std::uint16_t port, error_code& error) {
  boost::asio::io_context context;
  const auto results = tcp::resolver(context).resolve(host, std::to_string(port),
                                                      tcp::resolver::numeric_service, error);
  return {results.begin(), results.end()};
}

}  // namespace

struct Lookup::Shared : std::enable_shared_from_this<Shared> {
  // Keeps the worker from going away while the result is handed over.
  std::mutex mutex;  // guards worker
  Worker* worker = nullptr;
  Done done;  // the worker's thread alone

  void deliver(error_code error, Endpoints endpoints) {
    const std::lock_guard lock(mutex);
    if (!worker) return;
    boost::asio::post(worker->context(), [self = shared_from_this(), error,
                                          endpoints = std::move(endpoints)]() mutable {
      if (self->done) std::exchange(self->done, {})(error, std::move(endpoints));
    });
  }
};

Lookup::Lookup(Worker& worker, const std::string& host, std::uint16_t port, Done done)
    : shared_(std::make_shared<Shared>()) {
  shared_->worker = &worker;
  shared_->done = std::move(done);
  error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (!error) {
    shared_->deliver({}, {tcp::endpoint(address, port)});
    return;
  }
  try {
    std::thread([shared = shared_, host, port] {
      error_code failed;
      Endpoints endpoints = resolve(host, port, failed);
      shared->deliver(failed, std::move(endpoints));
    }).detach();
  } catch (const std::system_error& no_thread) {
    shared_->deliver(no_thread.code(), {});
  }
}

Lookup::~Lookup() {
  shared_->done = {};
  const std::lock_guard lock(shared_->mutex);
  shared_->worker = nullptr;
}

}  // namespace net
