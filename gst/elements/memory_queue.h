// Bytes that arrive in GstBuffers of any cut and leave in pieces of another, without copies where a
// piece lies in one memory.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <deque>
#include <optional>

#include "rtmp/bytes.h"

class MemoryQueue {
 public:
  // What take() gave: valid until the queue's next call.
  struct Slice {
    GstMemory* memory = nullptr;
    gsize offset = 0;
    rtmp::Bytes bytes;

    // A part of it as a memory of its own, sharing the bytes.
    GstMemory* share(gsize from, gsize size) const;
  };

  // Takes a reference to the buffer's memories. False if one cannot be mapped.
  bool push(GstBuffer* buffer);
  void clear();
  std::size_t size() const { return size_; }
  // Copies what lies `offset` bytes ahead; it must be there.
  void peek(std::size_t offset, std::span<std::uint8_t> out) const;
  void skip(std::size_t count);
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
    Mapped(Mapped&& other) noexcept;
    Mapped& operator=(Mapped&& other) noexcept;
    ~Mapped();

    bool ok() const { return mapped_; }
    GstMemory* memory() const { return memory_; }
    rtmp::Bytes bytes() const { return {map_.data, map_.size}; }

   private:
    GstMemory* memory_;
    GstMapInfo map_ = GST_MAP_INFO_INIT;
    bool mapped_ = false;
  };

  void drop_read();
  void join_small();
  GstMemory* copy(std::size_t count) const;

  std::deque<Mapped> memories_;
  std::optional<Mapped> joined_;  // the last piece, if it lay in several memories
  std::size_t position_ = 0;      // in the first memory; it may be read to its end
  std::size_t size_ = 0;
};
