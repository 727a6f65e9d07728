// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/message_queue.h"

#include <gtest/gtest.h>

#include <future>

#include "rtmp/support.h"

namespace net {
namespace {

using namespace std::chrono_literals;
using rtmp::Message;
using rtmp::MessageType;
using Leaky = MessageQueue::Leaky;
using Outcome = MessageQueue::Outcome;

constexpr auto patience = 10s;

Message message(MessageType type, std::int64_t timestamp, std::string_view first_bytes,
                std::size_t size = 100) {
  std::vector<std::uint8_t> payload = rtmp::test::from_hex(first_bytes);
  payload.resize(size);
  return {type, 0, timestamp, rtmp::Buffer::adopt(std::move(payload))};
}
Message key(std::int64_t timestamp) { return message(MessageType::video, timestamp, "1701"); }
Message inter(std::int64_t timestamp) { return message(MessageType::video, timestamp, "2701"); }
Message disposable(std::int64_t timestamp) {
  return message(MessageType::video, timestamp, "3701");
}
Message header(std::int64_t timestamp) { return message(MessageType::video, timestamp, "1700"); }
Message audio(std::int64_t timestamp) { return message(MessageType::audio, timestamp, "af01"); }
Message data(std::int64_t timestamp) {
  return message(MessageType::data, timestamp, "02 000a 6f6e4d65746144617461");
}

// "k0 i40 d80 a90 h100 o110" by kind and timestamp; empties the queue.
std::string contents(MessageQueue& queue) {
  std::string text;
  while (const auto popped = queue.try_pop()) {
    const std::uint8_t first = popped->payload.data()[0], second = popped->payload.data()[1];
    const char letter = popped->type == MessageType::audio  ? 'a'
                        : popped->type == MessageType::data ? 'o'
                        : second == 0                       ? 'h'
                        : first == 0x17                     ? 'k'
                        : first == 0x27                     ? 'i'
                                                            : 'd';
    text += (text.empty() ? "" : " ") + std::string(1, letter) + std::to_string(popped->timestamp);
  }
  return text;
}

// The outcome of a push on another thread.
std::future<Outcome> push_elsewhere(MessageQueue& queue, Message pushed) {
  return std::async(std::launch::async, [&queue, pushed = std::move(pushed)]() mutable {
    return queue.push(std::move(pushed));
  });
}

bool is_waiting(const std::future<Outcome>& outcome) {
  return outcome.wait_for(20ms) == std::future_status::timeout;
}

TEST(MessageQueue, GivesMessagesInOrder) {
  MessageQueue queue({});
  queue.push(key(0));
  queue.push(audio(10));
  queue.push(inter(40));
  EXPECT_EQ(queue.level().messages, 3u);
  EXPECT_EQ(queue.level().bytes, 300u);
  EXPECT_EQ(queue.level().ms, 40);
  EXPECT_EQ(contents(queue), "k0 a10 i40");
  EXPECT_EQ(queue.level().bytes, 0u);
}

TEST(MessageQueue, CountsNoTimeOfHeadersAndData) {
  MessageQueue queue({1'000'000, 100});
  queue.push(data(0));
  queue.push(header(0));
  auto first = push_elsewhere(queue, key(3'600'000));
  EXPECT_FALSE(is_waiting(first));
  queue.push(inter(3'600'040));
  EXPECT_EQ(queue.level().ms, 40);
  queue.push(data(7'200'000));
  EXPECT_EQ(queue.level().ms, 40);
  auto last = push_elsewhere(queue, inter(3'600'120));
  EXPECT_TRUE(is_waiting(last));
  queue.clear();
  EXPECT_EQ(last.get(), Outcome::ok);
}

TEST(MessageQueue, KeepsHeadersOverARestart) {
  MessageQueue queue({});
  for (const Message& each : {data(0), header(0), key(0), audio(10), inter(40)}) queue.push(each);
  queue.close();
  queue.restart();
  EXPECT_EQ(queue.level().bytes, 200u);
  EXPECT_EQ(queue.level().ms, 0);
  EXPECT_EQ(queue.push(key(9000)), Outcome::ok);
  EXPECT_EQ(queue.level().dropped, 0u);
  EXPECT_EQ(contents(queue), "o0 h0 k9000");
}

TEST(MessageQueue, CountsTimeThatGoesBackwardAsNone) {
  MessageQueue queue({});
  queue.push(key(1000));
  queue.push(key(0));
  EXPECT_EQ(queue.level().ms, 0);
}

TEST(MessageQueue, HoldsThePusherWhileItIsFullOfBytes) {
  MessageQueue queue({.bytes = 200, .ms = 1000});
  queue.push(key(0));
  queue.push(inter(40));
  auto pushed = push_elsewhere(queue, inter(80));
  EXPECT_TRUE(is_waiting(pushed));
  queue.try_pop();
  EXPECT_EQ(pushed.get(), Outcome::ok);
  EXPECT_EQ(contents(queue), "i40 i80");
}

TEST(MessageQueue, HoldsThePusherWhileItIsFullOfTime) {
  MessageQueue queue({.bytes = 10'000, .ms = 100});
  queue.push(key(0));
  queue.push(inter(100));
  auto pushed = push_elsewhere(queue, inter(140));
  EXPECT_TRUE(is_waiting(pushed));
  queue.try_pop();
  EXPECT_EQ(pushed.get(), Outcome::ok);
}

TEST(MessageQueue, TakesOneMessageAboveTheLimitsWhenEmpty) {
  MessageQueue queue({.bytes = 10, .ms = 1000});
  EXPECT_EQ(queue.push(key(0)), Outcome::ok);
  EXPECT_EQ(queue.level().messages, 1u);
}

TEST(MessageQueue, WakesAPusherForHigherLimits) {
  MessageQueue queue({.bytes = 100, .ms = 1000});
  queue.push(key(0));
  auto pushed = push_elsewhere(queue, inter(40));
  queue.set_limits({.bytes = 200, .ms = 1000}, Leaky::no);
  EXPECT_EQ(pushed.get(), Outcome::ok);
}

TEST(MessageQueue, FlushingEndsAllWaiting) {
  MessageQueue full({.bytes = 100, .ms = 1000});
  full.push(key(0));
  auto pushed = push_elsewhere(full, inter(40));
  MessageQueue empty({});
  auto popped = std::async(std::launch::async, [&] {
    Message taken;
    return empty.pop(taken);
  });
  full.set_flushing(true);
  empty.set_flushing(true);
  EXPECT_EQ(pushed.get(), Outcome::flushing);
  EXPECT_EQ(popped.get(), Outcome::flushing);
  EXPECT_FALSE(full.wait_empty(patience));
  full.set_flushing(false);
  EXPECT_EQ(contents(full), "k0");
}

TEST(MessageQueue, GivesWhatItHasBeforeItSaysThatItIsClosed) {
  MessageQueue queue({});
  queue.push(key(0));
  queue.close(rtmp::Error::write_timeout);
  Message taken;
  EXPECT_EQ(queue.push(inter(40)), Outcome::closed);
  EXPECT_EQ(queue.pop(taken), Outcome::ok);
  EXPECT_EQ(queue.pop(taken), Outcome::closed);
  EXPECT_EQ(queue.error(), rtmp::Error::write_timeout);
}

TEST(MessageQueue, IsAsNewWhenReopened) {
  MessageQueue queue({});
  queue.push(key(0));
  queue.close(rtmp::Error::closed);
  queue.reopen();
  EXPECT_EQ(queue.level().messages, 0u);
  EXPECT_FALSE(queue.error());
  EXPECT_EQ(queue.push(key(0)), Outcome::ok);
}

TEST(MessageQueue, WaitsUntilItIsEmpty) {
  MessageQueue queue({});
  queue.push(key(0));
  EXPECT_FALSE(queue.wait_empty(1ms));
  auto emptied = std::async(std::launch::async, [&] { return queue.wait_empty(patience); });
  queue.try_pop();
  EXPECT_TRUE(emptied.get());
}

TEST(MessageQueue, WakesItsReaderWithEachPush) {
  MessageQueue queue({});
  int woken = 0;
  queue.set_wake([&] { ++woken; });
  queue.push(key(0));
  queue.push(inter(40));
  EXPECT_EQ(woken, 2);
  queue.set_wake({});
  queue.push(inter(80));
  EXPECT_EQ(woken, 2);
}

TEST(MessageQueue, LosesNothingBetweenThreads) {
  MessageQueue queue({.bytes = 500, .ms = 1'000'000});
  constexpr int count = 20'000;
  auto pushed = std::async(std::launch::async, [&] {
    for (int i = 0; i < count; ++i) queue.push(inter(i));
    queue.close();
  });
  Message taken;
  std::int64_t next = 0;
  while (queue.pop(taken) == Outcome::ok) {
    ASSERT_EQ(taken.timestamp, next);
    ++next;
  }
  EXPECT_EQ(next, count);
}

// --- leaky

TEST(LeakyMessageQueue, LosesDisposableFramesFirst) {
  MessageQueue queue({.bytes = 500, .ms = 1000}, Leaky::frames);
  queue.push(key(0));
  queue.push(disposable(40));
  queue.push(inter(80));
  queue.push(audio(90));
  queue.push(inter(120));
  queue.push(inter(160));
  EXPECT_EQ(queue.level().dropped, 1u);
  EXPECT_EQ(contents(queue), "k0 i80 a90 i120 i160");
}

TEST(LeakyMessageQueue, ThenLosesInterFramesUpToTheNextKeyFrame) {
  MessageQueue queue({.bytes = 600, .ms = 1000}, Leaky::frames);
  queue.push(key(0));
  queue.push(inter(40));
  queue.push(audio(50));
  queue.push(inter(80));
  queue.push(key(120));
  queue.push(inter(160));
  queue.push(inter(200));
  EXPECT_EQ(contents(queue), "k0 a50 k120 i160 i200");
}

TEST(LeakyMessageQueue, LosesFramesUntilAKeyFrameComes) {
  MessageQueue queue({.bytes = 300, .ms = 1000}, Leaky::frames);
  queue.push(key(0));
  queue.push(inter(40));
  queue.push(inter(80));
  queue.push(inter(120));  // one too many
  queue.push(inter(160));
  queue.push(audio(170));
  queue.push(key(200));
  EXPECT_EQ(contents(queue), "k0 a170 k200");
  EXPECT_EQ(queue.level().dropped, 4u);
  queue.push(inter(240));
  EXPECT_EQ(contents(queue), "i240");
}

TEST(LeakyMessageQueue, KeepsAudioThatIsOlderThanTheLimit) {
  MessageQueue queue({.bytes = 10'000, .ms = 100}, Leaky::frames);
  queue.push(audio(0));
  queue.push(key(0));
  queue.push(inter(40));
  queue.push(audio(60));
  queue.push(inter(80));
  queue.push(key(120));
  queue.push(inter(160));
  EXPECT_EQ(contents(queue), "a0 a60 k120 i160");
}

TEST(LeakyMessageQueue, LosesAudioLast) {
  MessageQueue queue({.bytes = 300, .ms = 1000}, Leaky::frames);
  queue.push(key(0));
  for (int i = 1; i <= 4; ++i) queue.push(audio(i));
  EXPECT_EQ(contents(queue), "a2 a3 a4");
}

TEST(LeakyMessageQueue, NeverLosesHeadersAndData) {
  MessageQueue queue({.bytes = 200, .ms = 1000}, Leaky::frames);
  queue.push(header(0));
  queue.push(data(0));
  queue.push(header(1));
  queue.push(data(2));
  EXPECT_EQ(contents(queue), "h0 o0 h1 o2");
  EXPECT_EQ(queue.level().dropped, 0u);
}

TEST(LeakyMessageQueue, NeverHoldsThePusher) {
  MessageQueue queue({.bytes = 1000, .ms = 200}, Leaky::frames);
  for (int i = 0; i < 10'000; ++i)
    EXPECT_EQ(queue.push(i % 50 == 0 ? key(i * 40) : inter(i * 40)), Outcome::ok);
  EXPECT_LE(queue.level().bytes, 1000u);
  EXPECT_LE(queue.level().ms, 200);
}

// --- while there is no connection

TEST(HeldMessageQueue, LosesItsBeginningUpToAKeyFrame) {
  MessageQueue queue({.bytes = 10'000, .ms = 100}, Leaky::oldest);
  for (const auto& each : {header(0), key(0), audio(10), inter(40), key(80), audio(90)})
    queue.push(each);
  queue.push(inter(120));
  EXPECT_EQ(queue.level().dropped, 3u);
  EXPECT_EQ(queue.level().dropped_bytes, 300u);
  EXPECT_EQ(contents(queue), "h0 k80 a90 i120");
}

TEST(HeldMessageQueue, LosesTheOldestSoundWhereThereAreNoPictures) {
  MessageQueue queue({.bytes = 300, .ms = 1000}, Leaky::oldest);
  for (int i = 0; i < 6; ++i) queue.push(audio(i));
  EXPECT_EQ(contents(queue), "a3 a4 a5");
}

TEST(HeldMessageQueue, LosesEveryFrameButNoHeader) {
  MessageQueue queue({}, Leaky::all);
  for (const auto& each : {data(0), header(0), key(0), audio(10), inter(40)}) queue.push(each);
  EXPECT_EQ(queue.level().dropped, 3u);
  EXPECT_EQ(contents(queue), "o0 h0");
}

TEST(HeldMessageQueue, LetsAPusherGoThatWaits) {
  MessageQueue queue({.bytes = 200, .ms = 1000}, Leaky::no);
  queue.push(key(0));
  queue.push(inter(40));
  auto pushed = push_elsewhere(queue, key(80));
  EXPECT_EQ(pushed.wait_for(50ms), std::future_status::timeout);
  queue.set_limits({.bytes = 200, .ms = 1000}, Leaky::oldest);
  ASSERT_EQ(pushed.wait_for(patience), std::future_status::ready);
  EXPECT_EQ(contents(queue), "k80");
}

}  // namespace
}  // namespace net
