// How fast counters grow, and how long frames are on their way.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "rtmp/clock.h"

namespace relay {

// Rates over the last 4 to 6 seconds if it is shown the counters every `interval`, and over all
// time until then.
template <std::size_t size>
class Meter {
 public:
  using Counts = std::array<std::uint64_t, size>;
  static constexpr auto interval = std::chrono::seconds(2);

  explicit Meter(rtmp::Time since) { samples_.fill({since, {}}); }

  void sample(const Counts& counts, rtmp::Time now) {
    std::shift_left(samples_.begin(), samples_.end(), 1);
    samples_.back() = {now, counts};
  }
  // Of each counter. What has only begun is not taken for a second of the same.
  std::array<double, size> per_second(const Counts& counts, rtmp::Time now) const {
    const Sample& oldest = samples_.front();
    const std::chrono::duration<double> passed = now - oldest.at;
    std::array<double, size> rates;
    for (std::size_t i = 0; i < size; ++i)
      rates[i] = static_cast<double>(counts[i] - oldest.counts[i]) / std::max(passed.count(), 1.0);
    return rates;
  }

 private:
  struct Sample {
    rtmp::Time at;
    Counts counts;
  };
  std::array<Sample, 3> samples_;
};

// From a frame's arrival to its writing to a player's socket, each player counted.
struct Delays {
  static constexpr std::array<unsigned, 12> bounds_ms = {1,   2,   5,   10,   20,   50,
                                                         100, 200, 500, 1000, 2000, 5000};

  std::array<std::uint64_t, bounds_ms.size() + 1> counts = {};  // up to each bound, and above all
  std::uint64_t sum_us = 0;

  void add(rtmp::Duration delay, std::uint64_t players) {
    const auto us = std::max<std::int64_t>(
        0, std::chrono::duration_cast<std::chrono::microseconds>(delay).count());
    std::size_t bucket = 0;
    while (bucket < bounds_ms.size() && us > std::int64_t{bounds_ms[bucket]} * 1000) ++bucket;
    counts[bucket] += players;
    sum_us += static_cast<std::uint64_t>(us) * players;
  }
  Delays& operator+=(const Delays& other) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
    sum_us += other.sum_us;
    return *this;
  }
};

}  // namespace relay
