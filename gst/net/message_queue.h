// A bounded queue of messages between a pipeline's thread and a connection's.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "rtmp/clock.h"
#include "rtmp/error.h"
#include "rtmp/message.h"

namespace net {

// All calls from any thread.
class MessageQueue {
 public:
  struct Limits {
    std::size_t bytes = 8 * 1024 * 1024;
    std::int64_t ms = 3000;  // between the first and the last message's timestamps
  };
  enum class Leaky {
    no,      // push() blocks while the queue is full
    frames,  // a full queue loses disposable frames, then inter frames up to the next key frame
  };
  enum class Outcome { ok, flushing, closed };
  struct Level {
    std::size_t messages = 0, bytes = 0;
    std::int64_t ms = 0;
    std::uint64_t dropped = 0;  // messages, since the beginning
  };

  explicit MessageQueue(Limits limits, Leaky leaky = Leaky::no);

  // Called after each push, on the pusher's thread, without the queue's lock.
  void set_wake(std::function<void()> wake);

  // Appends. With Leaky::no waits for room; flushing and close end the wait. A message larger than the
  // limits enters an empty queue.
  Outcome push(rtmp::Message message);
  // The first message if there is one.
  std::optional<rtmp::Message> try_pop();
  // Waits for a message; `closed` only after the last one was taken.
  Outcome pop(rtmp::Message& message);
  // Waits until everything was popped, or flushing, or close, or the time is over: false then.
  bool wait_empty(rtmp::Duration at_most);

  // While flushing, pushes and pops return at once. Messages stay.
  void set_flushing(bool flushing);
  void clear();
  // No more messages come; waiters wake. `error`: why, for the one who finds out.
  void close(boost::system::error_code error = {});
  // The other way round: as new, empty.
  void reopen();
  boost::system::error_code error() const;

  void set_limits(Limits limits, Leaky leaky);
  Level level() const;

 private:
  struct Entry {
    rtmp::Message message;
    enum class Kind : std::uint8_t { keep, key, inter, disposable } kind;
  };
  bool full() const;
  void make_room();
  void append(rtmp::Message message);
  std::int64_t span_ms() const;
  rtmp::Message take_front();

  mutable std::mutex mutex_;  // guards everything below but wake_
  std::condition_variable changed_;
  Limits limits_;
  Leaky leaky_;
  std::deque<Entry> entries_;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool waiting_for_key_ = false;
  bool flushing_ = false;
  bool closed_ = false;
  boost::system::error_code error_;
  std::function<void()> wake_;
};

}  // namespace net
