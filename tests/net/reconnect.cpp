// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/reconnect.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "net/client.h"

namespace net {
namespace {

using namespace std::chrono_literals;
using rtmp::Error;
using rtmp::Time;
using Stage = Failure::Stage;

constexpr ReconnectPolicy::Settings settings{
    .enabled = true, .max_retries = -1, .backoff_min = 500ms, .backoff_max = 15s};

// Chance at one of its ends.
rtmp::Random always(std::uint8_t byte) {
  return [byte](std::span<std::uint8_t> out) { std::ranges::fill(out, byte); };
}
const rtmp::Random lowest = always(0), highest = always(255);

rtmp::Duration delay_after(int attempts, const rtmp::Random& random) {
  ReconnectPolicy policy(settings);
  for (int i = 1; i < attempts; ++i) policy.next_delay({}, random);
  return policy.next_delay({}, random).value_or(-1s);
}

TEST(ReconnectPolicy, DoublesTheDelayUpToItsBound) {
  EXPECT_EQ(delay_after(1, lowest), 500ms);
  EXPECT_EQ(delay_after(2, lowest), 1s);
  EXPECT_EQ(delay_after(3, lowest), 2s);
  EXPECT_EQ(delay_after(50, lowest), 7500ms);
}

TEST(ReconnectPolicy, LeavesHalfOfEachDelayToChance) {
  EXPECT_GT(delay_after(1, highest), 990ms);
  EXPECT_LT(delay_after(1, highest), 1s);
  EXPECT_GT(delay_after(50, highest), 14990ms);
  EXPECT_LE(delay_after(50, highest), 15s);
}

TEST(ReconnectPolicy, WaitsForTheLongerTimeWhereTheBoundsAreTheWrongWayRound) {
  ReconnectPolicy policy({.enabled = true, .backoff_min = 3s, .backoff_max = 1s});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(policy.next_delay({}, highest), 3s);
}

TEST(ReconnectPolicy, NeedsNoDelayAtAll) {
  ReconnectPolicy policy({.enabled = true, .backoff_min = 0s, .backoff_max = 0s});
  EXPECT_EQ(policy.next_delay({}, highest), 0s);
}

TEST(ReconnectPolicy, GivesUpAfterItsRetries) {
  ReconnectPolicy policy({.enabled = true, .max_retries = 2});
  EXPECT_TRUE(policy.next_delay({}, lowest));
  EXPECT_TRUE(policy.next_delay({}, lowest));
  EXPECT_FALSE(policy.next_delay({}, lowest));
}

TEST(ReconnectPolicy, NeverTriesWhereItIsSwitchedOff) {
  ReconnectPolicy policy({.enabled = false});
  EXPECT_FALSE(policy.next_delay({}, lowest));
  EXPECT_FALSE(policy.may_move({}));
}

TEST(ReconnectPolicy, BeginsAnewWithAStreamThatLasted) {
  ReconnectPolicy policy(settings);
  for (int i = 0; i < 5; ++i) policy.next_delay({}, lowest);
  policy.on_started(Time(10s));
  EXPECT_EQ(policy.next_delay(Time(12s), lowest), 500ms);
  EXPECT_EQ(policy.attempts(), 1u);
}

TEST(ReconnectPolicy, CountsAStreamThatEndsAtOnceAsOneMoreAttempt) {
  ReconnectPolicy policy(settings);
  policy.next_delay({}, lowest);
  policy.on_started(Time(10s));
  EXPECT_EQ(policy.next_delay(Time(11s), lowest), 1s);
  EXPECT_EQ(policy.attempts(), 2u);
}

TEST(ReconnectPolicy, IsNotSentInCircles) {
  ReconnectPolicy policy(settings);
  int moves = 0;
  while (moves < 100 && policy.may_move(Time(1s))) {
    policy.on_started(Time(1s));
    ++moves;
  }
  EXPECT_EQ(moves, 5);
  EXPECT_TRUE(policy.may_move(Time(1min)));
}

// --- failures

Failure refusal(const std::string& code) {
  return {Stage::command, Error::refused, "", "publish", {"error", code, ""}};
}

TEST(Failures, AreFinalWhereTheServerRefused) {
  for (const char* code : {"NetStream.Publish.BadName", "NetStream.Play.StreamNotFound",
                           "NetConnection.Connect.Rejected", ""})
    EXPECT_TRUE(is_final(refusal(code))) << code;
}

TEST(Failures, AreNotFinalWhereTheServerGoesDown) {
  EXPECT_FALSE(is_final(refusal("NetConnection.Connect.AppShutdown")));
}

TEST(Failures, AreNotFinalWhereTheNetworkFails) {
  for (const Stage stage :
       {Stage::resolve, Stage::connect, Stage::tls, Stage::handshake, Stage::streaming})
    EXPECT_FALSE(is_final({stage, Error::closed, "", {}, {}}));
}

TEST(Failures, AreFinalWhereACertificateIsNotAccepted) {
  EXPECT_TRUE(is_final({Stage::tls, Error::closed, "", {}, {}, true}));
}

TEST(Failures, AreFinalWhereTheApplicationSetTheEnd) {
  EXPECT_TRUE(is_final({Stage::streaming, Error::idle_timeout, "", {}, {}}));
}

// --- where a server sends us

TEST(TcUrl, IsTheSameWhereTheServerNamesNone) {
  EXPECT_EQ(resolve_tc_url("rtmp://host:1936/live", ""), "rtmp://host:1936/live");
}

TEST(TcUrl, MayBeAbsolute) {
  EXPECT_EQ(resolve_tc_url("rtmp://host/live", "rtmps://other/app"), "rtmps://other/app");
}

TEST(TcUrl, MayNameAnotherHost) {
  EXPECT_EQ(resolve_tc_url("rtmps://host/live", "//other:444/app"), "rtmps://other:444/app");
}

TEST(TcUrl, MayNameAnotherApplication) {
  EXPECT_EQ(resolve_tc_url("rtmp://host:1936/live/inst", "/app"), "rtmp://host:1936/app");
  EXPECT_EQ(resolve_tc_url("rtmp://host", "/app"), "rtmp://host/app");
}

TEST(TcUrl, MayNameAnApplicationBesideThatOne) {
  EXPECT_EQ(resolve_tc_url("rtmp://host/live/inst?k=a/b", "other"), "rtmp://host/live/other");
  EXPECT_EQ(resolve_tc_url("rtmp://host/live", "other?k=1"), "rtmp://host/other?k=1");
  EXPECT_EQ(resolve_tc_url("rtmp://host", "other"), "rtmp://host/other");
}

}  // namespace
}  // namespace net
