// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "relay/route_test.h"

namespace relay {
namespace {

using namespace std::chrono_literals;
using namespace test;
using State = RouteStats::State;

Server::Settings forwarding(const std::string& rules) {
  Server::Settings settings = any_port();
  std::string error;
  const auto read = RouteRules::read(rules, error);
  EXPECT_TRUE(read) << error;
  settings.routes.forward = *read;
  return settings;
}

const std::vector<rtmp::Message> beginning = {metadata(), video_header(), key(0)};

TEST(Forward, CarriesTheStreamToAnotherServer) {
  Site target;
  Site site(forwarding("live/* " + target.url()));
  const auto player = target.player();
  ASSERT_TRUE(player->start());
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  source->send({metadata(), video_header(), audio_header(), key(0), audio(10), inter(40)});
  EXPECT_TRUE(player->run_until_seen(sample_access + "MHhkai")) << player->seen;
}

TEST(Forward, CarriesItToSeveral) {
  Site one, two;
  Site site(forwarding("live/* " + one.url() + "; * " + two.url() + "copy/{stream}"));
  const auto first = one.player();
  ASSERT_TRUE(first->start());
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  EXPECT_TRUE(first->run_until_seen(sample_access + "MHk")) << first->seen;
  ASSERT_TRUE(site.observer.wait_state(State::streaming, 2));
  EXPECT_TRUE(two.server.hub().find("copy/cam"));
}

TEST(Forward, LeavesOtherStreamsAlone) {
  Site target;
  Site site(forwarding("live/other " + target.url()));
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  EXPECT_TRUE(site.server.stats().forwards.empty());
}

TEST(Forward, TellsTheOtherServerOfTheEnd) {
  Site target;
  Site site(forwarding("* " + target.url()));
  const auto player = target.player();
  ASSERT_TRUE(player->start());
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  ASSERT_TRUE(player->run_until_seen(sample_access + "MHk")) << player->seen;
  source->stop();
  EXPECT_TRUE(player->run_until([&] { return !player->ends.empty(); }));
  EXPECT_TRUE(site.observer.wait_state(State::ended));
  EXPECT_TRUE(site.server.stats().forwards.empty());
}

TEST(Forward, SendsWhatThereIsBeforeTheEnd) {
  Site target;
  Site site(forwarding("* " + target.url()));
  const auto player = target.player();
  ASSERT_TRUE(player->start());
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  source->stop();
  EXPECT_TRUE(player->run_until([&] { return !player->ends.empty(); }));
  EXPECT_EQ(player->seen, sample_access + "MHk");
}

TEST(Forward, BeginsAgainWithTheNextPublisher) {
  Site target;
  Site site(forwarding("* " + target.url()));
  for (int i = 0; i < 2; ++i) {
    const auto player = target.player();
    ASSERT_TRUE(player->start());
    const auto source = site.publisher();
    ASSERT_TRUE(source->start());
    source->send(beginning);
    ASSERT_TRUE(player->run_until_seen(sample_access + "MHk")) << player->seen;
    source->stop();
    ASSERT_TRUE(player->run_until([&] { return !player->ends.empty(); }));
  }
}

TEST(Forward, GoesOnOverATakeover) {
  Site target;
  auto settings = forwarding("* " + target.url());
  settings.duplicate_publish = Stream::Duplicate::takeover;
  Site site(std::move(settings));
  const auto player = target.player();
  ASSERT_TRUE(player->start());
  const auto first = site.publisher();
  ASSERT_TRUE(first->start());
  first->send({video_header(), key(0)});
  ASSERT_TRUE(player->run_until_seen(sample_access + "Hk")) << player->seen;
  const auto second = site.publisher();
  ASSERT_TRUE(second->start());
  second->send({video_header(), key(0)});
  EXPECT_TRUE(player->run_until_seen(sample_access + "HkHk")) << player->seen;
  EXPECT_TRUE(player->ends.empty());
}

TEST(Forward, ConnectsAgainWhenTheOtherServerIsThere) {
  const Server::Settings again = own_port();
  auto there = std::make_unique<Site>(again);
  const std::string url = there->url();
  there.reset();
  Site site(forwarding("* " + url));
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  ASSERT_TRUE(site.observer.wait_state(State::reconnecting));
  Site back(std::move(again));
  const auto player = back.player();
  ASSERT_TRUE(player->start());
  EXPECT_TRUE(player->run_until_seen(sample_access + "MHk")) << player->seen;
}

TEST(Forward, GoesOnAtAKeyFrameAfterALoss) {
  const Server::Settings again = own_port();
  auto there = std::make_unique<Site>(again);
  Site site(forwarding("* " + there->url()));
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  source->send(beginning);
  ASSERT_TRUE(site.observer.wait_state(State::streaming));
  there.reset();
  ASSERT_TRUE(site.observer.wait_state(State::reconnecting));
  source->send({inter(40), audio(50)});
  Site back(std::move(again));
  const auto player = back.player();
  ASSERT_TRUE(player->start());
  ASSERT_TRUE(site.observer.wait_state(State::streaming, 2));
  source->send({inter(80), key(120), inter(160)});
  EXPECT_TRUE(player->run_until_seen(sample_access + "MHki")) << player->seen;
  const RouteStats stats = site.server.stats().forwards.at(0);
  EXPECT_EQ(stats.reconnects, 1U);
  EXPECT_GE(stats.frames_lost, 1U);
}

TEST(Forward, TakesARefusalForAnAnswerUntilThePublisherComesAnew) {
  Site target;
  target.observer.decide = [](const Request& request) {
    return Decision{.allow = request.action != Request::Action::publish, .reason = "Not you."};
  };
  Site site(forwarding("* " + target.url()));
  {
    const auto source = site.publisher();
    ASSERT_TRUE(source->start());
    ASSERT_TRUE(site.observer.wait_state(State::refused));
    const auto forwards = site.server.stats().forwards;
    ASSERT_EQ(forwards.size(), 1U);
    EXPECT_NE(forwards[0].reason.find("Not you."), std::string::npos) << forwards[0].reason;
    source->stop();
    ASSERT_TRUE(source->run_until([&] { return site.server.stats().forwards.empty(); }));
  }
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  EXPECT_TRUE(site.observer.wait_state(State::refused, 2));
}

// Accepts connections and says nothing.
struct SilentServer {
  SilentServer() {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket, generic, size), 0);
    EXPECT_EQ(::listen(socket, 8), 0);
    EXPECT_EQ(::getsockname(socket, generic, &size), 0);
    url = "rtmp://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
  }
  ~SilentServer() { ::close(socket); }

  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  std::string url;
};

