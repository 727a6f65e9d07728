// Whether the network takes what a publisher's queue gets, and what it would take.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <optional>

#include "net/message_queue.h"

// Judges once a second. Owned by one thread.
class CongestionMeter {
 public:
  struct Limits {
    std::int64_t queue_ms;  // above: congestion
    std::size_t queue_bytes;
  };
  struct Report {
    bool rising = false;  // else: it is over
    std::int64_t queue_ms = 0;
    std::size_t queue_bytes = 0;
    std::uint64_t bitrate = 0;            // that the network took, in bit/s
    std::uint64_t suggested_bitrate = 0;  // that fits
  };

  // The stream starts.
  void begin(rtmp::Time now, std::uint64_t taken_bytes);
  // `taken_bytes`: that the network took since the beginning. A report while there is congestion,
  // and one when it is over: when the queue holds a quarter of the limits.
  std::optional<Report> measure(rtmp::Time now, std::uint64_t taken_bytes,
                                const net::MessageQueue::Level& queue, const Limits& limits);

 private:
  struct Sample {
    rtmp::Time time;
    std::uint64_t taken_bytes;
  };
  std::uint64_t bitrate_since(const Sample& from, const Sample& to) const;

  std::deque<Sample> samples_;
  bool congested_ = false;
};
