// Immutable bytes with an owner, shared without copying.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cassert>
#include <memory>
#include <vector>

#include "rtmp/bytes.h"

namespace rtmp {

// A range of bytes that keeps its owner alive: memory of our own, or anybody's (a GstMemory, say)
// behind a shared_ptr. Copying and slicing share the bytes. What a Buffer shows never changes, so
// it may cross threads.
class Buffer {
 public:
  Buffer() = default;
  // `bytes` must stay valid and unchanged as long as `owner` lives.
  Buffer(std::shared_ptr<const void> owner, Bytes bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  static Buffer copy_of(Bytes bytes);
  static Buffer adopt(std::vector<std::uint8_t> bytes);

  Bytes bytes() const { return bytes_; }
  operator Bytes() const { return bytes_; }
  const std::uint8_t* data() const { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  const std::shared_ptr<const void>& owner() const { return owner_; }

  // `count` bytes from `offset`, sharing the owner. The range must lie inside.
  Buffer slice(std::size_t offset, std::size_t count) const {
    assert(offset <= size() && count <= size() - offset);
    return {owner_, bytes_.subspan(offset, count)};
  }
  Buffer slice(std::size_t offset) const { return slice(offset, size() - offset); }

  // The same bytes with `header` before them, not copied: only while can_prepend() says that nobody
  // else shares them and that BufferBuilder left room. Gives this buffer up:
  // std::move(b).prepend(h).
  bool can_prepend(std::size_t header_size) const;
  Buffer prepend(Bytes header) &&;

 private:
  friend class BufferBuilder;

  std::shared_ptr<const void> owner_;
  Bytes bytes_;
  std::size_t headroom_ = 0;  // free bytes of the owner directly before bytes_
};

// Gathers bytes of a known final size. Memory grows as bytes arrive, not by the size announced.
class BufferBuilder {
 public:
  // Room before the payload for the chunk header that a relay will want to put there.
  static constexpr std::size_t headroom = 24;

  explicit BufferBuilder(std::size_t final_size) : final_size_(final_size) {}

  void append(Bytes bytes);
  std::size_t size() const { return size_; }
  std::size_t missing() const { return final_size_ - size_; }
  std::size_t capacity() const { return capacity_; }
  bool complete() const { return missing() == 0; }
  Buffer take() &&;

 private:
  void grow(std::size_t needed);

  std::size_t final_size_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::shared_ptr<std::uint8_t[]> block_;  // headroom, then the bytes
};

}  // namespace rtmp
