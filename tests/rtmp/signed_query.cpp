// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/signed_query.h"

#include <gtest/gtest.h>

namespace rtmp {
namespace {

// Made with other programs: python's hashlib and hmac, for the stream live/cam and the secret
// "secret".
const std::string md5_query = "expires=2000&md5=SsxBffEVjQ0ZOLdYZvdWJQ";
const std::string hmac_query =
    "expires=2000&hmac=5a3953a605638da63be5971abb48769510178bbb4d4a95cc5e021c44062a486b";

std::optional<SignatureFault> check(const std::string& query, std::int64_t now = 2000,
                                    const char* stream = "live/cam",
                                    const char* secret = "secret") {
  return check_signature(stream, query, secret, now);
}

TEST(SignedQuery, IsGoodUntilItExpires) {
  for (const std::string& query : {md5_query, hmac_query}) {
    EXPECT_FALSE(check(query, 1999)) << query;
    EXPECT_FALSE(check(query, 2000)) << query;
    EXPECT_EQ(check(query, 2001), SignatureFault::expired) << query;
  }
}

TEST(SignedQuery, IsGoodForItsStreamAlone) {
  for (const std::string& query : {md5_query, hmac_query})
    EXPECT_EQ(check(query, 0, "live/other"), SignatureFault::wrong) << query;
}

TEST(SignedQuery, IsGoodForItsSecretAlone) {
  for (const std::string& query : {md5_query, hmac_query})
    EXPECT_EQ(check(query, 0, "live/cam", "other"), SignatureFault::wrong) << query;
}

TEST(SignedQuery, MayHaveOtherKeysBeside) {
  EXPECT_FALSE(check("video=1&" + md5_query + "&audio=0"));
}

TEST(SignedQuery, CannotBeMadeToLastLonger) {
  std::string longer = md5_query;
  longer.replace(longer.find("2000"), 4, "3000");
  EXPECT_EQ(check(longer), SignatureFault::wrong);
}

TEST(SignedQuery, IsMissingWhereAPartIs) {
  EXPECT_EQ(check(""), SignatureFault::missing);
  EXPECT_EQ(check("expires=2000"), SignatureFault::missing);
  EXPECT_EQ(check(md5_query.substr(md5_query.find('&') + 1)), SignatureFault::missing);
}

TEST(SignedQuery, IsWrongWithATimeThatIsNone) {
  // Rightly signed: MD5("soon/live/cam secret").
  EXPECT_EQ(check("expires=soon&md5=UpSAc6T0W8GwAKW9i7ycCg"), SignatureFault::wrong);
}

TEST(QueryValue, IsFoundBehindOthers) {
  EXPECT_EQ(query_value("a=1&key=x=y+z&b=2", "key"), "x=y+z");
  EXPECT_EQ(query_value("keys=1&key", "key"), "");
}

}  // namespace
}  // namespace rtmp
