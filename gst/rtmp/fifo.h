// A queue in one block of memory: nothing while it has never been used, little once it is empty.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cassert>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace rtmp {

// Thousands of connections have some of these each, most of them empty: std::deque would keep half
// a KiB for every one.
template <typename T>
class Fifo {
 public:
  void push(T item) { items_.push_back(std::move(item)); }
  T& front() {
    assert(!empty());
    return items_[first_];
  }
  const T& front() const {
    assert(!empty());
    return items_[first_];
  }
  T pop() {
    T item = std::move(front());
    ++first_;
    tidy();
    return item;
  }
  // The first item, or nothing.
  std::optional<T> take() {
    if (empty()) return std::nullopt;
    return pop();
  }
  template <typename Condition>
  void erase_if(Condition condition) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
    std::erase_if(items_, condition);
  }
  void clear() {
    items_ = std::vector<T>();
    first_ = 0;
  }

  bool empty() const { return first_ == items_.size(); }
  std::size_t size() const { return items_.size() - first_; }
  const T* begin() const { return items_.data() + first_; }
  const T* end() const { return items_.data() + items_.size(); }

 private:
  // Items that an empty queue has room for: only small ones.
  static constexpr std::size_t kept = sizeof(T) <= 64 ? 4 : 0;

  // What was taken leaves when it is the greater part, so that each item moves at most once on
  // average.
  void tidy() {
    if (empty() && items_.capacity() > kept) return clear();
    if (2 * first_ < items_.size()) return;
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }

  std::vector<T> items_;
  std::size_t first_ = 0;  // items before it are taken
};

}  // namespace rtmp
