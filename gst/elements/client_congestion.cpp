// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/client_congestion.h"

#include <chrono>

namespace {

// The bitrate is that of these last seconds: one alone says little where a network stutters.
constexpr std::size_t seconds_measured = 2;
// Of what the network took: the rest empties the queue.
constexpr std::uint64_t suggested_percent = 85;

}  // namespace

void CongestionMeter::begin(rtmp::Time now, std::uint64_t taken_bytes) {
  samples_ = {{now, taken_bytes}};
  congested_ = false;
}

std::optional<CongestionMeter::Report> CongestionMeter::measure(
    rtmp::Time now, std::uint64_t taken_bytes, const net::MessageQueue::Level& queue,
    const Limits& limits) {
  samples_.push_back({now, taken_bytes});
  if (samples_.size() > seconds_measured + 1) samples_.pop_front();
  const bool full = queue.ms > limits.queue_ms || queue.bytes > limits.queue_bytes;
  const bool drained = queue.ms <= limits.queue_ms / 4 && queue.bytes <= limits.queue_bytes / 4;
  const bool was_congested = congested_;
  congested_ = full || (was_congested && !drained);
  if (!full && congested_ == was_congested) return std::nullopt;
  const std::uint64_t bitrate = bitrate_since(samples_.front(), samples_.back());
  return Report{congested_, queue.ms, queue.bytes, bitrate, bitrate * suggested_percent / 100};
}

std::uint64_t CongestionMeter::bitrate_since(const Sample& from, const Sample& to) const {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(to.time - from.time);
  if (ms.count() <= 0) return 0;
  return (to.taken_bytes - from.taken_bytes) * 8 * 1000 / static_cast<std::uint64_t>(ms.count());
}
