// The same bytes to many sockets, with as few system calls as the kernel offers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

#include <memory>
#include <span>
#include <vector>

#include "rtmp/bytes.h"

namespace net {

// Owned by one thread. With io_uring, where the kernel and its rules allow it, a hundred writes are
// one system call; else each is one.
class Broadcast {
 public:
  enum class Way { best, plain };

  explicit Broadcast(Way way = Way::best);
  ~Broadcast();
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  // Of the spans, one after the other, each socket gets what it takes at once; the sockets do not
  // block. Answers for each of them, in their order, how many bytes it took, or an error's number,
  // negative. Valid until the next call.
  std::span<const ssize_t> write(std::span<const rtmp::Bytes> spans, std::span<const int> sockets);

  // Whether the kernel gave what it takes to do better than one by one.
  bool gathers() const { return ring_ != nullptr; }

 private:
  class Ring;

  std::unique_ptr<Ring> ring_;  // null: one by one
  std::vector<ssize_t> results_;
};

// As much of the spans as the socket takes: bytes, or an error's number, negative; 0 if it would
// block.
ssize_t write_to(int socket, std::span<const rtmp::Bytes> spans);

}  // namespace net
