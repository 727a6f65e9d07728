// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/connection.h"

#include <gtest/gtest.h>

#include "pair.h"

namespace rtmp {
namespace {

using namespace std::chrono_literals;
using control::Event;
using control::UserControl;
using test::from_hex;
using test::Pair;
using test::take_output;
using test::to_hex;
using Vector = std::vector<std::uint8_t>;

Message video(std::size_t size, std::int64_t timestamp = 0) {
  return {MessageType::video, 1, timestamp, Buffer::adopt(Vector(size, 0xAA))};
}

// A pair that has shaken hands.
struct Established : Pair {
  explicit Established(Connection::Settings settings = {}, std::size_t piece = 1 << 20)
      : Pair(settings, piece) {
    shake_hands();
  }
};

// --- the handshake ---

class Pieces : public testing::TestWithParam<std::size_t> {};

TEST_P(Pieces, ShakeHands) {
  Pair pair({}, GetParam());
  pair.run();
  EXPECT_TRUE(pair.client.connection.established());
  EXPECT_TRUE(pair.server.connection.established());
  EXPECT_EQ(pair.client.connection.stats().bytes_in, 3073u);
  EXPECT_EQ(pair.server.connection.stats().bytes_in, 3073u);
}

TEST_P(Pieces, CarryMessages) {
  Established pair({}, GetParam());
  pair.client.connection.send(video(1000, 7));
  pair.run();
  ASSERT_EQ(pair.server.messages.size(), 1u);
  EXPECT_EQ(pair.server.messages[0].timestamp, 7);
  EXPECT_EQ(pair.server.messages[0].payload.size(), 1000u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Pieces, testing::Values(1, 2, 100, 1536, 1 << 20));

TEST(Connection, ShakesHandsWithDigests) {
  Connection::Settings settings;
  settings.handshake = ClientHandshake::Kind::digest;
  Pair pair(settings);
  pair.run();
  EXPECT_TRUE(pair.client.connection.established());
}

TEST(Connection, ReadsMessagesInTheSegmentThatEndsTheHandshake) {
  Pair pair;
  pair.feed(pair.server, take_output(pair.client.connection));
  pair.feed(pair.client, take_output(pair.server.connection));
  pair.client.connection.send(video(10));
  pair.feed(pair.server, take_output(pair.client.connection));  // C2 and a chunk
  EXPECT_EQ(pair.server.messages.size(), 1u);
}

TEST(Connection, RefusesWhatIsNotRtmp) {
  Pair pair;
  pair.feed(pair.server, as_bytes("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(pair.server.error, Error::unsupported_version);
}

TEST(Connection, EndsASlowHandshakeHoweverManyBytesCame) {
  Pair pair;
  const Vector hello = take_output(pair.client.connection);
  for (std::size_t i = 0; i < 5; ++i, pair.advance(1s)) {
    EXPECT_TRUE(pair.server.connection.tick(pair.now));
    pair.feed(pair.server, Bytes(hello).subspan(i, 1));
  }
  EXPECT_EQ(pair.server.connection.deadline(), pair.now);
  EXPECT_EQ(pair.server.connection.tick(pair.now).error(), Error::handshake_timeout);
}

TEST(Connection, HasNoDeadlineOnceEstablishedWithoutPings) {
  Established pair;
  EXPECT_EQ(pair.server.connection.deadline(), never);
}

// --- pings ---

TEST(Connection, AnswersAPing) {
  Established pair;
  pair.server.connection.send(control::write(UserControl{Event::ping_request, 0x12345}));
  pair.feed(pair.client, take_output(pair.server.connection));
  EXPECT_EQ(to_hex(take_output(pair.client.connection)),
            "020000000000060400000000"
            "000700012345");
  EXPECT_TRUE(pair.client.messages.empty());
}

Connection::Settings with_pings() {
  Connection::Settings settings;
  settings.ping_interval = 30s;
  return settings;
}

TEST(Connection, PingsAfterSilenceAndMeasuresTheRoundTrip) {
  Established pair(with_pings());
  pair.advance(30s);
  EXPECT_EQ(pair.server.connection.deadline(), pair.now);
  EXPECT_TRUE(pair.server.connection.tick(pair.now));
  pair.feed(pair.client, take_output(pair.server.connection));
  pair.advance(42ms);
  pair.feed(pair.server, take_output(pair.client.connection));
  EXPECT_EQ(pair.server.connection.stats().ping_round_trip, Duration(42ms));
  EXPECT_EQ(pair.server.connection.deadline(), pair.now + 30s);
}

TEST(Connection, GivesUpAfterAnUnansweredPing) {
  Established pair(with_pings());
  pair.advance(30s);
  EXPECT_TRUE(pair.server.connection.tick(pair.now));
  pair.advance(29s);
  EXPECT_TRUE(pair.server.connection.tick(pair.now));
  pair.advance(1s);
  EXPECT_EQ(pair.server.connection.tick(pair.now).error(), Error::idle_timeout);
}

TEST(Connection, TakesAnyByteForALifeSign) {
  Established pair(with_pings());
  pair.advance(30s);
  EXPECT_TRUE(pair.server.connection.tick(pair.now));
  pair.advance(29s);
  pair.feed(pair.server, from_hex("04"));
  EXPECT_EQ(pair.server.connection.deadline(), pair.now + 30s);
}

TEST(Connection, HandsOtherUserControlMessagesToTheSession) {
  Established pair;
  pair.client.connection.send(control::write(UserControl{Event::set_buffer_length, 1, 3000}));
  pair.run();
  ASSERT_EQ(pair.server.messages.size(), 1u);
  EXPECT_EQ(pair.server.messages[0].type, MessageType::user_control);
}

// --- acknowledgements and windows ---

TEST(Connection, AcknowledgesAfterEachWindow) {
  Established pair;
  const auto acknowledged = [&] { return pair.server.connection.stats().acknowledged_in; };
  const auto client_knows = [&] { return pair.client.connection.stats().acknowledged_out; };
  pair.client.connection.send(control::write(control::WindowAckSize{5000}));
  pair.run();
  EXPECT_EQ(acknowledged(), 0u);
  pair.client.connection.send(video(2000));
  pair.run();
  EXPECT_EQ(acknowledged(), pair.server.connection.stats().bytes_in);
  EXPECT_EQ(client_knows(), acknowledged());
  const std::uint64_t first = acknowledged();
  pair.client.connection.send(video(4800));
  pair.run();
  EXPECT_EQ(acknowledged(), first);
  pair.client.connection.send(video(200));
  pair.run();
  EXPECT_GE(acknowledged(), first + 5000);
  EXPECT_EQ(client_knows(), acknowledged());
}

TEST(Connection, AcknowledgesNothingUnasked) {
  Established pair;
  pair.client.connection.send(video(1'000'000));
  pair.feed(pair.server, take_output(pair.client.connection));
  EXPECT_TRUE(pair.server.connection.output().empty());
}

TEST(Connection, AcknowledgesModulo32Bits) {
  Established pair;
  pair.server.owner = [](const Message&) {};
  pair.client.connection.send(control::write(control::WindowAckSize{0x40000000}));
  pair.client.connection.send(control::write(control::SetChunkSize{60'000}));
  pair.run();
  pair.client.connection.send(video(60'000));
  const Vector bytes = take_output(pair.client.connection);
  while (pair.server.connection.stats().acknowledged_in <= 0xFFFFFFFF)
    pair.feed(pair.server, bytes);
  pair.run();
  EXPECT_EQ(pair.client.connection.stats().acknowledged_out,
            static_cast<std::uint32_t>(pair.server.connection.stats().acknowledged_in));
}

TEST(Connection, IgnoresAWindowOfZero) {
  Established pair;
  pair.client.connection.send(control::write(control::WindowAckSize{0}));
  pair.client.connection.send(control::write(control::SetPeerBandwidth{0}));
  pair.feed(pair.server, take_output(pair.client.connection));
  EXPECT_FALSE(pair.server.error);
  EXPECT_TRUE(pair.server.connection.output().empty());
}

TEST(Connection, AnswersABandwidthOnce) {
  Established pair;
  const Message bandwidth = control::write(control::SetPeerBandwidth{2'500'000});
  pair.server.connection.send(bandwidth);
  pair.server.connection.send(bandwidth);
  pair.feed(pair.client, take_output(pair.server.connection));
  EXPECT_EQ(to_hex(take_output(pair.client.connection)), "020000000000040500000000002625a0");
}

TEST(Connection, AnswersAChangedBandwidth) {
  Established pair;
  pair.server.connection.send(control::write(control::SetPeerBandwidth{2'500'000}));
  pair.server.connection.send(control::write(control::SetPeerBandwidth{1'000'000}));
  pair.run();
  EXPECT_EQ(pair.server.connection.stats().window_in, 1'000'000u);
}

// --- chunk sizes and limits ---

TEST(Connection, ChangesTheChunkSizeRightAfterTheMessage) {
  Established pair;
  pair.client.connection.send(video(300, 1));
  pair.client.connection.send(control::write(control::SetChunkSize{1000}));
  pair.client.connection.send(video(300, 2));
  const Vector bytes = take_output(pair.client.connection);
  EXPECT_EQ(bytes.size(), (12 + 300 + 2) + (12 + 4) + (4 + 300u));
  pair.feed(pair.server, bytes);
  EXPECT_EQ(pair.server.messages.size(), 2u);
  EXPECT_EQ(pair.server.connection.stats().chunk_size_in, 1000u);
  EXPECT_EQ(pair.client.connection.stats().chunk_size_out, 1000u);
}

TEST(Connection, EndsWithABadChunkSize) {
  Established pair;
  pair.feed(pair.server, from_hex("02 000000 000004 01 00000000 00000000"));
  EXPECT_EQ(pair.server.error, Error::bad_chunk_size);
}

TEST(Connection, EndsWithAShortControlMessage) {
  Established pair;
  pair.feed(pair.server, from_hex("02 000000 000003 01 00000000 000010"));
  EXPECT_EQ(pair.server.error, Error::bad_control_message);
}

TEST(Connection, AbortsTheMessageThatItIsTold) {
  Established pair;
  pair.feed(pair.server, Bytes(from_hex("06 000000 0000ff 09 01000000")));
  pair.feed(pair.server, Vector(128, 0xAA));
  pair.feed(pair.server, from_hex("02 000000 000004 02 00000000 00000006"
                                  "06 000000 000001 08 01000000 bb"));
  ASSERT_EQ(pair.server.messages.size(), 1u);
  EXPECT_EQ(pair.server.messages[0].type, MessageType::audio);
}

TEST(Connection, LimitsMessagesAsItIsTold) {
  Established pair;
  pair.server.connection.set_message_limit(100);
  pair.client.connection.send(video(101));
  pair.run();
  EXPECT_EQ(pair.server.error, Error::message_too_large);
}

TEST(Connection, ReadsNothingMoreAfterAnError) {
  Established pair;
  Connection& server = pair.server.connection;
  const Vector bad = from_hex("c7 00"), good = from_hex("04 000000 000001 08 01000000 aa");
  server.receive(bad, pair.now);
  EXPECT_EQ(server.next_message().error(), Error::no_first_chunk);
  server.receive(good, pair.now);
  EXPECT_EQ(server.next_message().error(), Error::no_first_chunk);
}

TEST(Connection, ReadsNothingMoreOnceItsOwnerStoppedInTheMiddle) {
  Established pair;
  Connection& server = pair.server.connection;
  const Vector two = from_hex("04 000000 000001 08 01000000 aa  84 000001 bb");
  server.receive(two, pair.now);
  EXPECT_TRUE(server.next_message().value());
  server.receive(two, pair.now);
  EXPECT_EQ(server.next_message().error(), Error::cancelled);
}

TEST(Connection, CountsBytesOutOnceTheyAreWritten) {
  Established pair;
  const std::uint64_t before = pair.client.connection.stats().bytes_out;
  EXPECT_EQ(before, 3073u);
  pair.client.connection.send(video(10));
  EXPECT_EQ(pair.client.connection.stats().bytes_out, before);
  pair.client.connection.written(5);
  EXPECT_EQ(pair.client.connection.stats().bytes_out, before + 5);
}

TEST(Connection, SendsSharedMessagesBetweenItsOwn) {
  Established pair;
  pair.client.connection.send(video(50, 10));
  pair.client.connection.send(video(50, 20));
  const EncodedMessage shared = encode_alone(video(500, 1000), chunk_stream::video, 128);
  pair.client.connection.send(shared);
  pair.client.connection.send(video(50, 1010));
  pair.run();
  ASSERT_EQ(pair.server.messages.size(), 4u);
  EXPECT_EQ(pair.server.messages[2].timestamp, 1000);
  EXPECT_EQ(pair.server.messages[2].payload.size(), 500u);
  EXPECT_EQ(pair.server.messages[3].timestamp, 1010);
}

// As far as the peer is concerned what somebody else wrote was sent, too.
TEST(Connection, CountsSharedMessagesThatWentPastIt) {
  Established pair;
  pair.client.connection.send(video(50, 10));
  pair.run();
  const std::uint64_t before = pair.client.connection.stats().bytes_out;
  const EncodedMessage shared = encode_alone(video(50, 1000), chunk_stream::video, 128);
  for (const Buffer& segment : shared.segments) pair.feed(pair.server, segment);
  pair.client.connection.sent(shared.size);
  EXPECT_EQ(pair.client.connection.stats().bytes_out, before + shared.size);
  pair.client.connection.send(video(50, 1010));
  pair.run();
  ASSERT_EQ(pair.server.messages.size(), 3u);
  EXPECT_EQ(pair.server.messages[2].timestamp, 1010);
}

}  // namespace
}  // namespace rtmp
