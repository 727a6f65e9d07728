// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/auth.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "records.h"
#include "rtmp/crypto.h"

namespace rtmp::auth {
namespace {

using test::field;
using test::from_hex;
using test::Record;

std::string text_of(Challenge::Kind kind) {
  switch (kind) {
    case Challenge::Kind::none:
      return "none";
    case Challenge::Kind::mode_offered:
      return "mode_offered";
    case Challenge::Kind::response_wanted:
      return "response_wanted";
    case Challenge::Kind::failed:
      return "failed";
  }
  return {};
}

std::string text_of(Mode mode) {
  switch (mode) {
    case Mode::none:
      return "none";
    case Mode::automatic:
      return "automatic";
    case Mode::adobe:
      return "adobe";
    case Mode::llnw:
      return "llnw";
  }
  return {};
}

Challenge challenge_of(const Record& record) {
  Challenge challenge;
  challenge.kind = Challenge::Kind::response_wanted;
  challenge.mode = field(record, "mode") == "adobe" ? Mode::adobe : Mode::llnw;
  challenge.salt = field(record, "salt");
  challenge.challenge = field(record, "challenge");
  challenge.opaque = field(record, "opaque");
  challenge.nonce = field(record, "nonce");
  return challenge;
}

TEST(Challenge, IsReadFromDescriptionsOfEveryStyle) {
  for (const Record& record : test::read_records("auth/challenges.txt")) {
    const std::string in = field(record, "in");
    const Challenge challenge = read_challenge(in);
    EXPECT_EQ(text_of(challenge.kind), field(record, "kind")) << in;
    EXPECT_EQ(text_of(challenge.mode), field(record, "mode")) << in;
    EXPECT_EQ(challenge.user, field(record, "user")) << in;
    EXPECT_EQ(challenge.salt, field(record, "salt")) << in;
    EXPECT_EQ(challenge.challenge, field(record, "challenge")) << in;
    EXPECT_EQ(challenge.opaque, field(record, "opaque")) << in;
    EXPECT_EQ(challenge.nonce, field(record, "nonce")) << in;
  }
}

TEST(BeginQuery, NamesModeAndUser) {
  EXPECT_EQ(begin_query(Mode::adobe, {"alice", "s3cr3t"}), "?authmod=adobe&user=alice");
  EXPECT_EQ(begin_query(Mode::llnw, {"bob", ""}), "?authmod=llnw&user=bob");
}

TEST(ResponseQuery, IsThatOfEveryVector) {
  for (const Record& record : test::read_records("auth/responses.txt")) {
    const auto own = from_hex(field(record, "own"));
    const Random random = [&](std::span<std::uint8_t> out) { std::ranges::copy(own, out.begin()); };
    const Credentials credentials{field(record, "user"), field(record, "password")};
    EXPECT_EQ(response_query(challenge_of(record), credentials, field(record, "app"), random),
              field(record, "query"));
  }
}

TEST(ResponseQuery, AnswersADescriptionAsItCame) {
  const auto challenge = read_challenge(
      "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=bob&salt=ab+/c=="
      "&challenge=AAAAAA==");
  const Random one = [](std::span<std::uint8_t> out) {
    std::ranges::fill(out, std::uint8_t{0});
    out.back() = 1;
  };
  EXPECT_EQ(response_query(challenge, {"bob", "pw"}, "live", one),
            "?authmod=adobe&user=bob&challenge=00000001&response=oQq9fFMl/5UdyncaE6UPdg==");
}

TEST(ResponseQuery, DrawsANewChallengeEachTime) {
  const auto challenge = read_challenge("authmod=llnw ?reason=needauth&user=bob&nonce=1");
  const Random random = test::test_random();
  EXPECT_NE(response_query(challenge, {"bob", "pw"}, "live", random),
            response_query(challenge, {"bob", "pw"}, "live", random));
}

TEST(SecureToken, DecryptsEveryVector) {
  for (const Record& record : test::read_records("auth/secure_token.txt"))
    EXPECT_EQ(secure_token_response(field(record, "challenge"), field(record, "token")),
              field(record, "clear"));
}

TEST(SecureToken, RefusesChallengesThatAreNoWords) {
  for (const char* challenge : {"", "6a89dc97", "6a89dc978e4235a", "not hexadecimal digits",
                                "6a89dc978e4235aX", "6a 89dc978e4235a7"})
    EXPECT_EQ(secure_token_response(challenge, "token"), std::nullopt) << challenge;
}

TEST(SecureToken, KeepsTheLengthOfAChallengeThatEndsInsideAWord) {
  const auto text = secure_token_response("6a89dc978e", "token");
  ASSERT_TRUE(text.has_value());
  EXPECT_LE(text->size(), 5u);
}

TEST(Crypto, Md5IsThatOfRfc1321) {
  EXPECT_EQ(crypto::hex(crypto::md5({})), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(crypto::hex(crypto::md5({as_bytes("a"), as_bytes("bc")})),
            "900150983cd24fb0d6963f7d28e17f72");
}

TEST(Crypto, HmacSha256IsThatOfRfc4231) {
  EXPECT_EQ(crypto::hex(crypto::hmac_sha256(
                as_bytes("Jefe"), {as_bytes("what do ya want "), as_bytes("for nothing?")})),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Crypto, Base64IsThatOfRfc4648) {
  EXPECT_EQ(crypto::base64({}), "");
  EXPECT_EQ(crypto::base64(as_bytes("f")), "Zg==");
  EXPECT_EQ(crypto::base64(as_bytes("fo")), "Zm8=");
  EXPECT_EQ(crypto::base64(as_bytes("foobar")), "Zm9vYmFy");
}

TEST(Crypto, HexadecimalGoesBothWays) {
  const auto bytes = crypto::from_hex("00aBff");
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(crypto::hex(*bytes), "00abff");
  for (const char* text : {"0", "0g", "-1", "+1", "0x", " 1"})
    EXPECT_EQ(crypto::from_hex(text), std::nullopt) << text;
}

TEST(Crypto, EqualComparesAllBytes) {
  EXPECT_TRUE(crypto::equal({}, {}));
  EXPECT_TRUE(crypto::equal(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(crypto::equal(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(crypto::equal(as_bytes("abc"), as_bytes("abcd")));
}

}  // namespace
}  // namespace rtmp::auth
