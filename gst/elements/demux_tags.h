// Cuts a stream of bytes into FLV tags, and finds the next tag behind what is none.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "elements/memory_queue.h"
#include "rtmp/flv.h"

class TagCutter {
 public:
  struct Tag {
    rtmp::flv::TagHeader header;
    std::uint64_t position = 0;  // of its first byte in the stream
    MemoryQueue::Slice body;     // valid until the cutter's next call
  };

  // Takes the buffer. False if it cannot be read.
  bool push(GstBuffer* buffer) { return queue_.push(buffer); }
  // The next whole tag of a type that FLV knows, filtered ones too; nothing while bytes are
  // missing.
  std::optional<Tag> next();
  // Forgets the bytes that are no whole tag yet and says how many: they come again with the next.
  std::size_t give_back();
  // The next byte is the one at `position` of the stream; it need not be a tag's first.
  void restart(std::uint64_t position);

  std::uint64_t skipped_bytes() const { return skipped_; }
  bool found_any() const { return found_any_; }

 private:
  enum class Step { tag, again, more };

  Step step();
  Step pass_file_header();
  bool pass_back_pointer();
  Step resynchronize();
  std::optional<bool> begins_tag(std::size_t offset) const;
  void skip(std::size_t count) {
    queue_.skip(count);
    position_ += count;
  }

  MemoryQueue queue_;
  rtmp::flv::TagHeader header_;  // of the tag at the front, if step() found one
  std::uint64_t position_ = 0;
  std::uint64_t skipped_ = 0;
  std::size_t to_skip_ = 0;  // of a file header that is longer than usual, or of an unknown tag
  bool owes_back_pointer_ = false;
  bool lost_ = false;  // what comes next is no tag
  bool found_any_ = false;
};
