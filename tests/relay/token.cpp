// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/token.h"

#include <gtest/gtest.h>

#include "rtmp/records.h"

namespace relay {
namespace {

using rtmp::test::field;

constexpr std::int64_t now = 1'800'000'000;
const std::string secret = "a secret of at least thirty-two bytes";

std::string pem(const std::string& name) {
  const auto bytes = rtmp::test::read_file(rtmp::test::data_path("vectors/token/" + name));
  return {bytes.begin(), bytes.end()};
}

std::shared_ptr<const TokenKeys> keys(const std::string& secret, const std::string& pem) {
  std::string error;
  const auto keys = TokenKeys::make(secret, pem, error);
  EXPECT_TRUE(keys) << error;
  return keys;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string to_text(const std::variant<TokenClaims, TokenFault>& read) {
  const auto* fault = std::get_if<TokenFault>(&read);
  if (!fault) return "good";
  return *fault == TokenFault::missing   ? "missing"
         : *fault == TokenFault::expired ? "expired"
                                         : "invalid";
}

std::string result(const rtmp::test::Record& record, const TokenKeys& keys) {
  return to_text(read_token(field(record, "token"), keys, field(record, "issuer"),
                            field(record, "audience"), now));
}

TEST(Token, IsReadAsEveryVectorSays) {
  const auto all = keys(secret, pem("rsa.pem") + pem("ec.pem"));
  for (const auto& record : rtmp::test::read_records("token/tokens.txt")) {
    const std::string token = field(record, "token");
    EXPECT_EQ(result(record, *all), field(record, "result")) << token;
    const auto read =
        read_token(token, *all, field(record, "issuer"), field(record, "audience"), now);
    const auto* claims = std::get_if<TokenClaims>(&read);
    if (!claims) continue;
    EXPECT_EQ(claims->user, field(record, "user")) << token;
    EXPECT_EQ(joined(claims->publish), field(record, "publish")) << token;
    EXPECT_EQ(joined(claims->play), field(record, "play")) << token;
  }
}

// RFC 7515, A.1, whose key is given in base64url there.
TEST(Token, OfTheSpecificationIsGoodUntilItsEnd) {
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const auto bytes = rtmp::test::from_hex(
      "0323354b2b0fa5bc837e0665777ba68f5ab328e6f054c928a90f84b2d2502ebf"
      "d3fb5a92d20647ef968ab4c377623d223d2e2172052e4f08c0cd9af567d080a3");
  const auto key = keys({bytes.begin(), bytes.end()}, "");
  EXPECT_EQ(to_text(read_token(token, *key, "joe", "", 1300819379)), "good");
  EXPECT_EQ(to_text(read_token(token, *key, "joe", "", 1300819380)), "expired");
}

TEST(Token, IsGoodForNoOtherKey) {
  const auto other_secret = keys(secret + "!", "");
  const auto none_of_its_kind = keys("", pem("rsa.pem"));
  const auto other_kind = keys(secret, pem("ec.pem"));
  std::size_t count = 0;
  for (const auto& record : rtmp::test::read_records("token/tokens.txt")) {
    if (field(record, "result") != "good") continue;
    ++count;
    EXPECT_NE(result(record, *other_secret), "good");
    EXPECT_FALSE(result(record, *none_of_its_kind) == "good" &&
                 result(record, *other_kind) == "good");
  }
  EXPECT_GT(count, 5u);
}

TEST(Token, LongerThanAnyNeedsIsNotRead) {
  EXPECT_EQ(to_text(read_token(std::string(1'000'000, 'a') + "..", *keys(secret, ""), "", "", now)),
            "invalid");
}

TEST(TokenKeys, ThatAreWeakOrNoneAreRefused) {
  std::string error;
  EXPECT_FALSE(TokenKeys::make("short", "", error));
  EXPECT_NE(error.find("at least 32 bytes"), std::string::npos);
  for (const std::string& bad :
       {pem("rsa1024.pem"), pem("ec384.pem"), std::string("nothing"),
        pem("ec.pem") + pem("ec384.pem"),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" + pem("ec.pem")}) {
    error.clear();
    EXPECT_FALSE(TokenKeys::make("", bad, error)) << bad;
    EXPECT_FALSE(error.empty()) << bad;
  }
}

TEST(FindToken, LooksInTheStreamsQueryFirst) {
  EXPECT_EQ(find_token("token=a", "token=b"), "a");
  EXPECT_EQ(find_token("x=1", "jwt=b"), "b");
  EXPECT_EQ(find_token("user=u&pass=c", ""), "c");
  EXPECT_EQ(find_token("password=d", ""), "d");
  EXPECT_EQ(find_token("x=1", ""), "");
}

}  // namespace
}  // namespace relay
