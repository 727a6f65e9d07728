// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/output_queue.h"

namespace rtmp {

void OutputQueue::push(Buffer buffer) {
  if (buffer.empty()) return;
  size_ += buffer.size();
  buffers_.push_back(std::move(buffer));
}

std::size_t OutputQueue::gather(std::span<Bytes> spans) const {
  std::size_t filled = 0;
  std::size_t offset = offset_;
  for (std::size_t i = first_; i < buffers_.size() && filled < spans.size(); ++i) {
    spans[filled++] = buffers_[i].bytes().subspan(offset);
    offset = 0;
  }
  return filled;
}

void OutputQueue::consume(std::size_t count) {
  assert(count <= size_);
  size_ -= count;
  offset_ += count;
  while (first_ < buffers_.size() && offset_ >= buffers_[first_].size()) {
    offset_ -= buffers_[first_].size();
    buffers_[first_++] = {};
  }
  // Written buffers leave when they are the greater part, so that each moves at most once on
  // average.
  if (2 * first_ >= buffers_.size()) {
    buffers_.erase(buffers_.begin(), buffers_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void OutputQueue::clear() {
  buffers_.clear();
  first_ = offset_ = size_ = 0;
}

}  // namespace rtmp
