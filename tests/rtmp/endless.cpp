// Sessions that live for months: time is an argument, so they take moments.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "pair.h"
#include "rtmp/client_session.h"
#include "rtmp/server_session.h"

namespace rtmp {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t border_24 = std::int64_t{1} << 24;
constexpr std::int64_t border_31 = std::int64_t{1} << 31;
constexpr std::int64_t border_32 = std::int64_t{1} << 32;

// A client that publishes to a server, and what the server heard.
class Endless : public testing::Test {
 protected:
  Endless() {
    ClientSession::Settings settings;
    settings.purpose = ClientSession::Purpose::publish;
    settings.app = "live";
    settings.stream = "cam";
    client_.emplace(settings, test::test_random());
    pair_.shake_hands();
    pair_.client.owner = [this](const Message& message) {
      EXPECT_TRUE(client_->receive(message, pair_.now));
    };
    pair_.server.owner = [this](const Message& message) {
      EXPECT_TRUE(server_.receive(message, pair_.now));
      answer();
    };
    client_->start(pair_.now);
    for (int turn = 0; turn < 8 && !client_->started(); ++turn) run();
    EXPECT_TRUE(client_->started());
  }

  void run() {
    for (const Message& message : client_->take_output()) pair_.client.connection.send(message);
    for (const Message& message : server_.take_output()) pair_.server.connection.send(message);
    pair_.run();
  }

  void answer() {
    while (auto event = server_.next_event()) {
      if (std::get_if<server_event::ConnectRequest>(&*event)) server_.accept_connect();
      if (const auto* publish = std::get_if<server_event::PublishRequest>(&*event))
        server_.accept_publish(publish->stream_id);
      if (const auto* media = std::get_if<server_event::MediaReceived>(&*event))
        heard_.push_back(media->message.timestamp);
    }
  }

  // A frame at that time of the stream, and whether it came out with it.
  bool passes(MessageType type, std::int64_t timestamp) {
    const Message frame{type, 0, timestamp, Buffer::copy_of(test::from_hex("27 01 000000"))};
    pair_.client.connection.send(client_->to_send(frame));
    pair_.run();
    return std::exchange(heard_, {}) == std::vector{timestamp};
  }

  // Both sides' clocks, and whether nobody gave up.
  bool live_through(Duration duration) {
    pair_.advance(duration);
    const bool alive = pair_.client.connection.tick(pair_.now) &&
                       pair_.server.connection.tick(pair_.now) && client_->tick(pair_.now) &&
                       server_.tick(pair_.now);
    run();
    return alive && !pair_.client.error && !pair_.server.error;
  }

  test::Pair pair_{{.ping_interval = 30s, .limits = {}}};
  std::optional<ClientSession> client_;
  ServerSession server_{{}, pair_.now};
  std::vector<std::int64_t> heard_;
};

class Border : public Endless, public testing::WithParamInterface<std::int64_t> {};

TEST_P(Border, IsCrossedFrameByFrame) {
  for (std::int64_t time = GetParam() - 1000; time < GetParam() + 1000; time += 20) {
    ASSERT_TRUE(passes(MessageType::video, time)) << time;
    ASSERT_TRUE(passes(MessageType::audio, time + 7)) << time;
  }
}

TEST_P(Border, IsHitExactly) {
  for (std::int64_t time = GetParam() - 2; time <= GetParam() + 2; ++time)
    ASSERT_TRUE(passes(MessageType::video, time)) << time;
}

INSTANTIATE_TEST_SUITE_P(Times, Border,
                         testing::Values(border_24, border_31, border_31 + border_24, border_32));

TEST_F(Endless, RunsForHundredDaysOnOneTimeline) {
  constexpr std::int64_t step = 600'000;
  for (std::int64_t time = 0; time < 2 * border_32; time += step) {
    ASSERT_TRUE(passes(MessageType::video, time)) << time;
    if (time > border_32) continue;
    ASSERT_TRUE(passes(MessageType::audio, time + step / 2)) << time;
  }
}

TEST_F(Endless, KeepsAnIdleConnectionAliveForAWeekOfPings) {
  for (Duration lived = {}; lived < 24h * 7; lived += 30s) ASSERT_TRUE(live_through(30s));
  EXPECT_TRUE(pair_.client.connection.stats().ping_round_trip);
  EXPECT_TRUE(pair_.server.connection.stats().ping_round_trip);
}

TEST_F(Endless, KeepsNoOutputAndNoPartsOverADay) {
  for (std::int64_t second = 0; second < 24 * 3600; second += 10) {
    ASSERT_TRUE(passes(MessageType::video, second * 1000));
    ASSERT_TRUE(live_through(10s));
  }
  EXPECT_TRUE(pair_.client.connection.output().empty());
  EXPECT_TRUE(pair_.server.connection.output().empty());
  EXPECT_EQ(pair_.server.connection.stats().bytes_in, pair_.client.connection.stats().bytes_out);
}

TEST_F(Endless, AcknowledgesPast4GiBOfFrames) {
  constexpr std::size_t size = 8'000'000;
  const Message frame{MessageType::video, 0, 0,
                      Buffer::adopt(std::vector<std::uint8_t>(size, 0x27))};
  pair_.client.connection.send(control::write(control::SetChunkSize{size}));
  pair_.run();
  pair_.client.connection.send(client_->to_send(frame));
  const auto bytes = test::take_output(pair_.client.connection);
  while (pair_.server.connection.stats().bytes_in <= 0xFFFFFFFF) {
    pair_.feed(pair_.server, bytes);
    ASSERT_EQ(std::exchange(heard_, {}).size(), 1u);
  }
  pair_.run();
  EXPECT_GT(pair_.server.connection.stats().acknowledged_in, 0xFFFFFFFF);
  EXPECT_EQ(pair_.client.connection.stats().acknowledged_out,
            static_cast<std::uint32_t>(pair_.server.connection.stats().acknowledged_in));
}

}  // namespace
}  // namespace rtmp
