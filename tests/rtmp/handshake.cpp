// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/handshake.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "records.h"
#include "rtmp/crypto.h"

namespace rtmp {
namespace {

using handshake::Block;
using handshake::Role;
using test::field;
using test::from_hex;
using test::Record;
using test::to_hex;
using Vector = std::vector<std::uint8_t>;

constexpr std::size_t first_size = 1 + handshake_block_size;
constexpr std::size_t whole_size = first_size + handshake_block_size;

Block block_of(Bytes bytes) {
  Block block;
  std::copy_n(bytes.begin(), block.size(), block.begin());
  return block;
}

Vector joined(std::initializer_list<Bytes> parts) {
  ByteWriter out;
  for (Bytes part : parts) out.bytes(part);
  return out.take();
}

Vector with_version(std::uint8_t version, Bytes block) {
  return joined({Bytes(&version, 1), block});
}

// Random that hands out these bytes, then zeros.
Random scripted(Vector bytes) {
  return [bytes = std::move(bytes), used = std::size_t{0}](std::span<std::uint8_t> out) mutable {
    for (std::uint8_t& byte : out) byte = used < bytes.size() ? bytes[used++] : std::uint8_t{0};
  };
}

DigestScheme scheme_of(const Record& record) {
  return field(record, "scheme") == "digest_first" ? DigestScheme::digest_first
                                                   : DigestScheme::key_first;
}

Role signer_of(const Record& record) {
  return field(record, "signer") == "client" ? Role::client : Role::server;
}

class HandshakeVectors : public testing::TestWithParam<std::size_t> {
 protected:
  const Record record_ = test::read_records("handshake/digest.txt").at(GetParam());
  const Vector first_ = from_hex(field(record_, "first"));
  const Vector second_ = from_hex(field(record_, "second"));
};

TEST_P(HandshakeVectors, DigestAndKeyLieWhereTheSeedsSay) {
  EXPECT_EQ(handshake::digest_offset(first_, scheme_of(record_)),
            std::stoul(field(record_, "digest_offset")));
  EXPECT_EQ(handshake::key_offset(first_, scheme_of(record_)),
            std::stoul(field(record_, "key_offset")));
}

TEST_P(HandshakeVectors, SigningTheFirstBlockRestoresItsDigest) {
  Block block = block_of(first_);
  std::fill_n(block.begin() + std::stol(field(record_, "digest_offset")), 32, 0xee);
  handshake::sign_first_block(block, scheme_of(record_), signer_of(record_));
  EXPECT_EQ(to_hex(block), field(record_, "first"));
}

TEST_P(HandshakeVectors, TheDigestIsFoundInItsSchemeAndForItsSignerOnly) {
  const Role other = signer_of(record_) == Role::client ? Role::server : Role::client;
  EXPECT_EQ(handshake::find_digest(first_, signer_of(record_)), scheme_of(record_));
  EXPECT_EQ(handshake::find_digest(first_, other), std::nullopt);
}

TEST_P(HandshakeVectors, OneChangedByteHidesTheDigest) {
  for (std::size_t at : {0u, 7u, 700u, 1535u}) {
    Block block = block_of(first_);
    block[at] ^= 1;
    EXPECT_EQ(handshake::find_digest(block, signer_of(record_)), std::nullopt) << at;
  }
}

TEST_P(HandshakeVectors, SigningTheSecondBlockRestoresItsSignature) {
  Block block = block_of(second_);
  std::fill_n(block.end() - 32, 32, 0xee);
  handshake::sign_second_block(block, from_hex(field(record_, "peer_digest")), signer_of(record_));
  EXPECT_EQ(to_hex(Bytes(block).last(32)), field(record_, "signature"));
}

TEST_P(HandshakeVectors, TheSecondBlockIsSignedWithThePeersDigestNotTheOwn) {
  const Role signer = signer_of(record_);
  EXPECT_TRUE(
      handshake::second_block_is_signed(second_, from_hex(field(record_, "peer_digest")), signer));
  EXPECT_FALSE(
      handshake::second_block_is_signed(second_, from_hex(field(record_, "digest")), signer));
}

INSTANTIATE_TEST_SUITE_P(BothSchemesAndRoles, HandshakeVectors, testing::Range<std::size_t>(0, 4));

TEST(HandshakeDigest, FoldsTheSumOfTheSeedBytes) {
  Block block;
  block.fill(0xff);
  EXPECT_EQ(handshake::digest_offset(block, DigestScheme::digest_first), 12u + 1020 % 728);
  EXPECT_EQ(handshake::digest_offset(block, DigestScheme::key_first), 776u + 1020 % 728);
  EXPECT_EQ(handshake::key_offset(block, DigestScheme::digest_first), 772u + 1020 % 632);
  EXPECT_EQ(handshake::key_offset(block, DigestScheme::key_first), 8u + 1020 % 632);
}

TEST(HandshakeDigest, ASignedBlockIsFoundWhateverItHolds) {
  const Random random = test::test_random(7);
  for (int round = 0; round < 200; ++round) {
    Block block;
    random(block);
    const auto scheme = round % 2 ? DigestScheme::digest_first : DigestScheme::key_first;
    handshake::sign_first_block(block, scheme, Role::client);
    ASSERT_EQ(handshake::find_digest(block, Role::client), scheme) << round;
  }
}

// Both sides in one room.
struct Pair {
  ClientHandshake client;
  ServerHandshake server;
  Vector to_server, to_client;  // all that was sent

