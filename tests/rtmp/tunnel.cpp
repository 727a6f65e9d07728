// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/tunnel.h"

#include <gtest/gtest.h>

namespace rtmp::tunnel {
namespace {

using Kind = Request::Kind;
using Place = Order::Place;

TEST(TunnelTarget, IsReadAsItIsWritten) {
  for (const char* target : {"/fcs/ident2", "/open/1", "/send/XvQ6yRL1/0", "/idle/a-b_c.d~/17",
                             "/close/9/18446744073709551615"}) {
    const auto request = read_target(target);
    ASSERT_TRUE(request) << target;
    EXPECT_EQ(write_target(*request), target);
  }
}

TEST(TunnelTarget, NamesSessionAndNumber) {
  const auto request = read_target("/send/XvQ6yRL1/42");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->kind, Kind::send);
  EXPECT_EQ(request->session, "XvQ6yRL1");
  EXPECT_EQ(request->number, 42u);
}

TEST(TunnelTarget, IsNothingElse) {
  for (const char* target :
       {"", "/", "/open", "/open/2", "/send", "/send/", "/send//0", "/send/a", "/send/a/",
        "/send/a/b", "/send/a/-1", "/send/a/1/2", "/send/a/18446744073709551616", "/idle/a b/1",
        "/close/../1/2", "send/a/1", "/live/cam.flv"})
    EXPECT_FALSE(read_target(target)) << target;
}

TEST(TunnelTarget, HasAnIdOfAtMost63Characters) {
  EXPECT_TRUE(read_target("/idle/" + std::string(63, 'a') + "/1"));
  EXPECT_FALSE(read_target("/idle/" + std::string(64, 'a') + "/1"));
}

TEST(TunnelSessionId, EndsBeforeTheWhiteSpace) {
  EXPECT_EQ(read_session_id("Ab12Cd34\n"), "Ab12Cd34");
  EXPECT_EQ(read_session_id("Ab12Cd34\r\n"), "Ab12Cd34");
  EXPECT_EQ(read_session_id("Ab12Cd34"), "Ab12Cd34");
}

TEST(TunnelSessionId, IsNoPath) {
  for (const char* body : {"", "\n", "a/b\n", "a b\n", "a\nb\n", "<html>"})
    EXPECT_FALSE(read_session_id(body)) << body;
}

TEST(TunnelInterval, GrowsWhileThereIsNothingToSay) {
  Interval interval;
  std::string values;
  for (int i = 0; i < 77; ++i) values += static_cast<char>(interval.next(true));
  std::string expected(10, 1);
  for (const char value : {3, 5, 9, 17, 33, 33}) expected += std::string(11, value);
  EXPECT_EQ(values, expected + '\x21');
}

TEST(TunnelInterval, IsShortAgainAfterData) {
  Interval interval;
  for (int i = 0; i < 100; ++i) interval.next(true);
  EXPECT_EQ(interval.next(false), 1);
  EXPECT_EQ(interval.next(true), 1);
}

TEST(TunnelInterval, CountsIn16Milliseconds) {
  EXPECT_EQ(pause(1), std::chrono::milliseconds(16));
  EXPECT_EQ(pause(0x21), std::chrono::milliseconds(528));
}

TEST(TunnelOrder, BeginsWith0OrWith1) {
  for (const std::uint64_t first : {0, 1}) {
    Order order;
    EXPECT_EQ(order.place(first), Place::turn);
    order.advance();
    EXPECT_EQ(order.place(first + 1), Place::turn);
  }
  Order order;
  EXPECT_EQ(order.place(2), Place::wrong);
}

TEST(TunnelOrder, KnowsARequestThatComesAgain) {
  Order order;
  order.place(0);
  order.advance();
  EXPECT_EQ(order.place(0), Place::again);
  EXPECT_EQ(order.place(1), Place::turn);
  order.advance();
  EXPECT_EQ(order.place(1), Place::again);
  EXPECT_EQ(order.place(0), Place::wrong);
}

TEST(TunnelOrder, LetsSomeOvertake) {
  Order order;
  EXPECT_EQ(order.place(0), Place::turn);
  EXPECT_EQ(order.place(1), Place::early);
  EXPECT_EQ(order.place(8), Place::early);
  EXPECT_EQ(order.place(9), Place::wrong);
  order.advance();
  EXPECT_EQ(order.place(1), Place::turn);
}

TEST(TunnelOrder, HoldsAtTheLastNumber) {
  Order order;
  order.place(0);
  order.advance();
  EXPECT_EQ(order.place(~std::uint64_t{0}), Place::wrong);
}

}  // namespace
}  // namespace rtmp::tunnel
