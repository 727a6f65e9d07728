// What waits to be written to one peer: shared buffers, gathered for one system call.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "rtmp/buffer.h"
#include "rtmp/fifo.h"

namespace rtmp {

class OutputQueue {
 public:
  void push(Buffer buffer);
  // Fills `spans` from the front with what is to be written next and says how many it filled.
  std::size_t gather(std::span<Bytes> spans) const;
  // Forgets `count` bytes at the front: they are written.
  void consume(std::size_t count);
  void clear();

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }  // bytes

 private:
  Fifo<Buffer> buffers_;
  std::size_t offset_ = 0;  // bytes of the first buffer that are written
  std::size_t size_ = 0;
};

}  // namespace rtmp
