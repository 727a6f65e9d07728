// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/timeline.h"

#include <gtest/gtest.h>

#include "elements/pipeline.h"

namespace rtmp::test {
namespace {

Message frame_at(std::int64_t ms) {
  Message message = frame(0);
  message.timestamp = ms;
  return message;
}

TEST(Timeline, BeginsWithTheFirstFrame) {
  Timeline timeline;
  EXPECT_FALSE(timeline.place(sequence_header(), 0).first);
  const auto place = timeline.place(frame_at(123'456), 500);
  EXPECT_TRUE(place.first);
  EXPECT_EQ(place.timestamp, 123'456);
  EXPECT_FALSE(timeline.place(frame_at(123'496), 540).first);
}

TEST(Timeline, PlacesHeadersNextToFrames) {
  Timeline timeline;
  timeline.place(frame_at(5000), 0);
  EXPECT_EQ(timeline.place(sequence_header(), 40).timestamp, 5000);
}

TEST(Timeline, LeavesTheOrderOfTracksAlone) {
  Timeline timeline;
  timeline.place(frame_at(5000), 0);
  const auto place = timeline.place(frame_at(4960), 10);
  EXPECT_EQ(place.timestamp, 4960);
  EXPECT_FALSE(place.jumped);
}

TEST(Timeline, GoesOnWhereTheServerStartsAgain) {
  Timeline timeline;
  timeline.place(frame_at(60'000), 1000);
  const auto place = timeline.place(frame_at(0), 4000);
  EXPECT_TRUE(place.jumped);
  EXPECT_EQ(place.timestamp, 63'000);
  EXPECT_EQ(timeline.place(frame_at(40), 4040).timestamp, 63'040);
}

TEST(Timeline, GoesOnWhereTheServerJumpsAhead) {
  Timeline timeline;
  timeline.place(frame_at(1000), 0);
  const auto place = timeline.place(frame_at(100'000'000), 40);
  EXPECT_TRUE(place.jumped);
  EXPECT_EQ(place.timestamp, 1040);
}

TEST(Timeline, KeepsAPauseOfThePublisher) {
  Timeline timeline;
  timeline.place(frame_at(1000), 0);
  const auto place = timeline.place(frame_at(61'000), 60'000);
  EXPECT_FALSE(place.jumped);
  EXPECT_EQ(place.timestamp, 61'000);
}

// --- a recording that another connection goes on with

TEST(Timeline, GoesOnInARecordingWithANewLine) {
  Timeline timeline;
  timeline.place(frame_at(10'000), 500);
  timeline.place(frame_at(12'000), 2500);
  timeline.resume(12'000);
  const auto place = timeline.place(frame_at(12'040), 7000);
  EXPECT_TRUE(place.first);
  EXPECT_EQ(place.timestamp, 12'040);
  EXPECT_EQ(place.start, 12'000);
  EXPECT_EQ(place.running, 7000);
}

TEST(Timeline, GoesOnBehindWhatWasSentAheadOfTheClock) {
  Timeline timeline;
  timeline.place(frame_at(0), 500);
  timeline.place(frame_at(9000), 600);
  timeline.resume(9000);
  EXPECT_EQ(timeline.place(frame_at(9040), 700).running, 9500);
}

TEST(Timeline, TakesTimesOfAServerThatCountsFromThePlaceAskedFor) {
  Timeline timeline;
  timeline.place(frame_at(0), 0);
  timeline.place(frame_at(60'000), 60'000);
  timeline.resume(60'000);
  EXPECT_EQ(timeline.place(frame_at(0), 61'000).timestamp, 60'000);
  EXPECT_EQ(timeline.place(frame_at(40), 61'040).timestamp, 60'040);
}

TEST(Timeline, HasNothingToGoOnWithBeforeAFrame) {
  Timeline timeline;
  timeline.resume(5000);
  const auto place = timeline.place(frame_at(80), 10);
  EXPECT_EQ(place.start, 80);
  EXPECT_EQ(place.timestamp, 80);
}

}  // namespace
}  // namespace rtmp::test
