// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/swf.h"

#include <gtest/gtest.h>

#include "pair.h"
#include "records.h"
#include "rtmp/client_session.h"

namespace rtmp {
namespace {

using test::field;
using test::from_hex;
using test::Pair;
using test::to_hex;

class SwfTest : public testing::Test {
 protected:
  static swf::Key key_of(const test::Record& record) {
    swf::Key key;
    std::ranges::copy(from_hex(field(record, "key")), key.begin());
    return key;
  }

  const test::Record record_ = test::read_records("handshake/swf.txt").at(0);
  const swf::Player player_ = swf::describe(from_hex(field(record_, "file")));
  const swf::Key key_ = key_of(record_);
};

Message user_control(std::string_view hex) {
  return {MessageType::user_control, 0, 0, Buffer::adopt(from_hex(hex))};
}

TEST_F(SwfTest, DescribesAFileByHashAndSize) {
  EXPECT_EQ(to_hex(player_.hash), field(record_, "hash"));
  EXPECT_EQ(player_.size, 108u);
}

TEST_F(SwfTest, AnswersAsTheVectorDoes) {
  EXPECT_EQ(to_hex(swf::response(player_, key_).payload), field(record_, "response"));
}

TEST_F(SwfTest, ProvesToWhoKnowsTheFile) {
  EXPECT_TRUE(swf::proves(user_control(field(record_, "response")), player_, key_));
}

TEST_F(SwfTest, ProvesNothingWithOneOtherBit) {
  for (std::size_t at = 0; at < 44; ++at) {
    auto bytes = from_hex(field(record_, "response"));
    bytes[at] ^= 1;
    EXPECT_FALSE(swf::proves(user_control(to_hex(bytes)), player_, key_)) << at;
  }
}

TEST_F(SwfTest, ProvesNothingOnAnotherConnection) {
  EXPECT_FALSE(swf::proves(user_control(field(record_, "response")), player_, swf::Key{}));
}

TEST_F(SwfTest, ProvesNothingWithLessOrMoreBytes) {
  const std::string response = field(record_, "response");
  EXPECT_FALSE(swf::proves(user_control(response.substr(2)), player_, key_));
  EXPECT_FALSE(swf::proves(user_control(response + "00"), player_, key_));
  EXPECT_FALSE(swf::proves(user_control(""), player_, key_));
}

TEST(SwfRequest, IsOneOfAVersionThatIsUnderstood) {
  EXPECT_EQ(to_hex(swf::request().payload), "001a01");
  EXPECT_TRUE(swf::is_request(swf::request()));
  EXPECT_TRUE(swf::is_request(user_control("001a")));
  EXPECT_FALSE(swf::is_request(user_control("001a02")));
  EXPECT_FALSE(swf::is_request(user_control("001b01")));
  EXPECT_FALSE(swf::is_request(user_control("00")));
}

// The end of the server's S1 is the same on both sides, encrypted or not.
TEST(SwfKey, IsTheSameOnBothSides) {
  using Kind = ClientHandshake::Kind;
  for (Kind kind : {Kind::simple, Kind::digest, Kind::encrypted}) {
    Connection::Settings settings;
    settings.handshake = kind;
    settings.accepts = {true, true};
    settings.keep_swf_key = true;
    Pair pair(settings);
    pair.shake_hands();
    EXPECT_EQ(to_hex(pair.client.connection.swf_key()), to_hex(pair.server.connection.swf_key()));
    EXPECT_NE(pair.client.connection.swf_key(), swf::Key{});
  }
}

std::vector<Message> answers(std::optional<swf::Player> player, const swf::Key& key) {
  ClientSession::Settings settings;
  settings.swf = player;
  ClientSession session(settings, test::test_random());
  session.start({}, key);
  session.take_output();
  EXPECT_TRUE(session.receive(swf::request(), {}).has_value());
  return session.take_output();
}

TEST_F(SwfTest, IsProvenByASessionThatIsAsked) {
  const auto output = answers(player_, key_);
  ASSERT_EQ(output.size(), 1u);
  EXPECT_TRUE(swf::proves(output[0], player_, key_));
}

TEST_F(SwfTest, IsNotProvenByASessionThatKnowsNone) {
  EXPECT_TRUE(answers(std::nullopt, key_).empty());
}

}  // namespace
}  // namespace rtmp
