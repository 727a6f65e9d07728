// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/worker.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
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

void fill_with_randomness(std::span<std::uint8_t> out) {
  // Without randomness every secret of ours could be guessed: no going on.
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) std::abort();
}

// Asking OpenSSL costs more than what a handshake takes of it, so it is asked for much at a time.
// No byte is given twice, and none stays here once it was given.
class RandomStock {
 public:
  void give(std::span<std::uint8_t> out) {
    if (out.size() > bytes_.size()) return fill_with_randomness(out);
    if (out.size() > left_ || forks_ != forks()) refill();
    left_ -= out.size();
    const auto given = std::span(bytes_).subspan(left_, out.size());
    std::ranges::copy(given, out.begin());
    OPENSSL_cleanse(given.data(), given.size());
  }

 private:
  // How often this process was one's child: it must not give what its parent gives.
  static unsigned forks() {
    static std::atomic<unsigned> count = 0;
    [[maybe_unused]] static const int told = ::pthread_atfork(nullptr, nullptr, [] { ++count; });
    return count;
  }

  void refill() {
    fill_with_randomness(bytes_);
    left_ = bytes_.size();
    forks_ = forks();
  }

  std::array<std::uint8_t, 16 * 1024> bytes_;
  std::size_t left_ = 0;
  unsigned forks_ = 0;
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

Worker::~Worker() { stop(); }

void Worker::stop() {
  assert(!is_current());
  context_.stop();
  if (thread_.joinable()) thread_.join();
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

Workers::~Workers() {
  for (const auto& worker : workers_) worker->stop();
  for (const auto& worker : workers_) worker->drop();
}

Worker& Workers::next() {
  return *workers_[next_.fetch_add(1, std::memory_order_relaxed) % workers_.size()];
}

rtmp::Time now() { return std::chrono::steady_clock::now(); }

const rtmp::Random& secure_random() {
  static const rtmp::Random random = [](std::span<std::uint8_t> out) {
    thread_local RandomStock stock;
    stock.give(out);
  };
  return random;
}

}  // namespace net
