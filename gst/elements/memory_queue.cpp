// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/memory_queue.h"

#include <algorithm>
#include <utility>

namespace {

// More memories than this that wait for the end of one piece are joined, so that tiny buffers cost
// no more than their bytes.
constexpr std::size_t max_waiting = 64;

// Whether a buffer may be changed and given away: nobody else has it, wants it back or has added
// anything to it.
bool is_ours(GstBuffer* buffer) {
  gpointer state = nullptr;
  return gst_buffer_n_memory(buffer) == 1 && gst_buffer_is_writable(buffer) && !buffer->pool &&
         !gst_buffer_iterate_meta(buffer, &state);
}

// What its old content was said to be.
void forget_description(GstBuffer* buffer) {
  constexpr guint flags_of_any_object = GST_MINI_OBJECT_FLAG_LAST - 1;
  GST_BUFFER_FLAG_UNSET(buffer, ~flags_of_any_object);
  GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = GST_BUFFER_DURATION(buffer) =
      GST_CLOCK_TIME_NONE;
  GST_BUFFER_OFFSET(buffer) = GST_BUFFER_OFFSET_END(buffer) = GST_BUFFER_OFFSET_NONE;
}

}  // namespace

MemoryQueue::Mapped::Mapped(Mapped&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      buffer_(std::exchange(other.buffer_, nullptr)),
      map_(other.map_),
      mapped_(std::exchange(other.mapped_, false)) {}

MemoryQueue::Mapped& MemoryQueue::Mapped::operator=(Mapped&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(buffer_, other.buffer_);
  std::swap(map_, other.map_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

MemoryQueue::Mapped::~Mapped() {
  if (mapped_) gst_memory_unmap(memory_, &map_);
  if (buffer_)
    gst_buffer_unref(buffer_);
  else if (memory_)
    gst_memory_unref(memory_);
}

GstBuffer* MemoryQueue::Mapped::take_buffer() {
  // A part of the memory may be on its way already.
  if (!buffer_ || !gst_memory_is_writable(memory_)) return nullptr;
  gst_memory_unmap(memory_, &map_);
  mapped_ = false;
  memory_ = nullptr;
  return std::exchange(buffer_, nullptr);
}

GstMemory* MemoryQueue::Slice::share(gsize from, gsize size) const {
  assert(from + size <= bytes.size());
  const auto start = static_cast<gssize>(offset + from);
  const auto count = static_cast<gssize>(size);
  if (GST_MEMORY_IS_NO_SHARE(memory)) return gst_memory_copy(memory, start, count);
  GstMemory* shared = gst_memory_share(memory, start, count);
  return shared ? shared : gst_memory_copy(memory, start, count);
}

GstBuffer* MemoryQueue::Slice::to_buffer(gsize from, gsize size) const {
  GstBuffer* buffer = gst_buffer_new();
  gst_buffer_append_memory(buffer, share(from, size));
  return buffer;
}

GstBuffer* MemoryQueue::Slice::into_buffer(gsize from, gsize size) const {
  GstBuffer* buffer = queue ? queue->take_front_buffer() : nullptr;
  if (!buffer) return to_buffer(from, size);
  forget_description(buffer);
  gst_memory_resize(memory, static_cast<gssize>(offset + from), size);
  return buffer;
}

bool MemoryQueue::push(GstBuffer* buffer) {
  drop_read();
  if (is_ours(buffer)) {
    memories_.emplace_back(buffer, gst_buffer_peek_memory(buffer, 0));
    return take_in_last();
  }
  bool ok = true;
  for (guint i = 0; ok && i < gst_buffer_n_memory(buffer); ++i) {
    memories_.emplace_back(gst_buffer_get_memory(buffer, i));
    ok = take_in_last();
  }
  gst_buffer_unref(buffer);
  return ok;
}

bool MemoryQueue::take_in_last() {
  const Mapped& last = memories_.back();
  const bool ok = last.ok();
  const std::size_t size = last.bytes().size();
  size_ += size;
  if (size == 0)
    memories_.pop_back();
  else if (memories_.size() > max_waiting)
    join_small();
  return ok;
}

void MemoryQueue::clear() {
  memories_.clear();
  position_ = 0;
  size_ = 0;
}

void MemoryQueue::drop_read_memories() {
  auto unread = memories_.begin();
  for (; unread != memories_.end() && position_ >= unread->bytes().size(); ++unread)
    position_ -= unread->bytes().size();
  memories_.erase(memories_.begin(), unread);
}

// Only where the whole queue has been read: nothing shows the memory but the slice.
GstBuffer* MemoryQueue::take_front_buffer() {
  if (size_ > 0 || memories_.size() != 1) return nullptr;
  GstBuffer* buffer = memories_.front().take_buffer();
  if (buffer) clear();
  return buffer;
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

void MemoryQueue::copy_to(std::size_t offset, std::span<std::uint8_t> out) const {
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

GstMemory* MemoryQueue::copy(std::size_t count) const {
  GstMemory* memory = gst_allocator_alloc(nullptr, count, nullptr);
  GstMapInfo map;
  if (gst_memory_map(memory, &map, GST_MAP_WRITE)) {
    copy_to(0, {map.data, map.size});
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
    return {joined_->memory(), 0, joined_->bytes(), nullptr};
  }
  const Mapped& front = memories_.front();
  const Slice slice{front.memory(), position_, front.bytes().subspan(position_, count), this};
  skip(count);
  // Nobody has looked at what comes next; it is there when the slice has been handed on.
  __builtin_prefetch(slice.bytes.data() + count);
  return slice;
}
