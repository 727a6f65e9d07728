// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/frame_queue.h"

#include <gtest/gtest.h>

#include "relay/frames.h"

namespace relay {
namespace {

using namespace std::chrono_literals;
using namespace test;
using Outcome = FrameQueue::Outcome;

const rtmp::Time start = rtmp::Time{} + 1h;

constexpr std::uint8_t key_frame = 0x96, inter_frame = 0xA6;
rtmp::Message of_track(std::uint8_t id, std::uint8_t first_byte, std::size_t size) {
  return message(rtmp::MessageType::video, 0, {first_byte, 0x03, 'a', 'v', 'c', '1', id}, size);
}

class FrameQueueTest : public testing::Test {
 protected:
  Outcome push(rtmp::Message message, rtmp::Duration at = {}) {
    queue_.push(make_frame(std::move(message), ++sequence_, 60'000), start + at);
    return queue_.keep_limits(start + at);
  }
  std::string rest() {
    std::string text;
    while (const FramePtr frame = queue_.pop()) text += letter(*frame);
    return text;
  }

  FrameQueue queue_{{.bytes = 10'000, .time = 3s, .hard_bytes = 20'000, .hard_time = 10s}};
  std::uint64_t sequence_ = 0;
};

TEST_F(FrameQueueTest, GivesFramesInTheOrderTheyCame) {
  push(key(0));
  push(audio(10));
  push(inter(40));
  EXPECT_EQ(rest(), "kai");
  EXPECT_EQ(queue_.bytes(), 0u);
}

TEST_F(FrameQueueTest, DropsDisposableFramesFirst) {
  push(key(0, 4000));
  push(disposable(40, 4000));
  push(inter(80, 4000));
  EXPECT_EQ(queue_.dropped(), 1u);
  EXPECT_EQ(rest(), "ki");
}

TEST_F(FrameQueueTest, DropsWhatComesBeforeTheLastKeyFrame) {
  push(key(0, 3000));
  push(audio(10));
  push(inter(40, 3000));
  push(key(80, 3000));
  push(inter(120, 3000));
  EXPECT_EQ(rest(), "aki");
}

TEST_F(FrameQueueTest, DropsEachTrackUpToItsOwnKeyFrame) {
  push(of_track(1, key_frame, 3000));
  push(of_track(1, inter_frame, 1000));
  push(key(0, 2500));
  push(inter(40, 2500));
  push(key(80, 3000));
  EXPECT_EQ(rest(), "kik") << "track 1 as it was";
}

TEST_F(FrameQueueTest, WaitsForAKeyFrameOfEachTrack) {
  queue_.wait_for_key();
  push(key(0));
  push(of_track(1, inter_frame, 100));
  push(of_track(1, key_frame, 100));
  push(of_track(1, inter_frame, 100));
  EXPECT_EQ(rest(), "kki");
}

TEST_F(FrameQueueTest, WaitsForTheNextKeyFrameWhereThereIsNone) {
  push(inter(0, 6000));
  push(audio(10));
  push(inter(40, 6000));
  push(inter(80));
  push(key(120));
  push(inter(160));
  EXPECT_EQ(rest(), "aki");
  EXPECT_EQ(queue_.dropped(), 3u);
}

TEST_F(FrameQueueTest, KeepsHeadersAndData) {
  push(metadata());
  push(video_header());
  push(audio_header());
  push(inter(0, 12'000));
  EXPECT_EQ(rest(), "MHh");
}

TEST_F(FrameQueueTest, CountsTheTimeThatFramesHaveWaitedAndNotTheirTimestamps) {
  push(key(0));
  EXPECT_EQ(push(inter(std::int64_t{1} << 31), 1s), Outcome::ok);
  EXPECT_EQ(queue_.dropped(), 0u);
  push(inter(80), 4s);
  EXPECT_EQ(queue_.dropped(), 3u) << "a picture of four seconds ago is of no use";
}

TEST_F(FrameQueueTest, GivesUpAPlayerThatTakesNothingForTooLong) {
  push(audio(0));
  EXPECT_EQ(push(audio(9'000), 9s), Outcome::ok);
  EXPECT_EQ(push(audio(11'000), 11s), Outcome::beyond_help);
}

TEST_F(FrameQueueTest, GivesFramesBackWhereMemoryIsShort) {
  for (rtmp::Message& message : std::vector{video_header(), key(0), audio(5), metadata()})
    push(std::move(message));
  EXPECT_TRUE(queue_.shed());
  EXPECT_EQ(rest(), "HM");
  EXPECT_EQ(queue_.dropped(), 2u);
  EXPECT_FALSE(queue_.shed()) << "there is nothing more";
}

TEST_F(FrameQueueTest, GivesUpAPlayerThatHoldsTooMuch) {
  EXPECT_EQ(push(audio(0, 15'000)), Outcome::ok);
  EXPECT_EQ(push(audio(20, 15'000)), Outcome::beyond_help);
}

}  // namespace
}  // namespace relay
