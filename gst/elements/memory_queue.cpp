// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/memory_queue.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace {

// More memories than this that wait for the end of one piece are joined, so that tiny buffers cost
// no more than their bytes.
constexpr std::size_t max_waiting = 64;

}  // namespace

MemoryQueue::Mapped::Mapped(Mapped&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      map_(other.map_),
      mapped_(std::exchange(other.mapped_, false)) {}

MemoryQueue::Mapped& MemoryQueue::Mapped::operator=(Mapped&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(map_, other.map_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

MemoryQueue::Mapped::~Mapped() {
  if (mapped_) gst_memory_unmap(memory_, &map_);
  if (memory_) gst_memory_unref(memory_);
}

GstMemory* MemoryQueue::Slice::share(gsize from, gsize size) const {
  assert(from + size <= bytes.size());
  const auto start = static_cast<gssize>(offset + from);
  const auto count = static_cast<gssize>(size);
  if (GST_MEMORY_IS_NO_SHARE(memory)) return gst_memory_copy(memory, start, count);
  GstMemory* shared = gst_memory_share(memory, start, count);
  return shared ? shared : gst_memory_copy(memory, start, count);
}

bool MemoryQueue::push(GstBuffer* buffer) {
  drop_read();
  for (guint i = 0; i < gst_buffer_n_memory(buffer); ++i) {
    Mapped memory(gst_buffer_get_memory(buffer, i));
    if (!memory.ok()) return false;
    if (memory.bytes().empty()) continue;
    size_ += memory.bytes().size();
    memories_.push_back(std::move(memory));
    join_small();
  }
  return true;
}

void MemoryQueue::clear() {
  memories_.clear();
  position_ = 0;
  size_ = 0;
}

// Memories that have been read stay until here, as slices show them.
void MemoryQueue::drop_read() {
  while (!memories_.empty() && position_ >= memories_.front().bytes().size()) {
    position_ -= memories_.front().bytes().size();
    memories_.pop_front();
  }
}

// Neighbours of the same size are joined again and again, as in a merge sort: n log n in all.
void MemoryQueue::join_small() {
  while (memories_.size() > max_waiting) {
    const auto last = memories_.back().bytes();
    const auto before = memories_[memories_.size() - 2].bytes();
    if (last.size() < before.size()) return;
    GstMemory* joined = gst_allocator_alloc(nullptr, before.size() + last.size(), nullptr);
    GstMapInfo map;
    if (!gst_memory_map(joined, &map, GST_MAP_WRITE)) {
      gst_memory_unref(joined);
      return;
    }
    std::ranges::copy(last, std::ranges::copy(before, map.data).out);
    gst_memory_unmap(joined, &map);
    memories_.pop_back();
    memories_.back() = Mapped(joined);
  }
}

void MemoryQueue::peek(std::size_t offset, std::span<std::uint8_t> out) const {
  assert(offset + out.size() <= size_);
  const auto front = memories_.empty() ? rtmp::Bytes() : memories_.front().bytes();
  if (position_ + offset + out.size() <= front.size()) {
    std::copy_n(front.data() + position_ + offset, out.size(), out.data());
    return;
  }
  std::size_t skipped = position_ + offset;
  std::size_t filled = 0;
  for (const Mapped& memory : memories_) {
    if (filled == out.size()) return;
    const auto bytes = memory.bytes();
    if (skipped >= bytes.size()) {
      skipped -= bytes.size();
      continue;
    }
    const std::size_t count = std::min(bytes.size() - skipped, out.size() - filled);
    std::copy_n(bytes.data() + skipped, count, out.data() + filled);
    filled += count;
    skipped = 0;
  }
}

void MemoryQueue::skip(std::size_t count) {
  assert(count <= size_);
  position_ += count;
  size_ -= count;
  drop_read();
}

GstMemory* MemoryQueue::copy(std::size_t count) const {
  GstMemory* memory = gst_allocator_alloc(nullptr, count, nullptr);
  GstMapInfo map;
  if (gst_memory_map(memory, &map, GST_MAP_WRITE)) {
    peek(0, {map.data, map.size});
    gst_memory_unmap(memory, &map);
  }
  return memory;
}

MemoryQueue::Slice MemoryQueue::take(std::size_t count) {
  assert(count <= size_);
  drop_read();
  if (count == 0) return {};
  if (count > memories_.front().bytes().size() - position_) {
    joined_.emplace(copy(count));
    skip(count);
    return {joined_->memory(), 0, joined_->bytes()};
  }
  const Mapped& front = memories_.front();
  const Slice slice{front.memory(), position_, front.bytes().subspan(position_, count)};
  position_ += count;
  size_ -= count;
  return slice;
}
