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
  EXPECT_TRUE(rules("").judge({publish, "live/cam", "10.0.0.1:4711"}).allow);
  EXPECT_TRUE(rules(" \n# nothing\n;;").empty());
}

TEST(AccessRules, AreTriedInTheirOrder) {
  const AccessRules read = rules("allow publish live/guest; deny publish; allow publish live/cam");
  EXPECT_TRUE(read.judge({publish, "live/guest", "10.0.0.1:1"}).allow);
  EXPECT_FALSE(read.judge({publish, "live/cam", "10.0.0.1:1"}).allow);
}

TEST(AccessRules, AreAboutOneActionOrBoth) {
  const AccessRules read = rules("deny publish live/*\ndeny all vod/*");
  EXPECT_FALSE(read.judge({publish, "live/cam", "10.0.0.1:1"}).allow);
  EXPECT_TRUE(read.judge({play, "live/cam", "10.0.0.1:1"}).allow);
  EXPECT_FALSE(read.judge({publish, "vod/film", "10.0.0.1:1"}).allow);
  EXPECT_FALSE(read.judge({play, "vod/film", "10.0.0.1:1"}).allow);
}

TEST(AccessRules, KnowNetworks) {
  const AccessRules read = rules("allow all from 10.1.0.0/16,192.0.2.7,2001:db8::/32; deny all");
  EXPECT_TRUE(read.judge({play, "a/b", "10.1.255.3:50000"}).allow);
  EXPECT_FALSE(read.judge({play, "a/b", "10.2.0.1:50000"}).allow);
  EXPECT_TRUE(read.judge({play, "a/b", "192.0.2.7:1"}).allow);
  EXPECT_FALSE(read.judge({play, "a/b", "192.0.2.8:1"}).allow);
  EXPECT_TRUE(read.judge({play, "a/b", "[2001:db8:5::1]:1"}).allow);
  EXPECT_FALSE(read.judge({play, "a/b", "[2001:db9::1]:1"}).allow);
}

TEST(AccessRules, TakeANetworkByAnyOfItsAddresses) {
  EXPECT_TRUE(
      rules("allow all from 10.1.2.3/16; deny all").judge({play, "a/b", "10.1.9.9:1"}).allow);
}

TEST(AccessRules, KnowThisMachine) {
  const AccessRules read = rules("allow publish from local; deny publish");
  EXPECT_TRUE(read.judge({publish, "live/cam", "127.0.0.1:4711"}).allow);
  EXPECT_TRUE(read.judge({publish, "live/cam", "[::1]:4711"}).allow);
  EXPECT_TRUE(read.judge({publish, "live/cam", "unix"}).allow);
  EXPECT_FALSE(read.judge({publish, "live/cam", "192.168.1.1:4711"}).allow);
}

TEST(AccessRules, SeeAMappedAddressAsTheOneThatItStandsFor) {
  EXPECT_FALSE(rules("deny all from 10.0.0.0/8").judge({play, "a/b", "[::ffff:10.0.0.1]:1"}).allow);
}

TEST(AccessRules, SeeThroughTheScopeOfAnAddress) {
  EXPECT_FALSE(rules("deny all from fe80::/10").judge({play, "a/b", "[fe80::1%lo]:1"}).allow);
}

TEST(AccessRules, SayWhetherTheyGuardPublishing) {
  EXPECT_FALSE(rules("").guards_publishing());
  EXPECT_FALSE(rules("deny play").guards_publishing());
  EXPECT_TRUE(rules("deny publish from 10.0.0.0/8").guards_publishing());
  EXPECT_TRUE(rules("deny all").guards_publishing());
}

TEST(AccessRules, ShowTheRuleThatCannotBeUsed) {
  EXPECT_EQ(
      fault_of("deny all; permit play"),
      "The access rule ' permit play' cannot be used: it must begin with allow, deny or rename.");
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

TEST(AccessRules, KnowWhoHasLoggedIn) {
  const AccessRules read = rules("allow publish live/alice-* user alice,ali?; deny all");
  for (const char* user : {"alice", "alix"})
    EXPECT_TRUE(read.judge({publish, "live/alice-1", "10.0.0.1:1", user}).allow) << user;
  for (const char* user : {"", "bob", "al", "alice2"})
    EXPECT_FALSE(read.judge({publish, "live/alice-1", "10.0.0.1:1", user}).allow) << user;
  EXPECT_FALSE(read.judge({publish, "live/bob", "10.0.0.1:1", "alice"}).allow);
}

TEST(AccessRules, TakeAStarForAnybodyWhoHasLoggedIn) {
  const AccessRules read = rules("allow play user * from 10.0.0.0/8; deny play");
  EXPECT_TRUE(read.judge({play, "live/cam", "10.0.0.1:1", "bob"}).allow);
  EXPECT_FALSE(read.judge({play, "live/cam", "10.0.0.1:1"}).allow);
  EXPECT_FALSE(read.judge({play, "live/cam", "192.0.2.1:1", "bob"}).allow);
}

TEST(AccessRules, RenameWhatTheyAllow) {
  const AccessRules read = rules("rename publish live/key to live/cam; deny publish");
  EXPECT_TRUE(read.judge({publish, "live/key", "10.0.0.1:1"}).allow);
  EXPECT_EQ(read.judge({publish, "live/key", "10.0.0.1:1"}).rename, "live/cam");
  EXPECT_FALSE(read.judge({publish, "live/cam", "10.0.0.1:1"}).allow);
  EXPECT_EQ(read.judge({play, "live/key", "10.0.0.1:1"}).rename, "");
}

TEST(AccessRules, RenameForSomeAlone) {
  const AccessRules read =
      rules("rename all live/* to live/a user alice; rename all live/* to live/b from local");
  EXPECT_EQ(read.judge({publish, "live/x", "10.0.0.1:1", "alice"}).rename, "live/a");
  EXPECT_EQ(read.judge({publish, "live/x", "127.0.0.1:1"}).rename, "live/b");
  EXPECT_EQ(read.judge({publish, "live/x", "10.0.0.1:1"}).rename, "");
}

TEST(AccessRules, RenameToNamesAlone) {
  for (const char* rule : {"rename play", "rename play a/b", "rename play a/b c/d",
                           "rename play a/b to", "rename play a/b to c/*", "rename play to c/d",
                           "rename play from local", "rename play user x to c/d"})
    EXPECT_TRUE(fault_of(rule).ends_with("such as to live/cam.")) << rule;
  EXPECT_TRUE(fault_of("allow play a/b user").ends_with("such as alice,bob."));
  EXPECT_TRUE(fault_of("rename play a/b to c/d x").ends_with("more than it may have."));
}

TEST(AccessRules, ThatRenameGuardNothing) {
  EXPECT_FALSE(rules("rename publish a/b to c/d").guards_publishing());
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
