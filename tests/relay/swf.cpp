// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/server_test.h"

namespace relay {
namespace {

using namespace test;
using namespace std::chrono_literals;

// A server that wants a proof.
class SwfVerification : public ServerTest {
 protected:
  static rtmp::swf::Player file(std::string_view content) {
    return rtmp::swf::describe(rtmp::as_bytes(content));
  }
  void start_with(rtmp::Duration patience = 10s) {
    Server::Settings verifying = settings();
    verifying.swf = file("FWS the right one");
    verifying.swf_timeout = patience;
    start(verifying);
  }
  std::unique_ptr<SyncClient> client_with(std::optional<rtmp::swf::Player> player) {
    rtmp::Connection::Settings connection;
    connection.handshake = rtmp::ClientHandshake::Kind::digest;
    connection.keep_swf_key = true;
    return std::make_unique<SyncClient>(server_->port(), Purpose::play, "cam", rtmp::amf::Object(),
                                        connection, player);
  }
  // The reason that the server gives.
  std::string refusal(SyncClient& client) {
    EXPECT_FALSE(client.start());
    if (!client.refused) return "none";
    EXPECT_EQ(client.refused->status.code, "NetConnection.Connect.Rejected");
    return client.refused->status.description;
  }
};

TEST_F(SwfVerification, LetsTheRightPlayerIn) {
  start_with();
  EXPECT_TRUE(client_with(file("FWS the right one"))->start());
}

TEST_F(SwfVerification, TurnsAnotherPlayerAway) {
  start_with();
  const auto client = client_with(file("FWS another"));
  EXPECT_EQ(refusal(*client), "The SWF verification failed: this is another player.");
  EXPECT_TRUE(client->run_until_closed());
}

TEST_F(SwfVerification, WaitsNoLongerForAnAnswer) {
  start_with(100ms);
  const auto client = client_with(std::nullopt);
  EXPECT_EQ(refusal(*client), "The SWF verification was not answered in time.");
  EXPECT_EQ(count(Limit::connect_timeout), 1u);
}

TEST_F(SwfVerification, AsksNobodyToDecideBeforeTheProof) {
  std::atomic<int> asked = 0;
  observer_.decide = [&](const Request&) {
    ++asked;
    return Decision{};
  };
  start_with();
  const auto client = client_with(file("FWS another"));
  EXPECT_FALSE(client->start());
  EXPECT_EQ(asked, 0);
}

TEST_F(SwfVerification, IsNotAskedForByDefault) {
  start();
  EXPECT_TRUE(client_with(std::nullopt)->start());
}

}  // namespace
}  // namespace relay
