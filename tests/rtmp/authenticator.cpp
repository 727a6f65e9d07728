// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/authenticator.h"

#include <gtest/gtest.h>

#include "records.h"
#include "support.h"

namespace rtmp::auth {
namespace {

using Attempt = Authenticator::Attempt;

constexpr std::int64_t now = 1'800'000'000;
const Credentials alice{"alice", "s3cr3t"};

class AuthenticatorTest : public testing::TestWithParam<Mode> {
 protected:
  std::string said(std::string_view query, std::int64_t time = now) {
    const auto step = authenticator_.receive(GetParam(), "live", query, time);
    const auto* text = std::get_if<std::string>(&step);
    return text ? *text : "";
  }
  // What a client says that is asked, without its '?'.
  std::string answer(const Credentials& credentials = alice, std::int64_t time = now) {
    const auto challenge =
        read_challenge(said(begin_query(GetParam(), credentials).substr(1), time));
    EXPECT_EQ(challenge.kind, Challenge::Kind::response_wanted);
    return response_query(challenge, credentials, "live", random_).substr(1);
  }
  bool admits(std::string_view query, std::optional<std::string> password = "s3cr3t",
              std::int64_t time = now) {
    const auto step = authenticator_.receive(GetParam(), "live", query, time);
    const auto* attempt = std::get_if<Attempt>(&step);
    return attempt && authenticator_.admits(*attempt, password, time);
  }

  Random random_ = test::test_random();
  Authenticator authenticator_{random_};
};

INSTANTIATE_TEST_SUITE_P(Modes, AuthenticatorTest, testing::Values(Mode::adobe, Mode::llnw),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST_P(AuthenticatorTest, OffersItsModeToWhoeverSaysNothing) {
  const auto challenge = read_challenge(said(""));
  EXPECT_EQ(challenge.kind, Challenge::Kind::mode_offered);
  EXPECT_EQ(challenge.mode, GetParam());
}

TEST_P(AuthenticatorTest, AdmitsWhoHasThePassword) { EXPECT_TRUE(admits(answer())); }

TEST_P(AuthenticatorTest, AdmitsBehindAnotherQueryOfTheApp) {
  EXPECT_TRUE(admits("vhost=x?" + answer()));
}

TEST_P(AuthenticatorTest, RefusesAnotherPassword) {
  EXPECT_FALSE(admits(answer({"alice", "guess"})));
}

TEST_P(AuthenticatorTest, AsksStrangersAsItAsksUsersAndRefusesThem) {
  EXPECT_FALSE(admits(answer({"mallory", "s3cr3t"}), std::nullopt));
  EXPECT_FALSE(admits(answer({"mallory", "nobody's"}), std::nullopt));
}

TEST_P(AuthenticatorTest, TakesAnAnswerOnce) {
  const std::string query = answer();
  EXPECT_TRUE(admits(query));
  EXPECT_FALSE(admits(query));
}

TEST_P(AuthenticatorTest, TakesNoAnswerThatComesTooLateOrTooEarly) {
  EXPECT_FALSE(admits(answer(), "s3cr3t", now + Authenticator::challenge_seconds + 1));
  EXPECT_FALSE(admits(answer(), "s3cr3t", now - 1));
  EXPECT_TRUE(admits(answer(), "s3cr3t", now + Authenticator::challenge_seconds));
}

TEST_P(AuthenticatorTest, TakesNoAnswerToAnothersChallenge) {
  Authenticator other(test::test_random(2));
  const auto step =
      other.receive(GetParam(), "live", begin_query(GetParam(), alice).substr(1), now);
  const auto challenge = read_challenge(std::get<std::string>(step));
  EXPECT_FALSE(admits(response_query(challenge, alice, "live", random_).substr(1)));
}

TEST_P(AuthenticatorTest, TakesNoAnswerToTheChallengeOfAnotherUser) {
  const auto challenge = read_challenge(said(begin_query(GetParam(), {"bob", ""}).substr(1)));
  EXPECT_FALSE(admits(response_query(challenge, alice, "live", random_).substr(1)));
}

TEST_P(AuthenticatorTest, TakesNoAnswerWithAPartThatIsMissing) {
  const std::string query = answer();
  for (const char* part : {"user=", "challenge=", "cnonce=", "opaque=", "nonce="}) {
    const std::size_t at = query.find("&" + std::string(part));
    if (at == query.npos) continue;
    std::string rest = query;
    EXPECT_FALSE(admits(rest.erase(at, query.find('&', at + 1) - at))) << part;
  }
  EXPECT_TRUE(admits(query));
}

TEST_P(AuthenticatorTest, RefusesNamesThatAreNone) {
  const std::string query = "authmod=" + std::string(to_string(GetParam())) + "&user=";
  EXPECT_EQ(read_challenge(said(query + std::string(300, 'a'))).kind, Challenge::Kind::failed);
  EXPECT_EQ(read_challenge(said(query + "a\nb")).kind, Challenge::Kind::failed);
}

TEST_P(AuthenticatorTest, SaysOfAFailureWhatClientsUnderstand) {
  EXPECT_EQ(read_challenge(Authenticator::failure(GetParam())).kind, Challenge::Kind::failed);
}

TEST_P(AuthenticatorTest, RefusesMoreLoginsThanItRemembersUntilTheyAreOld) {
  for (std::size_t i = 0; i < Authenticator::max_logins; ++i) ASSERT_TRUE(admits(answer()));
  EXPECT_FALSE(admits(answer()));
  const std::int64_t later = now + Authenticator::challenge_seconds + 1;
  EXPECT_TRUE(admits(answer(alice, later), "s3cr3t", later));
}

TEST_P(AuthenticatorTest, NeverRepeatsAChallenge) {
  const std::string query = begin_query(GetParam(), alice).substr(1);
  EXPECT_NE(said(query), said(query));
}

TEST(Authenticator, CountsTheAppAsLlnwClientsDo) {
  Authenticator authenticator(test::test_random());
  const auto step = authenticator.receive(Mode::llnw, "live/inst", "authmod=llnw&user=alice", now);
  const auto challenge = read_challenge(std::get<std::string>(step));
  const std::string query = response_query(challenge, alice, "live/inst", test::test_random());
  for (const char* app : {"live", "live/inst"}) {
    const auto attempt = authenticator.receive(Mode::llnw, app, query.substr(1), now);
    EXPECT_EQ(authenticator.admits(std::get<Attempt>(attempt), "s3cr3t", now),
              app == std::string("live/inst"));
  }
}

}  // namespace
}  // namespace rtmp::auth
