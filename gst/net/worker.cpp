// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/worker.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <boost/asio/post.hpp>
#include <cstdlib>

namespace net {
namespace {

constexpr std::size_t scratch_size = 256 * 1024;
constexpr std::size_t max_thread_name = 15;  // of Linux

// Threads inherit their mask: signals, SIGPIPE too, are for the application's threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

// Those that this process may run on, which may be fewer than the machine has.
unsigned available_cores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) == 0)
    return static_cast<unsigned>(CPU_COUNT(&cores));
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

Worker::Worker(std::string name)
    : work_(boost::asio::make_work_guard(context_)), scratch_(scratch_size) {
  const SignalsBlocked blocked;
  thread_ = std::thread([this, name = name.substr(0, max_thread_name)] {
    pthread_setname_np(pthread_self(), name.c_str());
    context_.run();
  });
}

Worker::~Worker() {
  assert(!is_current());
  context_.stop();
  thread_.join();
}

void Worker::soon(std::shared_ptr<Chore> chore) {
  if (is_current() && in_turn_)
    chores_.push_back(std::move(chore));
  else
    boost::asio::post(context_, [chore = std::move(chore)] { chore->run(); });
}

void Worker::end_turn() {
  in_turn_ = false;
  for (const auto& chore : chores_) chore->run();
  chores_.clear();
}

Workers::Workers(unsigned count) {
  if (count == 0) count = available_cores();
  for (unsigned i = 0; i < count; ++i)
    workers_.push_back(std::make_unique<Worker>("rtmp" + std::to_string(i)));
}

Worker& Workers::next() {
  return *workers_[next_.fetch_add(1, std::memory_order_relaxed) % workers_.size()];
}

rtmp::Time now() { return std::chrono::steady_clock::now(); }

const rtmp::Random& secure_random() {
  static const rtmp::Random random = [](std::span<std::uint8_t> out) {
    // Without randomness every secret of ours could be guessed: no going on.
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) std::abort();
  };
  return random;
}

}  // namespace net
