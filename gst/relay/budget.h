// How much memory may be held for peers: by all streams and connections of a server together.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace relay {

// Any thread may ask.
class Budget {
 public:
  explicit Budget(std::size_t limit) : limit_(limit) {}

  std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  bool exceeded() const { return used() > limit_.load(std::memory_order_relaxed); }
  void set_limit(std::size_t limit) { limit_ = limit; }

  // What one thing holds, as long as it lives.
  class Share {
   public:
    Share() = default;  // of no budget
    explicit Share(std::shared_ptr<Budget> budget, std::size_t bytes = 0)
        : budget_(std::move(budget)) {
      set(bytes);
    }
    ~Share() { set(0); }
    Share(const Share&) = delete;
    Share& operator=(Share&& other) noexcept {
      set(0);
      budget_ = std::move(other.budget_);
      bytes_ = std::exchange(other.bytes_, 0);
      return *this;
    }

    void set(std::size_t bytes) {
      if (!budget_ || bytes == bytes_) return;
      budget_->used_.fetch_add(bytes - bytes_,
                               std::memory_order_relaxed);  // wraps where it is less
      bytes_ = bytes;
    }
    bool exceeded() const { return budget_ && budget_->exceeded(); }

   private:
    std::shared_ptr<Budget> budget_;
    std::size_t bytes_ = 0;
  };

 private:
  std::atomic<std::size_t> limit_;
  std::atomic<std::size_t> used_ = 0;
};

}  // namespace relay
