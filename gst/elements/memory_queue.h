// Bytes that arrive in GstBuffers of any cut and leave in pieces of another, without copies where a
// piece lies in one memory.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <array>
#include <cassert>
#include <optional>
#include <vector>

#include "rtmp/bytes.h"

class MemoryQueue {
 public:
  // What take() gave: valid until the queue's next call.
  struct Slice {
    GstMemory* memory = nullptr;
    gsize offset = 0;
    rtmp::Bytes bytes;
    MemoryQueue* queue = nullptr;  // whose front memory it lies in

    // A part of it as a buffer that shares the bytes.
    GstBuffer* to_buffer(gsize from, gsize size) const;
    // The same where the slice is not needed any more: of the end of a buffer that came, that
    // buffer itself is cut to it.
    GstBuffer* into_buffer(gsize from, gsize size) const;

   private:
    GstMemory* share(gsize from, gsize size) const;
  };

  // Takes the buffer. False if a memory of it cannot be mapped.
  bool push(GstBuffer* buffer);
  void clear();
  // Lets go of memories that have been read to their end.
  void drop_read() {
    if (!memories_.empty() && position_ >= memories_.front().bytes().size()) drop_read_memories();
  }
  std::size_t size() const { return size_; }
  // What lies `offset` bytes ahead; it must be there. Where it lies in several memories it is
  // copied to `scratch`.
  template <std::size_t count>
  std::span<const std::uint8_t, count> peek(std::size_t offset,
                                            std::array<std::uint8_t, count>& scratch) const {
    assert(offset + count <= size_);
    const rtmp::Bytes front = memories_.front().bytes();
    const std::size_t begin = position_ + offset;
    if (begin + count <= front.size()) return front.subspan(begin).template first<count>();
    copy_to(offset, scratch);
    return scratch;
  }
  // Memories stay as long as slices may show them.
  void skip(std::size_t count) {
    assert(count <= size_);
    position_ += count;
    size_ -= count;
  }
  // The next `count` bytes, which must be there.
  Slice take(std::size_t count);

 private:
  // A memory that is mapped as long as the object lives.
  class Mapped {
   public:
    // Takes the reference.
    explicit Mapped(GstMemory* memory) : memory_(memory) {
      mapped_ = gst_memory_map(memory_, &map_, GST_MAP_READ);
    }
    // Takes a buffer, which is the memory's only owner.
    Mapped(GstBuffer* buffer, GstMemory* memory) : Mapped(memory) { buffer_ = buffer; }
    Mapped(Mapped&& other) noexcept;
    Mapped& operator=(Mapped&& other) noexcept;
    ~Mapped();

    bool ok() const { return mapped_; }
    // The buffer that came with it, no longer mapped, or null.
    GstBuffer* take_buffer();
    GstMemory* memory() const { return memory_; }
    rtmp::Bytes bytes() const { return {map_.data, map_.size}; }

   private:
    GstMemory* memory_;
    GstBuffer* buffer_ = nullptr;  // if there is one, it owns the memory
    GstMapInfo map_ = GST_MAP_INFO_INIT;
    bool mapped_ = false;
  };

  bool take_in_last();
  void drop_read_memories();
  void copy_to(std::size_t offset, std::span<std::uint8_t> out) const;
  GstBuffer* take_front_buffer();
  void join_small();
  GstMemory* copy(std::size_t count) const;

  std::vector<Mapped> memories_;
  std::optional<Mapped> joined_;  // the last piece, if it lay in several memories
  std::size_t position_ = 0;      // in the first memory; it may be read to its end
  std::size_t size_ = 0;
};
