// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/rtmpe.h"

#include <gtest/gtest.h>

#include "pair.h"
#include "records.h"
#include "rtmp/crypto.h"

namespace rtmp {
namespace {

using handshake::Role;
using test::field;
using test::from_hex;
using test::Pair;
using test::Record;
using test::take_output;
using test::to_hex;
using Kind = ClientHandshake::Kind;
using Vector = std::vector<std::uint8_t>;

Vector joined(std::initializer_list<Bytes> parts) {
  ByteWriter out;
  for (Bytes part : parts) out.bytes(part);
  return out.take();
}

// Random that hands out these bytes, then zeros.
Random scripted(Vector bytes) {
  return [bytes = std::move(bytes), used = std::size_t{0}](std::span<std::uint8_t> out) mutable {
    for (std::uint8_t& byte : out) byte = used < bytes.size() ? bytes[used++] : std::uint8_t{0};
  };
}

Vector key_stream(rtmpe::Rc4& cipher, std::size_t size) {
  Vector bytes(size);
  cipher.apply(bytes);
  return bytes;
}

// --- ciphers and keys ---

TEST(Rtmpe, HasItsCiphersHere) { ASSERT_TRUE(rtmpe::available()); }

TEST(Rc4, EncryptsThePublishedVector) {
  rtmpe::Rc4 cipher(as_bytes("Key"));
  Vector text(as_bytes("Plaintext").begin(), as_bytes("Plaintext").end());
  cipher.apply(text);
  EXPECT_EQ(to_hex(text), "bbf316e8d940af0ad3");
}

TEST(Rc4, GoesOnFromCallToCall) {
  rtmpe::Rc4 whole(as_bytes("Key")), pieces(as_bytes("Key"));
  const Vector expected = key_stream(whole, 100);
  Vector stream;
  for (std::size_t size : {1u, 0u, 7u, 92u}) {
    const Vector piece = key_stream(pieces, size);
    stream.insert(stream.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(stream, expected);
}

class KeyAgreement : public testing::TestWithParam<std::size_t> {
 protected:
  Vector bytes(const std::string& name) const { return from_hex(field(record_, name)); }
  std::string text(const std::string& name) const { return field(record_, name); }

  const Record record_ = test::read_records("handshake/key_agreement.txt").at(GetParam());
  const rtmpe::KeyPair client_{scripted(bytes("client_drawn"))};
  const rtmpe::KeyPair server_{scripted(bytes("server_drawn"))};
};

TEST_P(KeyAgreement, MakesThePublicKeysOfTheVector) {
  EXPECT_EQ(to_hex(client_.public_key()), text("client_public"));
  EXPECT_EQ(to_hex(server_.public_key()), text("server_public"));
}

TEST_P(KeyAgreement, GivesBothSidesTheSecretWithItsLeadingZeros) {
  EXPECT_EQ(to_hex(client_.agree(server_.public_key()).value()), text("secret"));
  EXPECT_EQ(to_hex(server_.agree(client_.public_key()).value()), text("secret"));
}

TEST_P(KeyAgreement, MakesTheKeyStreamsOfTheVectorForBothSides) {
  const Vector own = bytes("client_public"), peer = bytes("server_public");
  rtmpe::Ciphers client = rtmpe::make_ciphers(bytes("secret"), own, peer);
  rtmpe::Ciphers server = rtmpe::make_ciphers(bytes("secret"), peer, own);
  EXPECT_EQ(to_hex(key_stream(client.out, 16)), text("to_server"));
  EXPECT_EQ(to_hex(key_stream(server.in, 16)), text("to_server"));
  EXPECT_EQ(to_hex(key_stream(server.out, 16)), text("to_client"));
  EXPECT_EQ(to_hex(key_stream(client.in, 16)), text("to_client"));
}

INSTANTIATE_TEST_SUITE_P(Vectors, KeyAgreement, testing::Range<std::size_t>(0, 2));

// P of the group, and what lies around it.
Vector near_prime(int distance) {
  Vector prime = from_hex(
      "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74"
      "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
      "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
      "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65380FFFFFFFFFFFFFF00");
  // The last eight bytes are ones, of which the sum may carry.
  const std::uint64_t low = 0xFFFFFFFFFFFFFFFF + static_cast<std::uint64_t>(distance);
  prime[119] = static_cast<std::uint8_t>(distance > 0 ? 0x82 : 0x81);
  for (int i = 0; i < 8; ++i)
    prime[static_cast<std::size_t>(127 - i)] = static_cast<std::uint8_t>(low >> 8 * i);
  return prime;
}

Vector small_number(std::uint8_t value) {
  Vector number(rtmpe::key_size);
  number.back() = value;
  return number;
}

TEST(KeyPair, RefusesPublicKeysThatGiveTheSecretAway) {
  const rtmpe::KeyPair keys(test::test_random());
  for (const Vector& peer : {small_number(0), small_number(1), near_prime(-1), near_prime(0),
                             near_prime(1), Vector(rtmpe::key_size, 0xff)})
    EXPECT_FALSE(keys.agree(peer)) << to_hex(peer);
}

TEST(KeyPair, TakesTheSmallestAndTheLargestPublicKey) {
  const rtmpe::KeyPair keys(test::test_random());
  EXPECT_EQ(keys.agree(small_number(2)), keys.public_key());
  EXPECT_TRUE(keys.agree(near_prime(-2)));
}

TEST(KeyPair, AgreesWhateverWasDrawn) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    const rtmpe::KeyPair one(test::test_random(seed)), other(test::test_random(seed + 100));
    EXPECT_EQ(one.agree(other.public_key()), other.agree(one.public_key())) << seed;
  }
}

TEST(EncryptedSignature, EncryptsABlockWithEachKey) {
  for (const Record& record : test::read_records("handshake/signature_blocks.txt")) {
    const auto index = static_cast<std::uint8_t>(std::stoi(field(record, "index")));
    for (const auto& [name, version] :
         {std::pair{"xtea", rtmpe::xtea_signature}, {"blowfish", rtmpe::blowfish_signature}}) {
      std::array<std::uint8_t, 32> signature;
      for (std::size_t i = 0; i < 32; ++i) signature[i] = i % 8;
      rtmpe::encrypt_signature(version, signature, Vector(32, index));
      const std::string block = field(record, name);
      EXPECT_EQ(to_hex(signature), block + block + block + block) << name << int{index};
    }
  }
}

// --- the handshake ---

constexpr std::size_t first_size = 1 + handshake_block_size;

// A scheme, and a version of RTMPE.
class HandshakeVectors : public testing::TestWithParam<std::tuple<std::size_t, std::uint8_t>> {
 protected:
  Vector block(const std::string& name) const { return from_hex(field(record_, name)); }
  Vector second(const std::string& name) const {
    return joined({block(name + "_body"), block(name + "_signature_" + std::to_string(version_))});
  }
  Vector first(const std::string& name) const { return joined({{&version_, 1}, block(name)}); }
  // The blocks' own bytes are what was drawn, but for digest and key, which come in their places.
  Random draws(const std::string& name, const std::string& keys, const std::string& body) const {
    return scripted(
        joined({Bytes(block(name)).subspan(8), from_hex(field(keys_, keys)), block(body)}));
  }

