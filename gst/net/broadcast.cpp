// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/broadcast.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cassert>

#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

namespace net {
namespace {

constexpr std::size_t max_spans = 64;  // in one write
// Fewer are not worth a way of their own.
constexpr std::size_t fewest = 8;

// The spans in the form of the system's calls.
class Gathered {
 public:
  explicit Gathered(std::span<const rtmp::Bytes> spans) {
    const std::size_t used = std::min(spans.size(), vectors_.size());
    for (std::size_t i = 0; i < used; ++i)
      vectors_[i] = {const_cast<std::uint8_t*>(spans[i].data()), spans[i].size()};
    message_.msg_iov = vectors_.data();
    message_.msg_iovlen = used;
  }
  Gathered(const Gathered&) = delete;

  const msghdr& message() const { return message_; }
  // What most messages are costs the kernel less than a list of one.
  bool is_single() const { return message_.msg_iovlen == 1; }
  const iovec& single() const { return vectors_[0]; }

 private:
  std::array<iovec, max_spans> vectors_;
  msghdr message_ = {};
};

ssize_t result_of(ssize_t count, int error) {
  if (count >= 0) return count;
  return error == EAGAIN || error == EINTR ? 0 : -error;
}

ssize_t write_to(int socket, const Gathered& bytes) {
  const ssize_t count = bytes.is_single() ? ::send(socket, bytes.single().iov_base,
                                                   bytes.single().iov_len, MSG_NOSIGNAL)
                                          : ::sendmsg(socket, &bytes.message(), MSG_NOSIGNAL);
  return result_of(count, errno);
}

}  // namespace

ssize_t write_to(int socket, std::span<const rtmp::Bytes> spans) {
  return write_to(socket, Gathered(spans));
}

#ifdef HAVE_LIBURING

// What is submitted is done when the kernel returns: the sockets do not block.
//
// Opened by the thread that writes, and not before there is something to write: the end of a ring
// interrupts whatever system call the thread that opened it waits in, which an application's own
// threads do not expect.
class Broadcast::Ring {
 public:
  ~Ring() {
    if (open_) io_uring_queue_exit(&ring_);
  }

  // False if the kernel does not go along (any more): what it did not take nobody got.
  bool write(const Gathered& bytes, std::span<const int> sockets, std::span<ssize_t> results) {
    if (!open_ && !open()) return false;
    for (std::size_t first = 0; first < sockets.size(); first += size) {
      const std::size_t count = std::min<std::size_t>(size, sockets.size() - first);
      for (std::size_t i = first; i < first + count; ++i) prepare(bytes, sockets[i], i);
      if (!submit(count, results)) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned size = 128;  // writes at a time
  static constexpr unsigned flags = MSG_NOSIGNAL | MSG_DONTWAIT;

  bool open() {
    open_ = io_uring_queue_init(size, &ring_, 0) == 0;
    return open_ && can_send();
  }

  // The first kernels with rings could only read and write files.
  bool can_send() {
    io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
    const bool can = probe && io_uring_opcode_supported(probe, IORING_OP_SEND) &&
                     io_uring_opcode_supported(probe, IORING_OP_SENDMSG);
    io_uring_free_probe(probe);
    return can;
  }

  void prepare(const Gathered& bytes, int socket, std::size_t index) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    assert(entry);
    if (bytes.is_single())
      io_uring_prep_send(entry, socket, bytes.single().iov_base, bytes.single().iov_len, flags);
    else
      io_uring_prep_sendmsg(entry, socket, &bytes.message(), flags);
    io_uring_sqe_set_data64(entry, index);
  }

  bool submit(std::size_t count, std::span<ssize_t> results) {
    for (std::size_t done = 0; done < count;) {
      const int submitted = io_uring_submit_and_wait(&ring_, 1);
      if (submitted < 0 && submitted != -EINTR) return false;
      unsigned head = 0, seen = 0;
      io_uring_cqe* entry = nullptr;
      io_uring_for_each_cqe(&ring_, head, entry) {
        results[io_uring_cqe_get_data64(entry)] =
            entry->res < 0 ? result_of(-1, -entry->res) : entry->res;
        ++seen;
      }
      io_uring_cq_advance(&ring_, seen);
      done += seen;
    }
    return true;
  }

  io_uring ring_ = {};
  bool open_ = false;
};

#else

class Broadcast::Ring {
 public:
  bool write(const Gathered&, std::span<const int>, std::span<ssize_t>) { return false; }
};

#endif

Broadcast::Broadcast(Way way) : ring_(way == Way::best ? std::make_unique<Ring>() : nullptr) {}

Broadcast::~Broadcast() = default;

std::span<const ssize_t> Broadcast::write(std::span<const rtmp::Bytes> spans,
                                          std::span<const int> sockets) {
  const Gathered bytes(spans);
  results_.assign(sockets.size(), 0);
  if (ring_ && sockets.size() >= fewest) {
    if (!ring_->write(bytes, sockets, results_)) ring_.reset();
  } else {
    std::ranges::transform(sockets, results_.begin(),
                           [&](int socket) { return write_to(socket, bytes); });
  }
  return results_;
}

}  // namespace net