  explicit Pair(ClientHandshake::Kind kind)
      : client(kind, 1000, test::test_random(1)), server(2000, test::test_random(2)) {}

  // Lets both sides talk until nobody has to say anything, `step` bytes at a time.
  void run(std::size_t step) {
    Vector sent = client.take_output();
    bool servers_turn = true;
    while (!sent.empty()) {
      Vector& record = servers_turn ? to_server : to_client;
      record.insert(record.end(), sent.begin(), sent.end());
      sent = servers_turn ? deliver(server, sent, step) : deliver(client, sent, step);
      servers_turn = !servers_turn;
    }
  }

  template <typename Side>
  static Vector deliver(Side& side, Bytes bytes, std::size_t step) {
    Vector answer;
    while (!bytes.empty()) {
      Bytes piece = bytes.first(std::min(step, bytes.size()));
      bytes = bytes.subspan(piece.size());
      EXPECT_TRUE(side.receive(piece, 3000).has_value());
      EXPECT_TRUE(piece.empty());
      const Vector more = side.take_output();
      answer.insert(answer.end(), more.begin(), more.end());
    }
    return answer;
  }
};

class HandshakePair
    : public testing::TestWithParam<std::tuple<ClientHandshake::Kind, std::size_t>> {};

TEST_P(HandshakePair, CompletesOnBothSides) {
  const auto [kind, step] = GetParam();
  Pair pair(kind);
  pair.run(step);
  EXPECT_TRUE(pair.client.done());
  EXPECT_TRUE(pair.server.done());
  EXPECT_EQ(pair.to_server.size(), whole_size);
  EXPECT_EQ(pair.to_client.size(), whole_size);
}

TEST_P(HandshakePair, AnswersInKind) {
  const auto [kind, step] = GetParam();
  Pair pair(kind);
  pair.run(step);
  const Bytes c1 = Bytes(pair.to_server).subspan(1, handshake_block_size);
  const Bytes c2 = Bytes(pair.to_server).subspan(first_size);
  const Bytes s1 = Bytes(pair.to_client).subspan(1, handshake_block_size);
  const Bytes s2 = Bytes(pair.to_client).subspan(first_size);
  if (kind == ClientHandshake::Kind::simple) {
    EXPECT_EQ(to_hex(c2.subspan(8)), to_hex(s1.subspan(8)));
    EXPECT_EQ(to_hex(s2.subspan(8)), to_hex(c1.subspan(8)));
    return;
  }
  ASSERT_EQ(handshake::find_digest(s1, Role::server), DigestScheme::digest_first);
  const auto digest_in = [](Bytes block) {
    return block.subspan(handshake::digest_offset(block, DigestScheme::digest_first), 32);
  };
  EXPECT_TRUE(handshake::second_block_is_signed(c2, digest_in(s1), Role::client));
  EXPECT_TRUE(handshake::second_block_is_signed(s2, digest_in(c1), Role::server));
}

INSTANTIATE_TEST_SUITE_P(KindsAndSteps, HandshakePair,
                         testing::Combine(testing::Values(ClientHandshake::Kind::simple,
                                                          ClientHandshake::Kind::digest),
                                          testing::Values(1u, 7u, 1536u, 1537u, 10000u)));

TEST(ClientHandshake, WritesAndAnswersTheSimpleVector) {
  const Record record = test::read_records("handshake/simple.txt").at(0);
  const Vector c1 = from_hex(field(record, "c1"));
  const Vector s1 = from_hex(field(record, "s1"));
  const Vector s2 = from_hex(field(record, "s2"));
  ClientHandshake client(ClientHandshake::Kind::simple, 4000, scripted({c1.begin() + 8, c1.end()}));
  EXPECT_EQ(to_hex(client.take_output()), "03" + field(record, "c1"));

  const Vector bytes = joined({with_version(3, s1), s2});
  Bytes input = bytes;
  ASSERT_TRUE(client.receive(input, 4001).has_value());
  EXPECT_EQ(to_hex(client.take_output()), field(record, "c2"));
  EXPECT_TRUE(client.done());
}

TEST(ServerHandshake, AnswersTheSimpleVector) {
  const Record record = test::read_records("handshake/simple.txt").at(0);
  const Vector s1 = from_hex(field(record, "s1"));
  ServerHandshake server(5000, scripted({s1.begin() + 8, s1.end()}));
  const Vector bytes = with_version(3, from_hex(field(record, "c1")));
  Bytes input = bytes;
  ASSERT_TRUE(server.receive(input, 5001).has_value());
  EXPECT_EQ(to_hex(server.take_output()), "03" + field(record, "s1") + field(record, "s2"));
}

// The vectors' other halves: [0] and [2] are the client's blocks, [1] and [3] the server's.
Random blocks_as_random(const Record& record) {
  const Vector first = from_hex(field(record, "first"));
  return scripted(joined({Bytes(first).subspan(8), from_hex(field(record, "second"))}));
}

TEST(ClientHandshake, WritesAndAnswersTheDigestVector) {
  const auto records = test::read_records("handshake/digest.txt");
  ClientHandshake client(ClientHandshake::Kind::digest, 0x01020304, blocks_as_random(records[0]));
  EXPECT_EQ(to_hex(client.take_output()), "03" + field(records[0], "first"));
  const Vector bytes = with_version(3, from_hex(field(records[1], "first")));
  Bytes input = bytes;
  ASSERT_TRUE(client.receive(input, 0).has_value());
  EXPECT_EQ(to_hex(client.take_output()), field(records[0], "second"));
}

TEST(ServerHandshake, AnswersTheDigestVectorsInTheSchemeOfC1) {
  const auto records = test::read_records("handshake/digest.txt");
  for (std::size_t scheme : {0u, 2u}) {
    ServerHandshake server(0x0a0b0c0d, blocks_as_random(records[scheme + 1]));
    const Vector bytes = with_version(3, from_hex(field(records[scheme], "first")));
    Bytes input = bytes;
    ASSERT_TRUE(server.receive(input, 0).has_value());
    EXPECT_EQ(to_hex(server.take_output()),
              "03" + field(records[scheme + 1], "first") + field(records[scheme + 1], "second"));
  }
}

TEST(ClientHandshake, SignsC2ForAnS1InTheOtherScheme) {
  const auto records = test::read_records("handshake/digest.txt");
  ClientHandshake client(ClientHandshake::Kind::digest, 0, test::test_random());
  client.take_output();
  const Vector bytes = with_version(3, from_hex(field(records[3], "first")));
  Bytes input = bytes;
  ASSERT_TRUE(client.receive(input, 0).has_value());
  EXPECT_TRUE(handshake::second_block_is_signed(
      client.take_output(), from_hex(field(records[3], "digest")), Role::client));
}

TEST(ClientHandshake, EchoesAnS1WithoutDigestThoughItAskedForOne) {
  ClientHandshake client(ClientHandshake::Kind::digest, 0, test::test_random(1));
  client.take_output();
  Block s1;
  test::test_random(9)(s1);
  const Vector bytes = joined({with_version(3, s1), Block{}});
  Bytes input = bytes;
  ASSERT_TRUE(client.receive(input, 0).has_value());
  EXPECT_EQ(to_hex(Bytes(client.take_output()).subspan(8)), to_hex(Bytes(s1).subspan(8)));
  EXPECT_TRUE(client.done());
}

TEST(ClientHandshake, SendsC2BeforeS2HasCome) {
  ClientHandshake client(ClientHandshake::Kind::simple, 0, test::test_random());
  client.take_output();
  const Vector bytes = with_version(3, Block{});
  Bytes input = bytes;
  ASSERT_TRUE(client.receive(input, 0).has_value());
  EXPECT_EQ(client.take_output().size(), handshake_block_size);
  EXPECT_FALSE(client.done());
}

TEST(ClientHandshake, TakesAnyS2) {
  ClientHandshake client(ClientHandshake::Kind::digest, 0, test::test_random());
  const auto records = test::read_records("handshake/digest.txt");
  const Vector bytes = joined({with_version(3, from_hex(field(records[1], "first"))), Block{}});
  Bytes input = bytes;
  ASSERT_TRUE(client.receive(input, 0).has_value());
  EXPECT_TRUE(client.done());
}

TEST(ClientHandshake, LeavesTheFirstChunksBehindS2) {
  ClientHandshake client(ClientHandshake::Kind::simple, 0, test::test_random());
  const Vector chunks = from_hex("02 000000 000004 05 00000000 0026 25a0");
  const Vector bytes = joined({with_version(3, Block{}), Block{}, chunks});
  Bytes input = bytes;
  ASSERT_TRUE(client.receive(input, 0).has_value());
  EXPECT_TRUE(client.done());
  EXPECT_EQ(to_hex(input), to_hex(chunks));
}

TEST(ClientHandshake, RefusesAServerThatIsNotOfVersion3) {
  for (std::uint8_t version : {0, 2, 4, 6, 8, 31, int{'H'}}) {
    ClientHandshake client(ClientHandshake::Kind::simple, 0, test::test_random());
    Bytes input(&version, 1);
    EXPECT_EQ(client.receive(input, 0).error(), Error::unsupported_version) << int{version};
  }
}

TEST(ServerHandshake, LeavesTheFirstChunksBehindC2) {
  ServerHandshake server(0, test::test_random());
  const Vector chunks = from_hex("03 000000 000003 14 00000000 020000");
  const Vector bytes = joined({with_version(3, Block{}), Block{}, chunks});
  Bytes input = bytes;
  ASSERT_TRUE(server.receive(input, 0).has_value());
  EXPECT_TRUE(server.done());
  EXPECT_EQ(to_hex(input), to_hex(chunks));
}

TEST(ServerHandshake, TakesNothingOnceItIsDone) {
  ServerHandshake server(0, test::test_random());
  const Vector bytes = joined({with_version(3, Block{}), Block{}});
  Bytes input = bytes;
  ASSERT_TRUE(server.receive(input, 0).has_value());
  server.take_output();
  input = bytes;
  ASSERT_TRUE(server.receive(input, 0).has_value());
  EXPECT_EQ(input.size(), bytes.size());
  EXPECT_TRUE(server.take_output().empty());
}

TEST(ServerHandshake, AnswersWithS2AsSoonAsC1IsComplete) {
  ServerHandshake server(0, test::test_random());
  const Vector bytes = with_version(3, Block{});
  Bytes but_one = Bytes(bytes).first(first_size - 1);
  ASSERT_TRUE(server.receive(but_one, 0).has_value());
  EXPECT_TRUE(server.take_output().empty());
  Bytes last = Bytes(bytes).last(1);
  ASSERT_TRUE(server.receive(last, 0).has_value());
  EXPECT_EQ(server.take_output().size(), whole_size);
  EXPECT_FALSE(server.done());
}

TEST(ServerHandshake, RefusesEncryptedVersionsTlsAndTextFromTheFirstByte) {
  for (std::uint8_t version : {6, 8, 9, 0x16, 32, int{'G'}, int{'P'}, 255}) {
    ServerHandshake server(0, test::test_random());
    Bytes input(&version, 1);
    EXPECT_EQ(server.receive(input, 0).error(), Error::unsupported_version) << int{version};
    EXPECT_TRUE(server.take_output().empty());
  }
}

TEST(ServerHandshake, AnswersUnknownVersionsAs3) {
  for (std::uint8_t version : {0, 1, 2, 4, 5, 7, 10, 31}) {
    ServerHandshake server(0, test::test_random());
    const Vector bytes = with_version(version, Block{});
    Bytes input = bytes;
    ASSERT_TRUE(server.receive(input, 0).has_value()) << int{version};
    EXPECT_EQ(server.take_output().at(0), 3);
  }
}

TEST(ServerHandshake, AnswersVersionBytesWithoutADigestSimply) {
  ServerHandshake server(77, test::test_random(1));
  Block c1;
  test::test_random(5)(c1);
  const Vector bytes = with_version(3, c1);
  Bytes input = bytes;
  ASSERT_TRUE(server.receive(input, 99).has_value());
  const Vector output = server.take_output();
  const Bytes s1 = Bytes(output).subspan(1, handshake_block_size);
  const Bytes s2 = Bytes(output).subspan(first_size);
  EXPECT_EQ(to_hex(s1.first(8)), "0000004d00000000");
  EXPECT_EQ(to_hex(s2), to_hex(Bytes(c1).first(4)) + "00000063" + to_hex(Bytes(c1).subspan(8)));
}

TEST(ServerHandshake, TakesAnyC2) {
  ServerHandshake server(0, test::test_random());
  const auto records = test::read_records("handshake/digest.txt");
  const Vector bytes = joined({with_version(3, from_hex(field(records[0], "first"))), Block{}});
  Bytes input = bytes;
  ASSERT_TRUE(server.receive(input, 0).has_value());
  EXPECT_TRUE(server.done());
}

// Recordings of real programs: NAME.c2s and NAME.s2c, tunnels and encrypted ones told by their
// name.
std::vector<std::filesystem::path> plain_recordings(const std::string& extension) {
  std::vector<std::filesystem::path> found;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(test::shared_path("wire"), absent)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == extension && name.find("rtmpt") == name.npos &&
        name.find("rtmpe") == name.npos)
      found.push_back(entry.path());
  }
  return found;
}

