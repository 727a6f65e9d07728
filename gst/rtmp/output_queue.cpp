// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/output_queue.h"

namespace rtmp {

void OutputQueue::push(Buffer buffer) {
  if (buffer.empty()) return;
  size_ += buffer.size();
  buffers_.push(std::move(buffer));
}

std::size_t OutputQueue::gather(std::span<Bytes> spans) const {
  std::size_t filled = 0;
  std::size_t offset = offset_;
  for (const Buffer& buffer : buffers_) {
    if (filled == spans.size()) break;
    spans[filled++] = buffer.bytes().subspan(offset);
    offset = 0;
  }
  return filled;
}

void OutputQueue::consume(std::size_t count) {
  assert(count <= size_);
  size_ -= count;
  offset_ += count;
  while (!buffers_.empty() && offset_ >= buffers_.front().size()) offset_ -= buffers_.pop().size();
}

void OutputQueue::clear() {
  buffers_.clear();
  offset_ = size_ = 0;
}

}  // namespace rtmp
