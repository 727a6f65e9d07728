// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/routes.h"

#include <gtest/gtest.h>

namespace relay {
namespace {

RouteRules rules(const std::string& text) {
  std::string error;
  const auto rules = RouteRules::read(text, error);
  EXPECT_TRUE(rules) << error;
  return rules.value_or(RouteRules());
}

std::string fault_of(const std::string& text) {
  std::string error;
  EXPECT_FALSE(RouteRules::read(text, error));
  return error;
}

// Where the first rule that fits leads.
std::string first(const std::string& text, const std::string& stream) {
  const auto url = rules(text).first(stream);
  return url ? rtmp::write_url(*url) : "";
}

TEST(RouteRules, LeadToTheirUrl) {
  EXPECT_EQ(first("live/cam rtmp://b/in/other", "live/cam"), "rtmp://b/in/other");
}

TEST(RouteRules, LeadNowhereForOtherStreams) {
  EXPECT_EQ(first("live/cam rtmp://b/in/other", "live/camera"), "");
}

TEST(RouteRules, AreTakenInOrder) {
  EXPECT_EQ(first("live/* rtmp://b/;* rtmp://c/", "live/cam"), "rtmp://b/live/cam");
  EXPECT_EQ(first("live/* rtmp://b/;* rtmp://c/", "vod/film"), "rtmp://c/vod/film");
}

TEST(RouteRules, StandOnLinesWithComments) {
  EXPECT_EQ(first("# all of it\n* rtmp://b/ # there", "live/cam"), "rtmp://b/live/cam");
}

TEST(RouteRules, FillInTheNamesParts) {
  EXPECT_EQ(first("* rtmps://b/x-{app}/{stream}?key=1", "live/cam"), "rtmps://b/x-live/cam?key=1");
}

TEST(RouteRules, PutTheNameBehindASlash) {
  EXPECT_EQ(first("* rtmp://b/in/", "live/cam"), "rtmp://b/in/live/cam");
}

TEST(RouteRules, TakeAllButTheLastPartForTheApp) {
  const auto url = rules("* rtmp://b/").first("live/studio/cam");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->app, "live/studio");
  EXPECT_EQ(url->stream, "cam");
}

TEST(RouteRules, KnowStreamsWithoutAnApp) {
  EXPECT_EQ(first("* rtmp://b/", "cam"), "rtmp://b/cam");
}

TEST(RouteRules, LetNoNameAddToTheUrl) {
  const auto url = rules("* rtmp://b/in/{stream}").first("live/cam swfUrl=x {app}");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->stream, "cam swfUrl=x {app}");
  EXPECT_TRUE(url->words.empty());
}

TEST(RouteRules, LeadToEachPlaceOnce) {
  EXPECT_EQ(rules("* rtmp://b/; live/* rtmp://b/; live/* rtmp://c/").all("live/cam").size(), 2U);
}

TEST(RouteRules, MustHaveAUrl) {
  EXPECT_EQ(fault_of("live/*"),
            "The rule for live/* cannot be used: it takes a pattern and one URL.");
}

TEST(RouteRules, LeadToRtmpAlone) {
  EXPECT_EQ(fault_of("live/* rtmpt://b/in/x"),
            "The rule for live/* cannot be used: its URL must begin with rtmp:// or rtmps://.");
}

TEST(RouteRules, DoNotTellSecretsWhereTheyAreAtFault) {
  EXPECT_EQ(fault_of("* ftp://user:geheim@b/in/schluessel").find("geheim"), std::string::npos);
  EXPECT_EQ(fault_of("* rtmp://b/in/schluessel geheim").find("geheim"), std::string::npos);
}

// --- paths

RoutePath path_of(const std::string& text) {
  return RoutePath::read({{std::string(RoutePath::property), text}});
}

TEST(RoutePath, ContainsTheServersThatItPassed) {
  const std::string a = make_route_id(), b = make_route_id(), c = make_route_id();
  const RoutePath path = path_of(RoutePath().with(a).with(b).text());
  EXPECT_TRUE(path.contains(a) && path.contains(b));
  EXPECT_FALSE(path.contains(c));
}

TEST(RoutePath, IsEmptyWhereAClientSaysSomethingElse) {
  EXPECT_TRUE(path_of("home").empty());
  EXPECT_TRUE(RoutePath::read({}).empty());
}

TEST(RoutePath, IsFullAfterSixteenServers) {
  RoutePath path;
  for (int i = 0; i < 15; ++i) path = path.with(make_route_id());
  EXPECT_FALSE(path_of(path.text()).full());
  for (int i = 0; i < 100; ++i) path = path.with(make_route_id());
  EXPECT_TRUE(path_of(path.text()).full());
}

// --- our own place

TEST(OwnHost, IsThisMachineWhereTheServerListensOnIt) {
  EXPECT_TRUE(is_own_host("127.0.0.1", "localhost"));
  EXPECT_TRUE(is_own_host("::1", "localhost"));
  EXPECT_TRUE(is_own_host("localhost", "::"));
  EXPECT_TRUE(is_own_host("server.example", "server.example"));
  EXPECT_FALSE(is_own_host("203.0.113.1", "::"));
  EXPECT_FALSE(is_own_host("server.example", "localhost"));
}

}  // namespace
}  // namespace relay
