// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "relay/route_test.h"

namespace relay {
namespace {

using namespace std::chrono_literals;
using namespace test;
using State = RouteStats::State;

Server::Settings pulling(const std::string& rules, rtmp::Duration linger = 10s) {
  Server::Settings settings = any_port();
  std::string error;
  const auto read = RouteRules::read(rules, error);
  EXPECT_TRUE(read) << error;
  settings.routes.pull = *read;
  settings.routes.pull_linger = linger;
  return settings;
}

const std::vector<rtmp::Message> beginning = {metadata(), video_header(), key(0)};
const std::string begun = sample_access + "MHk";

TEST(Pull, PlaysAMissingStreamFromTheOtherServer) {
  Site origin;
  Site site(pulling("live/* " + origin.url()));
  const auto source = origin.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  const auto player = site.player();
  ASSERT_TRUE(player->start());
  ASSERT_TRUE(player->run_until_seen(begun)) << player->seen;
  source->send({inter(40), audio(50)});
  EXPECT_TRUE(player->run_until_seen(begun + "ia")) << player->seen;
}

TEST(Pull, IsOneForAllPlayers) {
  Site origin;
  Site site(pulling("* " + origin.url()));
  const auto source = origin.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  const auto first = site.player(), second = site.player();
  ASSERT_TRUE(first->start() && second->start());
  EXPECT_TRUE(first->run_until_seen(begun)) << first->seen;
  EXPECT_TRUE(second->run_until_seen(begun)) << second->seen;
  EXPECT_EQ(origin.server.stats().players, 1U);
}

TEST(Pull, LeavesOtherStreamsAlone) {
  Site origin;
  Site site(pulling("live/other " + origin.url()));
  const auto player = site.player();
  ASSERT_TRUE(player->start());
  EXPECT_TRUE(site.server.stats().pulls.empty());
}

TEST(Pull, LetsPlayersWaitWhereTheOtherServerDoes) {
  Site origin;
  Site site(pulling("* " + origin.url()));
  const auto player = site.player();
  ASSERT_TRUE(player->start());
  const auto source = origin.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  EXPECT_TRUE(player->run_until_seen(begun)) << player->seen;
}

TEST(Pull, TellsPlayersOfARefusal) {
  Site origin;
  origin.observer.decide = [](const Request& request) {
    return Decision{.allow = request.action != Request::Action::play, .reason = "Not you."};
  };
  Site site(pulling("* " + origin.url()));
  const auto player = site.player();
  EXPECT_FALSE(player->start());
  ASSERT_TRUE(player->refused);
  EXPECT_EQ(player->refused->status.code, "NetStream.Play.StreamNotFound");
  const auto next = site.player();
  EXPECT_FALSE(next->start());
  EXPECT_EQ(site.observer.states(State::refused), 1U);
}

TEST(Pull, TellsPlayersThatTheOtherServerIsNotThere) {
  auto origin = std::make_unique<Site>();
  Site site(pulling("* " + origin->url()));
  origin.reset();
  const auto player = site.player();
  EXPECT_FALSE(player->start());
  ASSERT_TRUE(player->refused);
  EXPECT_EQ(player->refused->status.code, "NetStream.Play.StreamNotFound");
  EXPECT_TRUE(site.observer.wait_state(State::failed));
}

TEST(Pull, TellsPlayersOfTheEndAndOfTheNextPublisher) {
  Site origin;
  Site site(pulling("* " + origin.url()));
  auto source = origin.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  const auto player = site.player();
  ASSERT_TRUE(player->start());
  ASSERT_TRUE(player->run_until_seen(begun)) << player->seen;
  source->stop();
  ASSERT_TRUE(player->run_until([&] { return !player->ends.empty(); }));
  source = origin.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  EXPECT_TRUE(player->run_until_seen(begun + "MHk")) << player->seen;
}

TEST(Pull, GoesOnAfterALossAsOneStream) {
  const Server::Settings again = own_port();
  auto origin = std::make_unique<Site>(again);
  Site site(pulling("* " + origin->url()));
  auto source = origin->publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  const auto player = site.player();
  ASSERT_TRUE(player->start());
  ASSERT_TRUE(player->run_until_seen(begun)) << player->seen;
  origin->server.kick(2);  // the pull, behind the publisher
  ASSERT_TRUE(site.observer.wait_state(State::reconnecting));
  ASSERT_TRUE(site.observer.wait_state(State::streaming, 2));
  ASSERT_TRUE(player->run_until_seen(begun + "MHk")) << player->seen;
  EXPECT_TRUE(player->ends.empty());
}

TEST(Pull, EndsSomeTimeAfterTheLastPlayer) {
  Site origin;
  Site site(pulling("* " + origin.url(), 50ms));
  const auto source = origin.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  const auto player = site.player();
  ASSERT_TRUE(player->start());
  ASSERT_TRUE(player->run_until_seen(begun)) << player->seen;
  player->close();
  EXPECT_TRUE(origin.observer.wait_removed(1));
  EXPECT_TRUE(site.observer.wait_state(State::ended));
  EXPECT_EQ(site.observer.last_route().reason, "Nobody watches any more.");
}

TEST(Pull, IsThereForThePlayerThatComesInTime) {
  Site origin;
  Site site(pulling("* " + origin.url()));
  const auto source = origin.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  auto player = site.player();
  ASSERT_TRUE(player->start());
  ASSERT_TRUE(player->run_until_seen(begun)) << player->seen;
  player->close();
  ASSERT_TRUE(site.observer.wait_removed(1));
  player = site.player();
  ASSERT_TRUE(player->start());
  EXPECT_TRUE(player->run_until_seen(begun)) << player->seen;
  EXPECT_EQ(site.observer.states(State::connecting), 1U);
}

// Of streams that never came nobody could come back to.
TEST(Pull, EndsWithTheLastPlayerWhereNothingCame) {
  Site origin;
  Site site(pulling("* " + origin.url()));
  const auto player = site.player();
  ASSERT_TRUE(player->start());
  player->close();
  EXPECT_TRUE(site.observer.wait_state(State::ended));
}

TEST(Pull, GivesWayToAPublisherHere) {
  Site origin;
  Site site(pulling("* " + origin.url()));
  const auto far = origin.publisher();
  ASSERT_TRUE(far->start());
  far->send(beginning);
  const auto player = site.player();
  ASSERT_TRUE(player->start());
  ASSERT_TRUE(player->run_until_seen(begun)) << player->seen;
  const auto near = site.publisher();
  ASSERT_TRUE(near->start());
  near->send({video_header(), key(0), inter(40)});
  EXPECT_TRUE(player->run_until_seen(begun + "Hki")) << player->seen;
  EXPECT_TRUE(site.observer.wait_state(State::ended));
}

TEST(Pull, ComesBackWhenThePublisherHereHasGone) {
  Site origin;
  Site site(pulling("* " + origin.url()));
  const auto near = site.publisher();
  ASSERT_TRUE(near->start());
  const auto player = site.player();
  ASSERT_TRUE(player->start());
  near->send(beginning);
  ASSERT_TRUE(player->run_until_seen(begun)) << player->seen;
  const auto far = origin.publisher();
  ASSERT_TRUE(far->start());
  far->send(beginning);
  near->stop();
  EXPECT_TRUE(player->run_until_seen(begun + "MHk")) << player->seen;
}

TEST(Pull, FetchesOnlySoManyStreamsAtATime) {
  Site origin;
  auto settings = pulling("* " + origin.url());
  settings.routes.most_pulls = 1;
  Site site(std::move(settings));
  const auto first = site.player("one"), second = site.player("two");
  ASSERT_TRUE(first->start());
  EXPECT_FALSE(second->start());
  ASSERT_TRUE(second->refused);
  EXPECT_EQ(site.server.stats().limits[static_cast<std::size_t>(Limit::pulls)], 1U);
}

TEST(Pull, ComesFromWhereADecisionSays) {
  Site origin, site;
  site.observer.decide = [&](const Request&) {
    return Decision{.pull = origin.url() + "live/camera"};
  };
  const auto source = origin.publisher("camera");
  ASSERT_TRUE(source->start());
  source->send(beginning);
  const auto player = site.player("other");
  ASSERT_TRUE(player->start());
  EXPECT_TRUE(player->run_until_seen(begun)) << player->seen;
}

// --- loops

TEST(PullLoop, IsNotBegunFromOurOwnAddress) {
  Site site;
  site.observer.decide = [&](const Request&) { return Decision{.pull = site.url()}; };
  const auto player = site.player();
  EXPECT_FALSE(player->start());
  ASSERT_TRUE(player->refused);
  EXPECT_EQ(player->refused->status.code, "NetStream.Play.StreamNotFound");
}

TEST(PullLoop, EndsWithARefusalWhereItBegan) {
  Site a;
  Site b(pulling("* " + a.url()));
  a.observer.decide = [&](const Request&) { return Decision{.pull = b.url()}; };
  const auto player = a.player();
  EXPECT_FALSE(player->start());
  ASSERT_TRUE(player->refused);
  EXPECT_EQ(player->refused->status.code, "NetStream.Play.StreamNotFound");
  EXPECT_EQ(a.server.stats().limits[static_cast<std::size_t>(Limit::loops)], 1U);
}

TEST(PullLoop, EndsWhereBothBeginAtOnce) {
  Site a;
  Site b(pulling("* " + a.url()));
  a.observer.decide = [&](const Request&) { return Decision{.pull = b.url()}; };
  const auto at_a = a.player(), at_b = b.player();
  EXPECT_FALSE(at_a->start());
  EXPECT_FALSE(at_b->start());
  EXPECT_TRUE(at_a->refused && at_b->refused);
}

}  // namespace
}  // namespace relay
