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
    // Between the first and the last frame's timestamps: headers and data, often at 0, keep no
    // time.
    std::int64_t ms = 3000;
  };
  enum class Leaky {
    no,  // push() blocks while the queue is full
    // A full queue loses disposable frames, then inter frames up to the next key frame, then key
    // frames, and audio last; never headers and data. Its time is that of its video, if it has any.
    frames,
    // A full queue loses its beginning up to the next key frame, again and again: what is left can
    // be shown from its first picture on. Never headers and data.
    oldest,
    // Every frame is lost that comes.
    all,
  };
  enum class Outcome { ok, flushing, closed };
  struct Level {
    std::size_t messages = 0, bytes = 0;
    std::int64_t ms = 0;
    std::uint64_t dropped = 0, dropped_bytes = 0;  // messages, since the beginning
  };

  explicit MessageQueue(Limits limits, Leaky leaky = Leaky::no);

  // Called after each push, on the pusher's thread, without the queue's lock. When this returns,
  // nobody is inside the one before.
  void set_wake(std::function<void()> wake);

  // Appends. With Leaky::no waits for room; flushing and close end the wait. A message larger than
  // the limits enters an empty queue.
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
  // Frames of another place follow: those that wait are lost, uncounted, headers and data stay, and
  // messages come again.
  void restart();
  boost::system::error_code error() const;

  void set_limits(Limits limits, Leaky leaky);
  Level level() const;

 private:
  struct Entry {
    enum class Kind : std::uint8_t { keep, audio, key, inter, disposable };
    rtmp::Message message;
    Kind kind;

    bool is_video() const { return kind >= Kind::key; }
    bool keeps_time() const { return kind != Kind::keep; }
  };
  static Entry::Kind kind_of(const rtmp::Message& message);
  bool fits(const Entry& entry) const;
  std::int64_t span_ms(const Entry& last) const;
  std::int64_t span_ms() const;
  void append(Entry entry);
  rtmp::Message take_front();
  void forget_entries();
  bool make_room(const Entry& entry);
  bool drop_for(const Entry& entry);
  bool drop_inter_frames();
  bool drop_beginning();
  bool drop_first(Entry::Kind kind);
  void count_lost(const Entry& entry);
  void wake();

  mutable std::mutex mutex_;  // guards everything below but wake_
  std::condition_variable changed_;
  Limits limits_;
  Leaky leaky_;
  std::deque<Entry> entries_;
  std::size_t bytes_ = 0;
  std::size_t frames_ = 0;  // entries that are video frames
  std::uint64_t dropped_ = 0, dropped_bytes_ = 0;
  bool waiting_for_key_ = false;
  bool flushing_ = false;
  bool closed_ = false;
  boost::system::error_code error_;

  std::mutex wake_mutex_;  // guards wake_
  std::function<void()> wake_;
};

}  // namespace net
