// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/access.h"

#include <gtest/gtest.h>

namespace relay {
namespace {

constexpr auto publish = AccessRules::Action::publish, play = AccessRules::Action::play;

AccessRules rules(const char* text) {
  std::string error;
  const auto read = AccessRules::read(text, error);
  EXPECT_TRUE(read) << error;
  return read.value_or(AccessRules());
}

std::string fault_of(const char* text) {
  std::string error;
  EXPECT_FALSE(AccessRules::read(text, error));
  return error;
}

TEST(AccessRules, AllowEverythingWhereThereAreNone) {
  EXPECT_TRUE(rules("").allows(publish, "live/cam", "10.0.0.1:4711"));
  EXPECT_TRUE(rules(" \n# nothing\n;;").empty());
}

TEST(AccessRules, AreTriedInTheirOrder) {
  const AccessRules read = rules("allow publish live/guest; deny publish; allow publish live/cam");
  EXPECT_TRUE(read.allows(publish, "live/guest", "10.0.0.1:1"));
  EXPECT_FALSE(read.allows(publish, "live/cam", "10.0.0.1:1"));
}

TEST(AccessRules, AreAboutOneActionOrBoth) {
  const AccessRules read = rules("deny publish live/*\ndeny all vod/*");
  EXPECT_FALSE(read.allows(publish, "live/cam", "10.0.0.1:1"));
  EXPECT_TRUE(read.allows(play, "live/cam", "10.0.0.1:1"));
  EXPECT_FALSE(read.allows(publish, "vod/film", "10.0.0.1:1"));
  EXPECT_FALSE(read.allows(play, "vod/film", "10.0.0.1:1"));
}

TEST(AccessRules, KnowNetworks) {
  const AccessRules read = rules("allow all from 10.1.0.0/16,192.0.2.7,2001:db8::/32; deny all");
  EXPECT_TRUE(read.allows(play, "a/b", "10.1.255.3:50000"));
  EXPECT_FALSE(read.allows(play, "a/b", "10.2.0.1:50000"));
  EXPECT_TRUE(read.allows(play, "a/b", "192.0.2.7:1"));
  EXPECT_FALSE(read.allows(play, "a/b", "192.0.2.8:1"));
  EXPECT_TRUE(read.allows(play, "a/b", "[2001:db8:5::1]:1"));
  EXPECT_FALSE(read.allows(play, "a/b", "[2001:db9::1]:1"));
}

TEST(AccessRules, TakeANetworkByAnyOfItsAddresses) {
  EXPECT_TRUE(rules("allow all from 10.1.2.3/16; deny all").allows(play, "a/b", "10.1.9.9:1"));
}

TEST(AccessRules, KnowThisMachine) {
  const AccessRules read = rules("allow publish from local; deny publish");
  EXPECT_TRUE(read.allows(publish, "live/cam", "127.0.0.1:4711"));
  EXPECT_TRUE(read.allows(publish, "live/cam", "[::1]:4711"));
  EXPECT_TRUE(read.allows(publish, "live/cam", "unix"));
  EXPECT_FALSE(read.allows(publish, "live/cam", "192.168.1.1:4711"));
}

TEST(AccessRules, SeeAMappedAddressAsTheOneThatItStandsFor) {
  EXPECT_FALSE(rules("deny all from 10.0.0.0/8").allows(play, "a/b", "[::ffff:10.0.0.1]:1"));
}

TEST(AccessRules, SeeThroughTheScopeOfAnAddress) {
  EXPECT_FALSE(rules("deny all from fe80::/10").allows(play, "a/b", "[fe80::1%lo]:1"));
}

TEST(AccessRules, SayWhetherTheyGuardPublishing) {
  EXPECT_FALSE(rules("").guards_publishing());
  EXPECT_FALSE(rules("deny play").guards_publishing());
  EXPECT_TRUE(rules("deny publish from 10.0.0.0/8").guards_publishing());
  EXPECT_TRUE(rules("deny all").guards_publishing());
}

TEST(AccessRules, ShowTheRuleThatCannotBeUsed) {
  EXPECT_EQ(fault_of("deny all; permit play"),
            "The access rule ' permit play' cannot be used: it must begin with allow or deny.");
  EXPECT_EQ(fault_of("deny"),
            "The access rule 'deny' cannot be used: behind that comes publish, play or all.");
  EXPECT_EQ(fault_of("deny watch"),
            "The access rule 'deny watch' cannot be used: behind deny comes publish, play or all.");
  EXPECT_EQ(
      fault_of("deny play live/* now"),
      "The access rule 'deny play live/* now' cannot be used: 'now' is more than it may have.");
}

TEST(AccessRules, TakeNoNetworkThatIsNone) {
  for (const char* network : {"", "here", "10.0.0.0/33", "10.0.0", "::/129", "10.0.0.1,x"}) {
    const std::string rule = std::string("allow play from ") + network;
    EXPECT_TRUE(fault_of(rule.c_str()).ends_with("such as 10.0.0.0/8,::1 or local.")) << rule;
  }
}

TEST(Matches, TakesAStarForAnyCharacters) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("live/*", "live/cam/1"));
  EXPECT_FALSE(matches("live/*", "vod/cam"));
  EXPECT_TRUE(matches("*/cam*1", "live/cam/x1"));
  EXPECT_FALSE(matches("*/cam*1", "live/cam/x2"));
  EXPECT_FALSE(matches("cam", "camera"));
}

TEST(Matches, TakesAQuestionMarkForOneCharacter) {
  EXPECT_TRUE(matches("live/cam?", "live/cam1"));
  EXPECT_FALSE(matches("live/cam?", "live/cam"));
  EXPECT_FALSE(matches("?", ""));
}

TEST(Matches, IsNotLongAboutManyStars) {
  EXPECT_FALSE(matches(std::string(200, '*') + "b", std::string(10'000, 'a')));
}

}  // namespace
}  // namespace relay
