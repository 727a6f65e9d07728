// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "elements/client_congestion.h"

namespace {

using namespace std::chrono_literals;

constexpr CongestionMeter::Limits limits{700, 1'000'000};

net::MessageQueue::Level queue_of(std::int64_t ms, std::size_t bytes = 0) {
  return {1, bytes, ms, 0};
}

// A meter that is asked once a second while the network takes 100 kB a second.
struct Seconds {
  Seconds() { meter.begin(now, 0); }
  std::optional<CongestionMeter::Report> next(const net::MessageQueue::Level& queue) {
    now += 1s;
    taken += 100'000;
    return meter.measure(now, taken, queue, limits);
  }
  rtmp::Time now = {};
  std::uint64_t taken = 0;
  CongestionMeter meter;
};

TEST(CongestionMeter, IsSilentWhileTheQueueIsShort) {
  Seconds seconds;
  EXPECT_FALSE(seconds.next(queue_of(0)));
  EXPECT_FALSE(seconds.next(queue_of(700)));
}

TEST(CongestionMeter, SuggestsABitrateBelowWhatTheNetworkTook) {
  Seconds seconds;
  const auto report = seconds.next(queue_of(900, 500));
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->rising);
  EXPECT_EQ(report->queue_ms, 900);
  EXPECT_EQ(report->queue_bytes, 500u);
  EXPECT_EQ(report->bitrate, 800'000u);
  EXPECT_EQ(report->suggested_bitrate, 680'000u);
}

TEST(CongestionMeter, MeasuresTheLastTwoSeconds) {
  Seconds seconds;
  for (int i = 0; i < 5; ++i) seconds.next(queue_of(0));
  seconds.taken += 100'000;
  EXPECT_EQ(seconds.next(queue_of(900))->bitrate, 1'200'000u);
}

TEST(CongestionMeter, FindsAQueueFullOfBytes) {
  Seconds seconds;
  EXPECT_TRUE(seconds.next(queue_of(0, 1'000'001)));
}

TEST(CongestionMeter, SaysOnceThatItIsOver) {
  Seconds seconds;
  ASSERT_TRUE(seconds.next(queue_of(900)));
  EXPECT_FALSE(seconds.next(queue_of(500)));
  ASSERT_TRUE(seconds.next(queue_of(800)));
  const auto report = seconds.next(queue_of(100));
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->rising);
  EXPECT_FALSE(seconds.next(queue_of(100)));
}

}  // namespace
