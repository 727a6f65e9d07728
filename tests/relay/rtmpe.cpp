// SPDX-License-Identifier: LGPL-2.1-or-later
#include <set>

#include "relay/server_test.h"

namespace relay {
namespace {

using namespace test;

// A server for RTMP and RTMPE.
class RtmpeTest : public ServerTest {
 protected:
  static Server::Settings open_to(std::initializer_list<Protocol> protocols) {
    Server::Settings open = settings();
    open.protocols.bits = 0;
    for (Protocol protocol : protocols) open.protocols.bits |= static_cast<unsigned>(protocol);
    return open;
  }
  void start_both() { start(open_to({Protocol::rtmp, Protocol::rtmpe})); }
  std::unique_ptr<SyncClient> encrypted(Purpose purpose) {
    rtmp::Connection::Settings connection;
    connection.handshake = rtmp::ClientHandshake::Kind::encrypted;
    return std::make_unique<SyncClient>(server_->port(), purpose, "cam", rtmp::amf::Object(),
                                        connection);
  }
};

TEST_F(RtmpeTest, SharesAStreamWithRtmp) {
  start_both();
  const auto plain_player = player();
  const auto encrypted_player = encrypted(Purpose::play);
  ASSERT_TRUE(plain_player->start());
  ASSERT_TRUE(encrypted_player->start());
  const auto source = encrypted(Purpose::publish);
  ASSERT_TRUE(source->start());
  source->send({metadata(), video_header(), audio_header(), key(0), audio(10), inter(40)});
  for (SyncClient* one : {plain_player.get(), encrypted_player.get()})
    EXPECT_TRUE(one->run_until_seen(sample_access + "MHhkai")) << one->seen;
}

TEST_F(RtmpeTest, CarriesLargeMessagesWholeThoughOthersGetThemInClear) {
  start_both();
  const auto plain_player = player();
  const auto encrypted_player = encrypted(Purpose::play);
  ASSERT_TRUE(plain_player->start());
  ASSERT_TRUE(encrypted_player->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  const rtmp::Message large = key(0, 1'000'000);
  source->send({large, inter(40, 100'000)});
  for (SyncClient* one : {plain_player.get(), encrypted_player.get()}) {
    ASSERT_TRUE(one->run_until_seen(sample_access + "ki")) << one->seen;
    EXPECT_TRUE(std::ranges::equal(one->media[1].payload.bytes(), large.payload.bytes()));
  }
}

TEST_F(RtmpeTest, StartsLatePlayersWithTheGop) {
  start_both();
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  const auto early = player();
  ASSERT_TRUE(early->start());
  source->send({metadata(), video_header(), key(0), inter(40)});
  ASSERT_TRUE(early->run_until_seen(sample_access + "MHki"));
  const auto late = encrypted(Purpose::play);
  ASSERT_TRUE(late->start());
  EXPECT_TRUE(late->run_until_seen(sample_access + "MHki")) << late->seen;
}

TEST_F(RtmpeTest, IsToldInTheStatistics) {
  start_both();
  const auto plain_player = player();
  ASSERT_TRUE(plain_player->start());
  const auto encrypted_player = encrypted(Purpose::play);
  ASSERT_TRUE(encrypted_player->start());
  std::multiset<std::string> protocols;
  for (const auto& client : server_->stats().client_list) protocols.insert(client.protocol);
  EXPECT_EQ(protocols, (std::multiset<std::string>{"rtmp", "rtmpe"}));
}

TEST_F(RtmpeTest, IsOffByDefault) {
  start();
  EXPECT_TRUE(encrypted(Purpose::play)->run_until_closed());
  ASSERT_TRUE(observer_.wait_removed(1));
  EXPECT_EQ(count(Limit::first_byte_rtmpe), 1u);
}

TEST_F(RtmpeTest, MayBeAllThatIsSpoken) {
  start(open_to({Protocol::rtmpe}));
  EXPECT_TRUE(encrypted(Purpose::play)->start());
}

}  // namespace
}  // namespace relay
