// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/frame_queue.h"

#include <algorithm>

namespace relay {

FrameQueue::Outcome FrameQueue::push(FramePtr frame, rtmp::Time now) {
  if (frame->is_key()) waiting_for_key_ = false;
  if (waiting_for_key_ && frame->is_inter()) {
    ++dropped_;
    return Outcome::ok;
  }
  bytes_ += frame->size();
  entries_.push_back({std::move(frame), now});
  if (over(limits_.bytes, limits_.time, now)) drop_disposable();
  if (over(limits_.bytes, limits_.time, now)) drop_before_last_key();
  if (over(limits_.bytes, limits_.time, now)) drop_pictures();
  const bool hopeless = over(limits_.hard_bytes, limits_.hard_time, now);
  return hopeless ? Outcome::beyond_help : Outcome::ok;
}

FramePtr FrameQueue::pop() {
  if (entries_.empty()) return nullptr;
  FramePtr frame = std::move(entries_.front().frame);
  entries_.pop_front();
  bytes_ -= frame->size();
  return frame;
}

bool FrameQueue::over(std::size_t bytes, rtmp::Duration time, rtmp::Time now) const {
  return bytes_ > bytes || (!entries_.empty() && now - entries_.front().since > time);
}

void FrameQueue::drop_disposable() {
  drop(entries_.size(), [](const Frame& frame) { return frame.is_disposable(); });
}

void FrameQueue::drop_before_last_key() {
  const auto last_key = std::find_if(entries_.rbegin(), entries_.rend(),
                                     [](const Entry& entry) { return entry.frame->is_key(); });
  if (last_key == entries_.rend()) return;
  const auto before = static_cast<std::size_t>(entries_.rend() - last_key) - 1;
  drop(before, [](const Frame& frame) { return frame.is_key() || frame.is_inter(); });
}

void FrameQueue::drop_pictures() {
  drop(entries_.size(), [](const Frame& frame) { return frame.is_key() || frame.is_inter(); });
  waiting_for_key_ = true;
}

// Of the first `count` frames those that meet the condition.
template <typename Condition>
void FrameQueue::drop(std::size_t count, Condition condition) {
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(count);
  const auto kept = std::remove_if(entries_.begin(), end, [&](const Entry& entry) {
    if (!condition(*entry.frame)) return false;
    bytes_ -= entry.frame->size();
    ++dropped_;
    return true;
  });
  entries_.erase(kept, end);
}

}  // namespace relay