  const std::uint8_t version_ = std::get<1>(GetParam());
  const Record record_ = test::read_records("handshake/rtmpe.txt").at(std::get<0>(GetParam()));
  const Record keys_ = test::read_records("handshake/key_agreement.txt").at(0);
};

TEST_P(HandshakeVectors, AreWhatTheServerAnswers) {
  ServerHandshake server(0, draws("s1", "server_drawn", "s2_body"), {true, true});
  const Vector bytes = first("c1");
  Bytes input = bytes;
  ASSERT_TRUE(server.receive(input, 0).has_value());
  EXPECT_EQ(to_hex(server.take_output()), to_hex(joined({first("s1"), second("s2")})));
  const Vector c2 = second("c2");
  input = c2;
  ASSERT_TRUE(server.receive(input, 0).has_value());
  ASSERT_TRUE(server.done());
  EXPECT_EQ(to_hex(key_stream(server.take_ciphers()->in, 16)), field(keys_, "to_server"));
}

TEST_P(HandshakeVectors, AreWhatTheClientAnswers) {
  // It asks in the scheme of the first vector, and takes either.
  const Record asked = test::read_records("handshake/rtmpe.txt").at(0);
  const Vector c1 = from_hex(field(asked, "c1"));
  ClientHandshake client(
      Kind::encrypted, 0,
      scripted(joined(
          {Bytes(c1).subspan(8), from_hex(field(keys_, "client_drawn")), block("c2_body")})));
  EXPECT_EQ(to_hex(client.take_output()), "06" + to_hex(c1));
  const Vector bytes = joined({first("s1"), second("s2")});
  Bytes input = bytes;
  ASSERT_TRUE(client.receive(input, 0).has_value());
  EXPECT_EQ(to_hex(client.take_output()), to_hex(second("c2")));
  ASSERT_TRUE(client.done());
  EXPECT_EQ(to_hex(key_stream(client.take_ciphers()->out, 16)), field(keys_, "to_server"));
}

TEST_P(HandshakeVectors, AreSigned) {
  const auto digest_of = [&](const std::string& name) {
    const auto scheme =
        std::get<0>(GetParam()) == 0 ? DigestScheme::key_first : DigestScheme::digest_first;
    Vector digest = block(name);
    digest.erase(digest.begin(), digest.begin() + static_cast<std::ptrdiff_t>(
                                                      handshake::digest_offset(digest, scheme)));
    digest.resize(32);
    return digest;
  };
  const Vector c2 = second("c2"), s2 = second("s2");
  EXPECT_TRUE(handshake::second_block_is_signed(c2, digest_of("s1"), Role::client, version_));
  EXPECT_TRUE(handshake::second_block_is_signed(s2, digest_of("c1"), Role::server, version_));
  const std::uint8_t other = version_ == rtmpe::xtea_signature ? 9 : 8;
  EXPECT_FALSE(handshake::second_block_is_signed(c2, digest_of("s1"), Role::client, other));
}

INSTANTIATE_TEST_SUITE_P(SchemesAndVersions, HandshakeVectors,
                         testing::Combine(testing::Values(0, 1), testing::Values(6, 8, 9)));

// A first block with that public key, signed by its sender, behind C0 or S0.
Vector signed_block(Role signer, Bytes key, std::uint8_t version = 6,
                    DigestScheme scheme = DigestScheme::key_first) {
  handshake::Block block;
  test::test_random(3)(block);
  std::ranges::copy(key, std::span(block).subspan(handshake::key_offset(block, scheme)).begin());
  handshake::sign_first_block(block, scheme, signer);
  return joined({{&version, 1}, block});
}

Vector some_key() {
  const rtmpe::KeyPair keys(test::test_random(9));
  return {keys.public_key().begin(), keys.public_key().end()};
}

Result<void> give_server(Vector bytes, ServerHandshake::Accepts accepts = {true, true}) {
  ServerHandshake server(0, test::test_random(), accepts);
  Bytes input = bytes;
  return server.receive(input, 0);
}

Result<void> give_client(Vector bytes) {
  ClientHandshake client(Kind::encrypted, 0, test::test_random());
  Bytes input = bytes;
  return client.receive(input, 0);
}

TEST(EncryptedServerHandshake, TakesAClientsKeyInEitherScheme) {
  for (DigestScheme scheme : {DigestScheme::key_first, DigestScheme::digest_first})
    EXPECT_TRUE(give_server(signed_block(Role::client, some_key(), 6, scheme)).has_value());
}

TEST(EncryptedServerHandshake, RefusesAKeyThatIsNone) {
  for (std::uint8_t key : {0, 1})
    EXPECT_EQ(give_server(signed_block(Role::client, small_number(key))).error(), Error::bad_key);
  EXPECT_EQ(give_server(signed_block(Role::client, near_prime(-1))).error(), Error::bad_key);
}

TEST(EncryptedServerHandshake, RefusesAClientWithoutADigest) {
  Vector unsigned_block = signed_block(Role::client, some_key());
  unsigned_block[1000] ^= 1;
  EXPECT_EQ(give_server(unsigned_block).error(), Error::bad_digest);
  EXPECT_EQ(give_server(signed_block(Role::server, some_key())).error(), Error::bad_digest);
}

TEST(EncryptedServerHandshake, SpeaksWhatItAcceptsAlone) {
  for (std::uint8_t version : {6, 8, 9}) {
    const Vector bytes = signed_block(Role::client, some_key(), version);
    EXPECT_TRUE(give_server(bytes).has_value());
    EXPECT_EQ(give_server(bytes, {true, false}).error(), Error::unsupported_version);
  }
  const Vector plain = signed_block(Role::client, some_key(), 3);
  EXPECT_TRUE(give_server(plain).has_value());
  EXPECT_EQ(give_server(plain, {false, true}).error(), Error::unsupported_version);
}

// librtmp leaves the zeros out where OpenSSL does its numbers.
TEST(EncryptedServerHandshake, DrawsUntilTheSecretBeginsWithoutAZero) {
  const auto records = test::read_records("handshake/key_agreement.txt");
  const Vector client = from_hex(field(records[1], "client_public"));
  const Vector drawn = from_hex(field(records[1], "server_drawn"));
  ServerHandshake server(0, scripted(joined({Vector(1528), drawn, Vector(1, 0x55)})), {true, true});
  const Vector bytes = signed_block(Role::client, client);
  Bytes input = bytes;
  ASSERT_TRUE(server.receive(input, 0).has_value());
  const Vector output = server.take_output();
  const Bytes s1 = Bytes(output).subspan(1, handshake_block_size);
  const Bytes key = s1.subspan(handshake::key_offset(s1, DigestScheme::key_first), 128);
  EXPECT_NE(to_hex(key), field(records[1], "server_public"));
}

TEST(EncryptedClientHandshake, RefusesAServerThatDoesNotEncrypt) {
  EXPECT_EQ(give_client(signed_block(Role::server, some_key(), 3)).error(),
            Error::unsupported_version);
}

TEST(EncryptedClientHandshake, RefusesAServerWithoutADigest) {
  Vector unsigned_block = signed_block(Role::server, some_key());
  unsigned_block[1000] ^= 1;
  EXPECT_EQ(give_client(unsigned_block).error(), Error::bad_digest);
}

TEST(EncryptedClientHandshake, RefusesAKeyThatIsNone) {
  EXPECT_EQ(give_client(signed_block(Role::server, small_number(1))).error(), Error::bad_key);
}

// --- the connection ---

Message video(std::size_t size, std::int64_t timestamp = 0) {
  return {MessageType::video, 1, timestamp, Buffer::adopt(Vector(size, 0xAA))};
}

Connection::Settings encrypted() {
  Connection::Settings settings;
  settings.handshake = Kind::encrypted;
  settings.accepts = {false, true};
  return settings;
}

class EncryptedPieces : public testing::TestWithParam<std::size_t> {};

TEST_P(EncryptedPieces, CarryMessagesBothWays) {
  Pair pair(encrypted(), GetParam());
  pair.shake_hands();
  ASSERT_TRUE(pair.client.connection.encrypted());
  ASSERT_TRUE(pair.server.connection.encrypted());
  for (int i = 0; i < 3; ++i) {
    pair.client.connection.send(video(1000, i));
    pair.server.connection.send(video(300, 10 + i));
    pair.server.connection.send(video(5, 20 + i));
    pair.run();
  }
  ASSERT_EQ(pair.server.messages.size(), 3u);
  ASSERT_EQ(pair.client.messages.size(), 6u);
  EXPECT_EQ(pair.server.messages[2].timestamp, 2);
  EXPECT_EQ(to_hex(pair.server.messages[2].payload), to_hex(Vector(1000, 0xAA)));
  EXPECT_EQ(to_hex(pair.client.messages[5].payload), to_hex(Vector(5, 0xAA)));
  EXPECT_FALSE(pair.server.error);
}

INSTANTIATE_TEST_SUITE_P(Sizes, EncryptedPieces, testing::Values(1, 7, 100, 1536, 1 << 20));

TEST(EncryptedConnection, ReadsMessagesInTheSegmentThatEndsTheHandshake) {
  Pair pair(encrypted());
  pair.feed(pair.server, take_output(pair.client.connection));
  pair.feed(pair.client, take_output(pair.server.connection));
  pair.client.connection.send(video(10));
  pair.feed(pair.server, take_output(pair.client.connection));  // C2 and a chunk
  EXPECT_EQ(pair.server.messages.size(), 1u);
}

TEST(EncryptedConnection, ShowsNothingOfWhatItSends) {
  Pair pair(encrypted());
  pair.shake_hands();
  pair.client.connection.send(video(1000));
  const std::string sent = to_hex(take_output(pair.client.connection));
  EXPECT_EQ(sent.find("aaaaaaaa"), sent.npos);
}

TEST(EncryptedConnection, EncryptsOnceWhateverThePeerTakes) {
  Pair pair(encrypted());
  pair.shake_hands();
  Vector sent;
  std::array<Bytes, 4> spans;
  for (int i = 0; i < 50; ++i) {
    pair.client.connection.send(video(100, i));
    ASSERT_GT(pair.client.connection.gather(spans), 0u);
    const Bytes taken = spans[0].first(std::min<std::size_t>(37, spans[0].size()));
    sent.insert(sent.end(), taken.begin(), taken.end());
    pair.client.connection.written(taken.size());
  }
  const Vector rest = take_output(pair.client.connection);
  sent.insert(sent.end(), rest.begin(), rest.end());
  pair.feed(pair.server, sent);
  EXPECT_EQ(pair.server.messages.size(), 50u);
  EXPECT_EQ(pair.server.messages.back().timestamp, 49);
}

TEST(EncryptedConnection, LeavesTheHandshakesOwnBytesInClear) {
  Pair pair(encrypted());
  pair.feed(pair.server, take_output(pair.client.connection));
  pair.feed(pair.client, take_output(pair.server.connection));
  pair.client.connection.send(video(10));  // behind a C2 that has not left
  std::array<Bytes, 4> spans;
  std::size_t size = 0;
  for (Bytes span : std::span(spans).first(pair.client.connection.gather(spans)))
    size += span.size();
  EXPECT_EQ(size, handshake_block_size);
}

TEST(EncryptedConnection, CopiesSharedMessages) {
  Pair pair(encrypted());
  pair.shake_hands();
  const EncodedMessage shared = encode_alone(video(50), 6, 128);
  pair.server.connection.send(shared);
  pair.run();
  ASSERT_EQ(pair.client.messages.size(), 1u);
  EXPECT_EQ(to_hex(shared.payload), to_hex(Vector(50, 0xAA)));
}

// Its own bytes come back: the keys of the two directions differ.
TEST(EncryptedConnection, ReadsNothingThatHasAnotherKey) {
  Pair pair(encrypted());
  pair.shake_hands();
  pair.client.connection.send(video(5000));
  pair.feed(pair.client, take_output(pair.client.connection));
  EXPECT_TRUE(pair.client.messages.empty());
}

}  // namespace
}  // namespace rtmp
