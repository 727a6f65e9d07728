// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/timestamp.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace rtmp {
namespace {

constexpr std::int64_t range_31 = std::int64_t{1} << 31;
constexpr std::int64_t range_32 = std::int64_t{1} << 32;

std::vector<std::int64_t> unwrap_all(const std::vector<std::uint32_t>& lows) {
  TimestampUnwrapper unwrap;
  std::vector<std::int64_t> times;
  for (const std::uint32_t low : lows) times.push_back(unwrap(low));
  return times;
}

// The time line of a sender whose clock ticks by `step` and that sends `mask` of it.
void expect_to_follow(std::int64_t start, std::int64_t step, int count, std::uint32_t mask) {
  TimestampUnwrapper unwrap;
  for (int i = 0; i < count; ++i) {
    const std::int64_t time = start + i * step;
    ASSERT_EQ(unwrap(static_cast<std::uint32_t>(time) & mask), time) << i;
  }
}

using Times = std::vector<std::int64_t>;

TEST(Timestamp, StartsAnywhere) {
  for (const std::uint32_t low : {0u, 1u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu})
    EXPECT_EQ(unwrap_all({low}), Times{low});
}

TEST(Timestamp, WrapsAt32Bits) {
  EXPECT_EQ(unwrap_all({0xFFFFFFF0, 0xFFFFFFFF, 0, 16}),
            (Times{range_32 - 16, range_32 - 1, range_32, range_32 + 16}));
}

TEST(Timestamp, StepsBackOverTheWrap) {
  EXPECT_EQ(unwrap_all({0xFFFFFFF0, 5, 0xFFFFFFFA, 9}),
            (Times{range_32 - 16, range_32 + 5, range_32 - 6, range_32 + 9}));
}

TEST(Timestamp, StepsBack) { EXPECT_EQ(unwrap_all({1000, 960, 1020}), (Times{1000, 960, 1020})); }

TEST(Timestamp, StepsBackBelowZero) { EXPECT_EQ(unwrap_all({10, 0xFFFFFFFB}), (Times{10, -5})); }

TEST(Timestamp, GoesThroughTheMiddleOf32Bits) {
  EXPECT_EQ(unwrap_all({0x7FFFFFFF, 0x80000000, 0x7FFFFFF0, 0x80000010}),
            (Times{range_31 - 1, range_31, range_31 - 16, range_31 + 16}));
}

TEST(Timestamp, WrapsAt31BitsForSendersThatMask) {
  EXPECT_EQ(unwrap_all({0x7FFFFFF0, 0x7FFFFFFF, 0, 16}),
            (Times{range_31 - 16, range_31 - 1, range_31, range_31 + 16}));
}

TEST(Timestamp, StepsBackAfterTheWrapAt31Bits) {
  EXPECT_EQ(unwrap_all({0x7FFFFFFF, 100, 60, 0x7FFFFFF0, 120}),
            (Times{range_31 - 1, range_31 + 100, range_31 + 60, range_31 - 16, range_31 + 120}));
}

TEST(Timestamp, FollowsA32BitSenderForYears) {
  expect_to_follow(0, 3'600'000, 100'000, 0xFFFFFFFF);
}

TEST(Timestamp, FollowsA31BitSenderForYears) {
  expect_to_follow(0, 3'600'000, 100'000, 0x7FFFFFFF);
}

TEST(Timestamp, TakesAJumpForwardAsItIs) {
  EXPECT_EQ(unwrap_all({0, 0x7FFFFFFF, 0x80000005}), (Times{0, range_31 - 1, range_31 + 5}));
}

TEST(Timestamp, KeepsTheLow32BitsOf32BitSenders) {
  for (const std::int64_t reference : {std::int64_t{0}, range_31 - 1, range_32 + 7, 100 * range_32})
    for (const std::uint32_t low : {0x80000000u, 0xC0000000u, 0xFFFFFFFFu})
      EXPECT_EQ(static_cast<std::uint32_t>(unwrap_timestamp(low, reference)), low);
}

TEST(Timestamp, KeepsTheLow31BitsOfAll) {
  for (std::uint64_t reference = 0; reference < 3ull << 32; reference += 0x0FFFFFFF)
    for (std::uint64_t low = 0; low <= 0xFFFFFFFF; low += 0x0AAAAAAA) {
      const auto time =
          unwrap_timestamp(static_cast<std::uint32_t>(low), static_cast<std::int64_t>(reference));
      EXPECT_EQ(time & 0x7FFFFFFF, static_cast<std::int64_t>(low & 0x7FFFFFFF));
    }
}

TEST(Timestamp, NeverMovesFurtherThanHalfTheRange) {
  for (std::uint64_t reference = 0; reference < 3ull << 32; reference += 0x0FFFFFFF)
    for (std::uint64_t low = 0; low <= 0xFFFFFFFF; low += 0x0AAAAAAA) {
      const auto from = static_cast<std::int64_t>(reference);
      const std::int64_t step = unwrap_timestamp(static_cast<std::uint32_t>(low), from) - from;
      EXPECT_LE(step, range_31);
      EXPECT_GE(step, -range_31);
    }
}

TEST(Timestamp, SurvivesJumpsOfHalfTheRange) {
  TimestampUnwrapper unwrap;
  std::int64_t last = unwrap(0);
  for (int i = 1; i < 100'000; ++i) {
    const std::uint32_t low = i % 2 ? 0x80000000u : 0u;
    const std::int64_t time = unwrap(low);
    ASSERT_LE(std::abs(time - last), range_31);
    last = time;
  }
}

TEST(Timestamp, IsAtHomeAgainAfterAJumpThereAndBack) {
  for (const std::uint32_t jump : {0x40000000u, 0x7FFFFFFFu, 0x80000001u, 0xC0000000u}) {
    const std::uint32_t home = 0x90000000;
    const Times times = unwrap_all({home, home + jump, home + 40});
    EXPECT_EQ(times.back() - times.front(), 40) << jump;
  }
}

}  // namespace
}  // namespace rtmp
