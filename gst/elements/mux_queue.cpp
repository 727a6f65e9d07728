// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_queue.h"

#include <utility>

namespace {

constexpr GstClockTime max_time = GST_SECOND;
constexpr std::size_t max_objects = 1024;
constexpr std::size_t max_bytes = 32 * 1024 * 1024;

}  // namespace

bool MuxQueue::has_room() const {
  const bool timed = GST_CLOCK_TIME_IS_VALID(first_) && last_ > first_;
  return waiting_.size() < max_objects && bytes_ < max_bytes &&
         !(timed && last_ - first_ > max_time + latency_);
}

void MuxQueue::note(GstMiniObject* object) {
  if (!GST_IS_BUFFER(object)) return;
  GstBuffer* buffer = GST_BUFFER_CAST(object);
  bytes_ += gst_buffer_get_size(buffer);
  const GstClockTime time = GST_BUFFER_DTS_OR_PTS(buffer);
  if (!GST_CLOCK_TIME_IS_VALID(time)) return;
  if (!GST_CLOCK_TIME_IS_VALID(first_)) first_ = time;
  last_ = time;
}

GstFlowReturn MuxQueue::push(MiniObjectRef object) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return flow_ != GST_FLOW_OK || has_room(); });
  if (flow_ != GST_FLOW_OK) return flow_;
  note(object.get());
  waiting_.push_back(std::move(object));
  return GST_FLOW_OK;
}

GstMiniObject* MuxQueue::front() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(flushed_, false)) {
    position_ += taken_.size() + 1;
    taken_.clear();
  }
  if (taken_.empty() && !waiting_.empty()) {
    taken_.swap(waiting_);
    bytes_ = 0;
    first_ = last_ = GST_CLOCK_TIME_NONE;
    changed_.notify_all();
  }
  return taken_.empty() ? nullptr : taken_.front().get();
}

MiniObjectRef MuxQueue::pop() {
  MiniObjectRef object = std::move(taken_.front());
  taken_.pop_front();
  ++position_;
  return object;
}

bool MuxQueue::lacks_placeholder() {
  const std::lock_guard lock(mutex_);
  return flow_ == GST_FLOW_OK && !std::exchange(placeholder_, true);
}

bool MuxQueue::gives_up_placeholder() {
  const std::lock_guard lock(mutex_);
  return taken_.empty() && waiting_.empty() && std::exchange(placeholder_, false);
}

void MuxQueue::close(GstFlowReturn reason) {
  const std::lock_guard lock(mutex_);
  if (flow_ == GST_FLOW_OK) flow_ = reason;
  changed_.notify_all();
}

void MuxQueue::set_flushing(bool flushing) {
  const std::lock_guard lock(mutex_);
  flow_ = flushing ? GST_FLOW_FLUSHING : GST_FLOW_OK;
  flushed_ = true;
  placeholder_ = false;
  waiting_.clear();
  bytes_ = 0;
  first_ = last_ = GST_CLOCK_TIME_NONE;
  changed_.notify_all();
}
