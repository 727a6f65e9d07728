// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/frame_queue.h"

#include <map>

namespace relay {
namespace {

bool is_picture(const Frame& frame) { return frame.is_key() || frame.is_inter(); }

}  // namespace

void FrameQueue::push(FramePtr frame, rtmp::Time now) {
  const std::uint8_t track = frame->summary.track_id;
  if (frame->is_key()) waiting_for_key_.reset(track);
  if (frame->is_inter() && waiting_for_key_.test(track)) {
    ++dropped_;
    return;
  }
  bytes_ += frame->size();
  entries_.push({std::move(frame), now});
}

FrameQueue::Outcome FrameQueue::keep_limits(rtmp::Time now) {
  if (over(limits_.bytes, limits_.time, now)) drop_disposable();
  if (over(limits_.bytes, limits_.time, now)) drop_before_last_keys();
  if (over(limits_.bytes, limits_.time, now)) drop_pictures();
  const bool hopeless = over(limits_.hard_bytes, limits_.hard_time, now);
  return hopeless ? Outcome::beyond_help : Outcome::ok;
}

FramePtr FrameQueue::pop() {
  if (entries_.empty()) return nullptr;
  FramePtr frame = entries_.pop().frame;
  bytes_ -= frame->size();
  return frame;
}

bool FrameQueue::over(std::size_t bytes, rtmp::Duration time, rtmp::Time now) const {
  return bytes_ > bytes || (!entries_.empty() && now - entries_.front().since > time);
}

void FrameQueue::drop_disposable() {
  drop([](const Frame& frame) { return frame.is_disposable(); });
}

void FrameQueue::drop_before_last_keys() {
  std::map<std::uint8_t, std::uint64_t> last_keys;  // sequence numbers by track
  for (const Entry& entry : entries_)
    if (entry.frame->is_key()) last_keys[entry.frame->summary.track_id] = entry.frame->sequence;
  drop([&](const Frame& frame) {
    const auto last_key = last_keys.find(frame.summary.track_id);
    return is_picture(frame) && last_key != last_keys.end() && frame.sequence < last_key->second;
  });
}

void FrameQueue::drop_pictures() {
  drop(is_picture);
  waiting_for_key_.set();
}

bool FrameQueue::shed() {
  const std::uint64_t before = dropped_;
  drop([](const Frame& frame) {
    return is_picture(frame) || (frame.is_audio() && !frame.is_header());
  });
  if (dropped_ > before) waiting_for_key_.set();
  return dropped_ > before;
}

// The frames that meet the condition.
template <typename Condition>
void FrameQueue::drop(Condition condition) {
  entries_.erase_if([&](const Entry& entry) {
    if (!condition(*entry.frame)) return false;
    bytes_ -= entry.frame->size();
    ++dropped_;
    return true;
  });
}

}  // namespace relay
