// What one slow player has still to get, within bounds.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>

#include "relay/frame.h"

namespace relay {

// Over the soft bound it loses disposable frames, then inter frames up to the next key frame; audio,
// headers and data stay. Over the hard bound the player is beyond help.
class FrameQueue {
 public:
  struct Limits {
    std::size_t bytes = 8 * 1024 * 1024;
    std::int64_t ms = 3000;
    std::size_t hard_bytes = 32 * 1024 * 1024;
    std::int64_t hard_ms = 10'000;
  };
  enum class Outcome { ok, beyond_help };

  explicit FrameQueue(Limits limits) : limits_(limits) {}

  Outcome push(FramePtr frame);
  // The first frame, or null.
  FramePtr pop();
  bool empty() const { return frames_.empty(); }
  std::size_t bytes() const { return bytes_; }
  std::int64_t ms() const;  // between the first and the last timestamp
  std::uint64_t dropped() const { return dropped_; }  // frames, since the beginning

 private:
  bool over_soft_bound() const;
  void drop(bool (Frame::*kind)() const);

  Limits limits_;
  std::deque<FramePtr> frames_;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool waiting_for_key_ = false;
};

}  // namespace relay