TEST(Forward, HoldsOnlySoMuchForAServerThatDoesNotRead) {
  SilentServer silent;
  Site good;
  auto settings = forwarding("* " + silent.url + "; * " + good.url());
  settings.routes.queue.bytes = 100'000;
  Site site(std::move(settings));
  const auto player = good.player();
  ASSERT_TRUE(player->start());
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  source->send({metadata(), video_header(), audio_header()});
  std::string expected = sample_access + "MHh";
  for (int i = 0; i < 20; ++i) {
    source->send({key(i * 40, 50'000)});
    ASSERT_TRUE(player->run_until_seen(expected += "k")) << player->seen;
  }
  for (const RouteStats& route : site.server.stats().forwards) {
    EXPECT_LE(route.queue_bytes, 150'000U);
    EXPECT_EQ(route.frames_lost > 10, route.state == State::connecting) << route.frames_lost;
  }
}

// Neither headers nor data are dropped in favour of frames.
TEST(Forward, HoldsNoMoreOfDataAndHeaders) {
  SilentServer silent;
  auto settings = forwarding("* " + silent.url);
  settings.routes.queue.bytes = 100'000;
  Site site(std::move(settings));
  const auto player = site.player();
  ASSERT_TRUE(player->start());
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  std::string expected = sample_access;
  for (int i = 0; i < 20; ++i) {
    source->send({message(rtmp::MessageType::video, i, {0x17, 0, 0, 0, 0, 1}, 50'000)});
    ASSERT_TRUE(player->run_until_seen(expected += "H")) << player->seen;
  }
  EXPECT_LE(site.server.stats().forwards.at(0).queue_bytes, 200'000U);
}

TEST(Forward, MasksKeysAndPasswords) {
  Site target;
  Site site(forwarding("* rtmp://user:geheim@127.0.0.1:" + std::to_string(target.server.port()) +
                       "/in/schluessel?token=abc"));
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  ASSERT_TRUE(site.observer.wait_state(State::streaming));
  const std::string url = site.observer.last_route().url;
  for (const char* secret : {"geheim", "schluessel", "abc"})
    EXPECT_EQ(url.find(secret), std::string::npos) << url;
}

// --- by order

TEST(ForwardByOrder, JoinsAStreamInTheMiddle) {
  Site target, site;
  const auto source = site.publisher();
  const auto watcher = site.player();
  ASSERT_TRUE(watcher->start());
  ASSERT_TRUE(source->start());
  source->send({metadata(), video_header(), key(0), inter(40)});
  ASSERT_TRUE(watcher->run_until_seen(sample_access + "MHki"));
  const auto player = target.player();
  ASSERT_TRUE(player->start());
  EXPECT_NE(site.server.forward("live/*", target.url()), 0U);
  EXPECT_TRUE(player->run_until_seen(sample_access + "MHki")) << player->seen;
  source->send({inter(80)});
  EXPECT_TRUE(player->run_until_seen(sample_access + "MHkii")) << player->seen;
}

TEST(ForwardByOrder, EndsByOrder) {
  Site target, site;
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  const std::uint64_t id = site.server.forward("live/cam", target.url());
  ASSERT_TRUE(site.observer.wait_state(State::streaming));
  EXPECT_TRUE(site.server.stop_forward(id));
  EXPECT_TRUE(site.observer.wait_state(State::ended));
  EXPECT_FALSE(site.server.stop_forward(id));
}

TEST(ForwardByOrder, TakesNoOtherUrls) {
  Site site;
  EXPECT_EQ(site.server.forward("live/cam", "http://127.0.0.1/"), 0U);
}

TEST(ForwardByOrder, OfADecisionEndsWithThePublisher) {
  Site target, site;
  site.observer.decide = [&](const Request&) { return Decision{.forward = {target.url()}}; };
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  ASSERT_TRUE(site.observer.wait_state(State::streaming));
  source->stop();
  EXPECT_TRUE(site.observer.wait_state(State::ended));
}

// --- loops

TEST(ForwardLoop, IsNotBegunToOurOwnAddress) {
  Site site;
  site.server.forward("*", site.url() + "copy/{stream}");
  const auto source = site.publisher();
  ASSERT_TRUE(source->start());
  ASSERT_TRUE(site.observer.wait_state(State::refused));
  EXPECT_EQ(site.observer.last_route().reason, "The URL is this server's own.");
}

TEST(ForwardLoop, IsRefusedWhereTheStreamBegan) {
  Site a;
  Site b(forwarding("* " + a.url() + "back/{stream}"));
  a.server.forward("*", b.url());
  const auto source = a.publisher();
  ASSERT_TRUE(source->start());
  ASSERT_TRUE(b.observer.wait_state(State::refused));
  EXPECT_NE(b.observer.last_route().reason.find("circle"), std::string::npos)
      << b.observer.last_route().reason;
  EXPECT_FALSE(a.server.hub().find("back/cam"));
  EXPECT_EQ(a.server.stats().limits[static_cast<std::size_t>(Limit::loops)], 1U);
}

TEST(ForwardLoop, IsNoneWhereTwoServersFeedAThird) {
  Site c;
  Site b(forwarding("* " + c.url() + "b/{stream}"));
  Site a(forwarding("* " + b.url() + "; * " + c.url() + "a/{stream}"));
  const auto source = a.publisher();
  ASSERT_TRUE(source->start());
  EXPECT_TRUE(a.observer.wait_state(State::streaming, 2));
  EXPECT_TRUE(b.observer.wait_state(State::streaming));
}

}  // namespace
}  // namespace relay