TEST(ServerHandshake, CompletesWithEveryRecordedClient) {
  const auto recordings = plain_recordings(".c2s");
  if (recordings.empty()) GTEST_SKIP() << "no recordings";
  for (const auto& path : recordings) {
    const Vector bytes = test::read_file(path);
    ASSERT_GE(bytes.size(), whole_size) << path;
    ServerHandshake server(0, test::test_random());
    Bytes input = bytes;
    EXPECT_TRUE(server.receive(input, 0).has_value()) << path;
    EXPECT_TRUE(server.done()) << path;
    EXPECT_EQ(input.size(), bytes.size() - whole_size) << path;
    // In all of them version bytes come with a digest, so that S1 has to show one too.
    EXPECT_EQ(server.take_output().at(5) != 0, bytes[5] != 0) << path;
  }
}

TEST(ClientHandshake, CompletesWithEveryRecordedServer) {
  const auto recordings = plain_recordings(".s2c");
  if (recordings.empty()) GTEST_SKIP() << "no recordings";
  for (const auto& path : recordings) {
    const Vector bytes = test::read_file(path);
    ASSERT_GE(bytes.size(), whole_size) << path;
    ClientHandshake client(ClientHandshake::Kind::simple, 0, test::test_random());
    Bytes input = bytes;
    EXPECT_TRUE(client.receive(input, 0).has_value()) << path;
    EXPECT_TRUE(client.done()) << path;
    EXPECT_EQ(input.size(), bytes.size() - whole_size) << path;
  }
}

}  // namespace
}  // namespace rtmp
