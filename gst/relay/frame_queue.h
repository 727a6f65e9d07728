// What one slow player has still to get, within bounds.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "relay/frame.h"
#include "rtmp/clock.h"
#include "rtmp/fifo.h"
#include "rtmp/tracks.h"

namespace relay {

// Over the soft bound it loses disposable frames, then each track's pictures up to its last key
// frame, or all up to the next one; audio, headers and data stay. Over the hard bound the player is
// beyond help. What a player could be given at once may be more than that, and counts only if it
// was not taken: so pushing and keeping the limits are two things.
// Time is that which the first frame has waited here, not its timestamp's: those may jump.
class FrameQueue {
 public:
  struct Limits {
    std::size_t bytes = 8 * 1024 * 1024;
    rtmp::Duration time = std::chrono::seconds(3);
    std::size_t hard_bytes = 32 * 1024 * 1024;
    rtmp::Duration hard_time = std::chrono::seconds(10);
  };
  enum class Outcome { ok, beyond_help };

  explicit FrameQueue(Limits limits) : limits_(limits) {}

  void set_limits(Limits limits) { limits_ = limits; }
  void push(FramePtr frame, rtmp::Time now);
  // To be called once the player has taken what it can.
  Outcome keep_limits(rtmp::Time now);
  // The first frame, or null.
  FramePtr pop();
  // Gives up all frames, headers and data stay. False if there is none.
  bool shed();
  // Pictures are of no use before the next key frame.
  void wait_for_key() { waiting_for_key_.set(); }

  // Whether pictures of these tracks would go through at once: nothing waits, and none is waited
  // for.
  bool passes(const rtmp::TrackSet& pictures) const {
    return entries_.empty() && (waiting_for_key_ & pictures).none();
  }
  bool empty() const { return entries_.empty(); }
  std::size_t bytes() const { return bytes_; }
  // That the first frame has waited.
  rtmp::Duration waited(rtmp::Time now) const {
    return empty() ? rtmp::Duration::zero() : now - entries_.front().since;
  }
  std::uint64_t dropped() const { return dropped_; }  // frames, since the beginning

 private:
  struct Entry {
    FramePtr frame;
    rtmp::Time since;
  };
  bool over(std::size_t bytes, rtmp::Duration time, rtmp::Time now) const;
  void drop_disposable();
  void drop_before_last_keys();
  void drop_pictures();
  template <typename Condition>
  void drop(Condition condition);

  rtmp::TrackSet waiting_for_key_;
  rtmp::Fifo<Entry> entries_;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  Limits limits_;
};

}  // namespace relay
