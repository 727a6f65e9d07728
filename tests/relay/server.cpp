// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/server.h"

#include <gtest/gtest.h>

#include <future>

#include "relay/server_test.h"
#include "rtmp/enhanced.h"

namespace relay {
namespace {

using namespace std::chrono_literals;
using namespace test;
TEST_F(ServerTest, GivesPlayersWhatAPublisherSends) {
  start();
  const auto early = player();
  ASSERT_TRUE(early->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  source->send({metadata(), video_header(), audio_header(), key(0), audio(10), inter(40)});
  EXPECT_TRUE(early->run_until_seen(sample_access + "MHhkai")) << early->seen;
}

TEST_F(ServerTest, StartsLatePlayersWithTheGop) {
  start();
  const auto source = publisher();
  const auto early = player();
  ASSERT_TRUE(early->start());
  ASSERT_TRUE(source->start());
  source->send({metadata(), video_header(), key(0), inter(40), key(80), inter(120)});
  ASSERT_TRUE(early->run_until_seen(sample_access + "MHkiki"));
  const auto late = player();
  ASSERT_TRUE(late->start());
  EXPECT_TRUE(late->run_until_seen(sample_access + "MHki")) << late->seen;
}

TEST_F(ServerTest, CarriesLargeMessagesWhole) {
  start();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  rtmp::Message large = key(0, 1'000'000);
  const rtmp::Buffer payload = large.payload;
  source->send({large});
  ASSERT_TRUE(sink->run_until_seen(sample_access + "k"));
  EXPECT_TRUE(std::ranges::equal(sink->media.back().payload.bytes(), payload.bytes()));
}

TEST_F(ServerTest, TellsPlayersThatThePublisherLeft) {
  start();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  source->send({key(0)});
  source->stop();
  EXPECT_TRUE(sink->run_until([&] { return !sink->ends.empty(); }));
  EXPECT_EQ(sink->seen, sample_access + "k");
  EXPECT_EQ(std::ranges::count(sink->statuses, "NetStream.Play.UnpublishNotify"), 1);
}

TEST_F(ServerTest, TellsPlayersThatAPublisherLeftWithoutAWord) {
  start();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  source->close();
  EXPECT_TRUE(sink->run_until([&] { return !sink->ends.empty(); }));
}

TEST_F(ServerTest, KeepsPlayersForTheNextPublisher) {
  start();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  auto source = publisher();
  ASSERT_TRUE(source->start());
  source->send({video_header(), key(0)});
  source->stop();
  ASSERT_TRUE(sink->run_until([&] { return !sink->ends.empty(); }));
  source = publisher();
  ASSERT_TRUE(source->start());
  source->send({video_header(), key(0)});
  EXPECT_TRUE(sink->run_until_seen(sample_access + "HkHk")) << sink->seen;
  EXPECT_TRUE(sink->resumed);
}

TEST_F(ServerTest, RefusesASecondPublisherOfALivelyStream) {
  start();
  const auto first = publisher();
  ASSERT_TRUE(first->start());
  const auto second = publisher();
  EXPECT_FALSE(second->start());
  ASSERT_TRUE(second->refused);
  EXPECT_EQ(second->refused->status.code, "NetStream.Publish.BadName");
  EXPECT_EQ(count(Limit::duplicate_publish), 1u);
}

TEST_F(ServerTest, LetsASecondPublisherTakeOverWhereTheSettingSaysSo) {
  Server::Settings takeover = settings();
  takeover.duplicate_publish = Stream::Duplicate::takeover;
  start(takeover);
  const auto first = publisher();
  ASSERT_TRUE(first->start());
  const auto second = publisher();
  EXPECT_TRUE(second->start());
  EXPECT_TRUE(first->run_until_closed());
  ASSERT_TRUE(first->refused);
  EXPECT_EQ(first->refused->status.code, "NetStream.Publish.BadName");
}

TEST_F(ServerTest, KeepsPlayersGoingThroughATakeover) {
  Server::Settings takeover = settings();
  takeover.duplicate_publish = Stream::Duplicate::takeover;
  start(takeover);
  const auto sink = player();
  const auto first = publisher();
  ASSERT_TRUE(sink->start() && first->start());
  first->send({key(5000)});
  ASSERT_TRUE(sink->run_until_seen(sample_access + "k"));
  const auto second = publisher();
  ASSERT_TRUE(second->start());
  second->send({video_header(), inter(0), key(40)});
  ASSERT_TRUE(sink->run_until_seen(sample_access + "kHk")) << sink->seen;
  EXPECT_TRUE(sink->ends.empty());
  EXPECT_GT(sink->media.back().timestamp, 5000);
}

TEST_F(ServerTest, KeepsPlayersGoingForAPublisherThatComesBackInTime) {
  Server::Settings patient = settings();
  patient.publisher_grace = 1h;
  start(patient);
  const auto sink = player();
  auto source = publisher();
  ASSERT_TRUE(sink->start() && source->start());
  source->send({key(5000)});
  ASSERT_TRUE(sink->run_until_seen(sample_access + "k"));
  source->close();
  ASSERT_TRUE(observer_.wait_removed(1));
  source = publisher();
  ASSERT_TRUE(source->start());
  source->send({video_header(), key(0)});
  ASSERT_TRUE(sink->run_until_seen(sample_access + "kHk")) << sink->seen;
  EXPECT_TRUE(sink->ends.empty());
  EXPECT_EQ(std::ranges::count(sink->statuses, "NetStream.Play.UnpublishNotify"), 0);
}

TEST_F(ServerTest, EndsPlayersWhosePublisherDoesNotComeBackInTime) {
  Server::Settings patient = settings();
  patient.publisher_grace = 100ms;
  start(patient);
  const auto sink = player();
  const auto source = publisher();
  ASSERT_TRUE(sink->start() && source->start());
  source->stop();
  EXPECT_TRUE(sink->run_until([&] { return !sink->ends.empty(); }));
}

TEST_F(ServerTest, TellsPlayersThatWaitWhenItStops) {
  Server::Settings patient = settings();
  patient.publisher_grace = 1h;
  start(patient);
  const auto sink = player();
  const auto source = publisher();
  ASSERT_TRUE(sink->start() && source->start());
  source->close();
  ASSERT_TRUE(observer_.wait_removed(1));
  std::thread stopper([this] { server_->stop(); });
  sink->run_until_closed();
  EXPECT_EQ(std::ranges::count(sink->statuses, "NetStream.Play.UnpublishNotify"), 1);
  sink->close();
  stopper.join();
}

TEST_F(ServerTest, SaysWhyTheApplicationRefuses) {
  observer_.decide = [](const Request& request) {
    return Decision{request.action != Request::Action::connect, "No room today.", {}};
  };
  start();
  const auto client = player();
  EXPECT_FALSE(client->start());
  ASSERT_TRUE(client->refused);
  EXPECT_EQ(client->refused->status.code, "NetConnection.Connect.Rejected");
  EXPECT_EQ(client->refused->status.description, "No room today.");
  EXPECT_TRUE(client->run_until_closed());
}

TEST_F(ServerTest, AsksTheRulesBeforeTheApplication) {
  std::vector<Request::Action> asked;
  observer_.decide = [&](const Request& request) {
    asked.push_back(request.action);
    return Decision{};
  };
  Server::Settings guarded = settings();
  std::string fault;
  guarded.access = *AccessRules::read("deny publish live/cam", fault);
  start(guarded);
  const auto source = publisher();
  EXPECT_FALSE(source->start());
  ASSERT_TRUE(source->refused);
  EXPECT_EQ(source->refused->status.code, "NetStream.Publish.Denied");
  EXPECT_EQ(asked, std::vector{Request::Action::connect});
}

TEST_F(ServerTest, WaitsForAnAnswerThatComesLater) {
  std::promise<std::function<void(Decision)>> asked;
  struct LateObserver : Observer {
    std::promise<std::function<void(Decision)>>* asked = nullptr;
    void on_request(const Request& request, std::function<void(Decision)> answer) override {
      if (request.action != Request::Action::publish) return answer({});
      asked->set_value(std::move(answer));
    }
  } late;
  late.asked = &asked;
  Server server(settings(), late);
  ASSERT_FALSE(server.start());
  SyncClient source(server.port(), Purpose::publish);
  auto answer = asked.get_future();
  ASSERT_TRUE(source.run_until([&] { return answer.wait_for(0s) == std::future_status::ready; }));
  EXPECT_FALSE(source.session().started());
  answer.get()({});
  EXPECT_TRUE(source.start());
}

// Answers nobody by itself.
class SilentObserver : public Observer {
 public:
  void on_request(const Request&, std::function<void(Decision)> decide) override {
    answer = std::move(decide);
    asked = true;
  }
  std::function<void(Decision)> answer;  // once asked
  std::atomic<bool> asked = false;
};

TEST(Decision, IsARefusalIfItTakesTooLong) {
  SilentObserver observer;
  Server::Settings impatient;
  impatient.port = 0;
  impatient.decision_timeout = 50ms;
  Server server(impatient, observer);
  ASSERT_FALSE(server.start());
  SyncClient client(server.port(), Purpose::play);
  EXPECT_FALSE(client.start());
  ASSERT_TRUE(client.refused);
  EXPECT_EQ(client.refused->status.code, "NetConnection.Connect.Rejected");
  observer.answer({});
  EXPECT_TRUE(client.run_until_closed()) << "an answer after that counts for nothing";
}

TEST(Decision, MayComeWhenTheServerIsGone) {
  SilentObserver observer;
  {
    Server::Settings settings;
    settings.port = 0;
    Server server(settings, observer);
    ASSERT_FALSE(server.start());
    SyncClient client(server.port(), Purpose::play);
    ASSERT_TRUE(client.run_until([&] { return observer.asked.load(); }));
  }
  observer.answer({});
}

TEST_F(ServerTest, TakesANewNameForAStreamAlone) {
  observer_.decide = [](const Request&) { return Decision{.rename = "live/public"}; };
  start();
  const auto source = publisher("secret");
  ASSERT_TRUE(source->start());
  ASSERT_EQ(server_->stats().client_list.size(), 1u);
  EXPECT_EQ(server_->stats().client_list[0].app, "live");
}

TEST_F(ServerTest, PublishesUnderTheNameThatTheApplicationGives) {
  observer_.decide = [](const Request& request) {
    Decision decision;
    if (request.action == Request::Action::publish) decision.rename = "live/public";
    return decision;
  };
  start();
  const auto sink = player("public");
  ASSERT_TRUE(sink->start());
  const auto source = publisher("secret-key");
  ASSERT_TRUE(source->start());
  source->send({key(0)});
  EXPECT_TRUE(sink->run_until_seen(sample_access + "k"));
}

// Enhanced H.264 and H.265, a key frame each.
rtmp::Message enhanced_h264() {
  return message(rtmp::MessageType::video, 0, {0x93, 'a', 'v', 'c', '1', 0, 0, 0, 1, 0x65});
}
rtmp::Message enhanced_h265() {
  return message(rtmp::MessageType::video, 40, {0x93, 'h', 'v', 'c', '1', 0, 0, 0, 1, 0x26});
}

class LegacyPlayersTest : public ServerTest {
 protected:
  void publish(Server::Settings::LegacyPlayers policy) {
    Server::Settings settings = ServerTest::settings();
    settings.legacy_players = policy;
    start(settings);
    modern_ = std::make_unique<SyncClient>(server_->port(), Purpose::play, "cam",
                                           rtmp::amf::Object{{"capsEx", 2}});
    legacy_ = player();
    source_ = publisher();
    ASSERT_TRUE(modern_->start() && legacy_->start() && source_->start());
    source_->send({enhanced_h264(), enhanced_h265(), audio(50)});
    ASSERT_TRUE(modern_->run_until_seen(sample_access + "kka")) << modern_->seen;
    EXPECT_EQ(modern_->media[1].payload.bytes()[0], 0x93) << "untouched";
  }

  std::unique_ptr<SyncClient> modern_, legacy_, source_;
};

TEST_F(LegacyPlayersTest, GetWhatHasALegacyForm) {
  publish(Server::Settings::LegacyPlayers::convert);
  ASSERT_TRUE(legacy_->run_until_seen(sample_access + "ka")) << legacy_->seen;
  EXPECT_EQ(legacy_->media[1].payload.bytes()[0], 0x17);
}

TEST_F(LegacyPlayersTest, GetEverythingWhereTheSettingSaysSo) {
  publish(Server::Settings::LegacyPlayers::forward);
  EXPECT_TRUE(legacy_->run_until_seen(sample_access + "kka")) << legacy_->seen;
}

TEST_F(LegacyPlayersTest, AreRefusedWhereTheSettingSaysSo) {
  publish(Server::Settings::LegacyPlayers::refuse);
  ASSERT_TRUE(legacy_->run_until([this] { return legacy_->refused.has_value(); }));
  EXPECT_EQ(legacy_->refused->status.code, "NetStream.Play.NoSupportedTrackFound");
}

// Multitrack H.264: OneTrack key frames, and a ManyTracks one of tracks 0 and 1.
rtmp::Message key_of_track(std::uint8_t track) {
  return message(rtmp::MessageType::video, 0,
                 {0x96, 0x03, 'a', 'v', 'c', '1', track, 0, 0, 0, 1, track});
}
rtmp::Message key_of_two_tracks() {
  return message(rtmp::MessageType::video, 0,
                 {0x96, 0x13, 'a', 'v', 'c', '1', 0, 0, 0, 2, 0x65, 0x10, 1, 0, 0, 2, 0x65, 0x11});
}
rtmp::Message inter_of_track(std::uint8_t track) {
  return message(rtmp::MessageType::video, 40,
                 {0xA6, 0x03, 'a', 'v', 'c', '1', track, 0, 0, 0, 1, track});
}

class TrackChoiceTest : public ServerTest {
 protected:
  // The last bytes of the video messages that a player of that name gets, after others have been
  // sent to everybody.
  std::string tracks_of(const std::string& name, bool announced) {
    start();
    SyncClient sink(server_->port(), Purpose::play, name,
                    announced ? rtmp::amf::Object{{"capsEx", 2}} : rtmp::amf::Object{});
    const auto source = publisher();
    EXPECT_TRUE(sink.start() && source->start());
    source->send({key(0), key_of_track(1), key_of_two_tracks(), inter_of_track(1), audio(50)});
    EXPECT_TRUE(sink.run_until([&] { return sink.seen.ends_with('a'); })) << sink.seen;
    std::string ends;
    for (const rtmp::Message& message : sink.media)
      if (message.type == rtmp::MessageType::video)
        ends += std::to_string(message.payload.bytes().back()) + ' ';
    return ends;
  }
};

TEST_F(TrackChoiceTest, IsEveryTrackWithoutAWord) {
  EXPECT_EQ(tracks_of("cam", true), "1 1 17 1 ");
}

TEST_F(TrackChoiceTest, LeavesTheTracksThatTheQueryNames) {
  EXPECT_EQ(tracks_of("cam?video=1", true), "1 17 1 ");
}

TEST_F(TrackChoiceTest, CanBeNoneOfAKind) { EXPECT_EQ(tracks_of("cam?video=none", true), ""); }

TEST_F(TrackChoiceTest, GivesLegacyPlayersThatTrackInLegacyForm) {
  EXPECT_EQ(tracks_of("cam?video=1", false), "1 17 1 ");
}

TEST_F(TrackChoiceTest, MustBeReadable) {
  start();
  const auto sink = player("cam?video=left");
  EXPECT_FALSE(sink->start());
  ASSERT_TRUE(sink->refused);
  EXPECT_EQ(sink->refused->status.code, "NetStream.Play.Failed");
}

TEST_F(ServerTest, SaysThatItForwardsEveryCodec) {
  start();
  const auto client = player();
  ASSERT_TRUE(client->start());
  const auto said = rtmp::read_enhanced_capabilities(client->server_properties);
  EXPECT_TRUE(said.takes_video("hvc1"));
  EXPECT_TRUE(said.takes_audio("Opus"));
  EXPECT_TRUE(said.caps_ex & rtmp::EnhancedCapabilities::multitrack);
}

TEST_F(ServerTest, LimitsPlayersOfAStream) {
  Server::Settings limited = settings();
  limited.max_players_per_stream = 1;
  start(limited);
  const auto first = player();
  ASSERT_TRUE(first->start());
  const auto second = player();
  EXPECT_FALSE(second->start());
  ASSERT_TRUE(second->refused);
  EXPECT_EQ(second->refused->status.code, "NetStream.Play.Failed");
  EXPECT_EQ(count(Limit::players_per_stream), 1u);
}

TEST_F(ServerTest, LimitsConnections) {
  Server::Settings limited = settings();
  limited.max_connections = 1;
  start(limited);
  const auto first = player();
  ASSERT_TRUE(first->start());
  const auto second = player();
  EXPECT_TRUE(second->run_until_closed());
  EXPECT_EQ(server_->stats().connections_refused, 1u);
  EXPECT_EQ(count(Limit::connections), 1u);
}

TEST_F(ServerTest, TakesNewLimitsWhileItRuns) {
  Server::Settings limited = settings();
  limited.max_players_per_stream = 1;
  start(limited);
  const auto first = player();
  ASSERT_TRUE(first->start());
  limited.max_players_per_stream = 2;
  limited.max_connections = 2;
  server_->change(limited);
  const auto second = player();
  EXPECT_TRUE(second->start());
  EXPECT_TRUE(player()->run_until_closed());
  EXPECT_EQ(count(Limit::connections), 1u);
}

TEST_F(ServerTest, TurnsTheCacheOfAStreamThatIsThereOff) {
  start();
  const auto source = publisher(), witness = player();
  ASSERT_TRUE(witness->start());
  ASSERT_TRUE(source->start());
  source->send({key(0), inter(40)});
  ASSERT_TRUE(witness->run_until_seen(sample_access + "ki"));
  Server::Settings changed = settings();
  changed.gop_cache.enabled = false;
  server_->change(changed);
  EXPECT_EQ(server_->stats().streams.front().second.gop_frames, 0u);
  source->send({key(80)});
  ASSERT_TRUE(witness->run_until_seen(sample_access + "kik"));
  EXPECT_EQ(server_->stats().streams.front().second.gop_frames, 0u);
}

TEST_F(ServerTest, LetsPlayersThatAreThereWaitForAPublisherFromNowOn) {
  start();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  auto source = publisher();
  ASSERT_TRUE(source->start());
  Server::Settings changed = settings();
  changed.publisher_grace = 1h;
  server_->change(changed);
  source->close();
  ASSERT_TRUE(observer_.wait_removed(1));
  source = publisher();
  ASSERT_TRUE(source->start());
  source->send({key(0)});
  ASSERT_TRUE(sink->run_until_seen(sample_access + "k"));
  EXPECT_TRUE(sink->ends.empty());
}

TEST_F(ServerTest, EndsAPublisherThatIsThereAndSilentForTooLongFromNowOn) {
  start();
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  Server::Settings changed = settings();
  changed.publisher_timeout = 1ms;
  server_->change(changed);
  ASSERT_TRUE(observer_.wait_removed(1));
  EXPECT_EQ(observer_.first_removed(), rtmp::Error::media_timeout);
}

class LineTest : public ServerTest {
 protected:
  // Two clients that do not go on, one more in line, and how many of them are served.
  void fill() {
    Server::Settings limited = settings();
    limited.max_unconnected_per_host = 2;
    start(limited);
    const auto connected = player();
    ASSERT_TRUE(connected->start()) << "this one counts no longer";
    first_ = player();
    second_ = player();
    ASSERT_TRUE(observer_.wait_added(3));
    third_ = player();
  }
  std::unique_ptr<SyncClient> first_, second_, third_;
};

TEST_F(LineTest, LetsConnectionsOfAHostWaitForOthersThatDoNotGetToConnect) {
  fill();
  EXPECT_EQ(server_->stats().connections_accepted, 3u);
  first_->close();
  EXPECT_TRUE(third_->start());
}

TEST_F(LineTest, ServesTheNextWhereOneGetsToConnect) {
  fill();
  ASSERT_TRUE(second_->start());
  EXPECT_TRUE(third_->start());
}

TEST(Line, ClosesWhoseTurnComesTooLate) {
  SilentObserver observer;
  Server::Settings limited;
  limited.port = 0;
  limited.max_unconnected_per_host = 1;
  limited.handshake_timeout = 500ms;
  Server server(limited, observer);
  ASSERT_FALSE(server.start());
  SyncClient first(server.port(), Purpose::play);
  ASSERT_TRUE(first.run_until([&] { return observer.asked.load(); }));
  SyncClient second(server.port(), Purpose::play);
  const rtmp::Time too_late = net::now() + 600ms;
  ASSERT_TRUE(second.run_until([&] { return net::now() > too_late; }));
  first.close();
  EXPECT_TRUE(second.run_until_closed());
  EXPECT_EQ(server.stats().limits[static_cast<std::size_t>(Limit::connections_in_line)], 1u);
}

TEST_F(LineTest, EndsWithTheServer) {
  fill();
  server_->stop();
  EXPECT_TRUE(third_->run_until_closed());
}

TEST_F(ServerTest, ClosesWhoSendsNothing) {
  Server::Settings impatient = settings();
  impatient.handshake_timeout = 50ms;
  start(impatient);
  SyncClient silent(server_->port(), Purpose::play);
  ASSERT_TRUE(observer_.wait_removed(1));
  EXPECT_EQ(observer_.first_removed(), rtmp::Error::handshake_timeout);
  EXPECT_EQ(count(Limit::handshake_timeout), 1u);
}

TEST_F(ServerTest, ClosesAPublisherWithoutMedia) {
  Server::Settings impatient = settings();
  impatient.publisher_timeout = 50ms;
  start(impatient);
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  ASSERT_TRUE(observer_.wait_removed(1));
  EXPECT_EQ(observer_.first_removed(), rtmp::Error::media_timeout);
  EXPECT_EQ(count(Limit::publisher_timeout), 1u);
}

TEST_F(ServerTest, AcceptsLargeMessagesOnlyFromPublishers) {
  start();
  const auto client = player();
  ASSERT_TRUE(client->start());
  client->send_raw(key(0, 100'000));
  EXPECT_TRUE(client->run_until_closed());
  client->close();
  ASSERT_TRUE(observer_.wait_removed(1));
  EXPECT_EQ(observer_.first_removed(), rtmp::Error::message_too_large);
  EXPECT_EQ(count(Limit::message_size), 1u);
}

TEST_F(ServerTest, LosesAPlayerThatReadsNothingAndNothingElse) {
  Server::Settings tight = settings();
  tight.player_queue = {.bytes = 1'000'000, .time = 1h, .hard_bytes = 2'000'000, .hard_time = 1h};
  start(tight);
  const auto stalled = player();
  ASSERT_TRUE(stalled->start());
  const auto healthy = player();
  ASSERT_TRUE(healthy->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  std::string expected = sample_access;
  // Audio is never dropped, so the stalled player's queue fills up to the end.
  for (int i = 0; i < 2000 && !observer_.has_removed(); ++i) {
    source->send({audio(i, 30'000)});
    expected += 'a';
    ASSERT_TRUE(healthy->run_until_seen(expected));
  }
  ASSERT_TRUE(observer_.wait_removed(1));
  EXPECT_EQ(observer_.first_removed(), rtmp::Error::too_slow);
  EXPECT_EQ(count(Limit::player_queue), 1u);
  EXPECT_TRUE(observer_.told(Limit::player_queue));
}

class SmallQueueTest : public ServerTest {
 protected:
  SmallQueueTest() {
    Server::Settings small = settings();
    small.player_queue = {.bytes = 1'000, .time = 1h, .hard_bytes = 2'000, .hard_time = 1h};
    start(small);
  }
  // More than a queue may hold.
  const std::vector<rtmp::Message> gop_ = {key(0, 800), inter(40, 800), inter(80, 800),
                                           inter(120, 800)};
};

TEST_F(SmallQueueTest, GivesAPlayerTheGopAtOnce) {
  const auto source = publisher();
  const auto early = player();
  ASSERT_TRUE(source->start() && early->start());
  source->send(gop_);
  ASSERT_TRUE(early->run_until_seen(sample_access + "kiii"));
  const auto late = player();
  ASSERT_TRUE(late->start());
  EXPECT_TRUE(late->run_until_seen(sample_access + "kiii")) << late->seen;
}

TEST_F(SmallQueueTest, GivesAPlayerThatReadsWhatComesTogether) {
  const auto source = publisher();
  const auto choosy = player("cam?audio=0");  // each frame is looked at
  ASSERT_TRUE(source->start() && choosy->start());
  source->send(gop_);
  EXPECT_TRUE(choosy->run_until_seen(sample_access + "kiii")) << choosy->seen;
}

TEST_F(ServerTest, LetsAPlayerSendWhatItLikes) {
  start();
  const auto sink = player();
  const auto source = publisher();
  ASSERT_TRUE(sink->start() && source->start());
  for (int i = 0; i < 1000; ++i) sink->send_raw(i % 2 ? audio(i, 10'000) : key(i, 10'000));
  source->send({key(0)});
  EXPECT_TRUE(sink->run_until_seen(sample_access + "k")) << sink->seen;
}

TEST_F(ServerTest, StopsPicturesWhilePaused) {
  start();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  sink->session().pause(true, 0);
  sink->flush_session();
  ASSERT_TRUE(sink->run_until(
      [&] { return std::ranges::count(sink->statuses, "NetStream.Pause.Notify") == 1; }));
  source->send({key(0), inter(40)});
  const auto other = player();
  ASSERT_TRUE(other->start());
  ASSERT_TRUE(other->run_until_seen(sample_access + "ki"));
  sink->session().pause(false, 0);
  sink->flush_session();
  ASSERT_TRUE(sink->run_until(
      [&] { return std::ranges::count(sink->statuses, "NetStream.Unpause.Notify") == 1; }));
  source->send({inter(80), key(120), inter(160)});
  EXPECT_TRUE(sink->run_until_seen(sample_access + "ki")) << sink->seen;
}

TEST_F(ServerTest, SaysThatALiveStreamCannotSeek) {
  start();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  sink->session().seek(1000);
  sink->flush_session();
  EXPECT_TRUE(sink->run_until(
      [&] { return std::ranges::count(sink->statuses, "NetStream.Seek.Failed") == 1; }));
  EXPECT_FALSE(sink->refused) << "the stream goes on";
}

TEST_F(ServerTest, EndsAClientOnDemand) {
  start();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  const Server::Stats stats = server_->stats();
  ASSERT_EQ(stats.client_list.size(), 1u);
  EXPECT_TRUE(server_->kick(stats.client_list.front().id));
  EXPECT_TRUE(sink->run_until_closed());
  EXPECT_FALSE(server_->kick(4711));
}

TEST_F(ServerTest, DropsAStreamWithItsPublisherAndItsPlayers) {
  start();
  const auto other = player("other"), sink = player();
  ASSERT_TRUE(other->start());
  ASSERT_TRUE(sink->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  EXPECT_EQ(server_->drop_stream("live/cam"), 2u);
  EXPECT_TRUE(source->run_until_closed());
  EXPECT_TRUE(sink->run_until_closed());
  source->close();
  sink->close();
  ASSERT_TRUE(observer_.wait_removed(2));
  EXPECT_EQ(server_->stats().players, 1u) << "the other stream's";
}

class DrainTest : public ServerTest {
 protected:
  void SetUp() override {
    start();
    sink_ = player();
    ASSERT_TRUE(sink_->start());
    port_ = server_->port();
  }

  std::unique_ptr<SyncClient> sink_;
  std::uint16_t port_ = 0;
};

TEST_F(DrainTest, TakesNobodyNew) {
  server_->drain(1h);
  EXPECT_EQ(server_->port(), 0);
  SyncClient late(port_, Purpose::play);
  EXPECT_FALSE(late.start());
}

TEST_F(DrainTest, LetsTheOthersGoOnUntilThen) {
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  server_->drain(1h);
  source->send({key(0)});
  EXPECT_TRUE(sink_->run_until_seen(sample_access + "k"));
}

TEST_F(DrainTest, EndsWhoIsLeftThen) {
  server_->drain(1ms);
  EXPECT_TRUE(sink_->run_until_closed());
}

TEST_F(DrainTest, AsksThoseThatUnderstandItToConnectAgain) {
  rtmp::amf::Object reconnecting;
  rtmp::write_enhanced_capabilities({.caps_ex = rtmp::EnhancedCapabilities::reconnect},
                                    reconnecting);
  SyncClient modern(port_, Purpose::play, "cam", reconnecting);
  ASSERT_TRUE(modern.start());
  server_->drain(1h);
  EXPECT_TRUE(modern.run_until([&] { return modern.redirected; }));
  EXPECT_FALSE(sink_->redirected);
}

TEST_F(ServerTest, CountsWhatItDoes) {
  start();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  source->send({key(0, 10'000)});
  ASSERT_TRUE(sink->run_until_seen(sample_access + "k"));
  const Server::Stats stats = server_->stats();
  EXPECT_EQ(stats.connections_accepted, 2u);
  EXPECT_EQ(stats.clients, 2u);
  EXPECT_EQ(stats.publishers, 1u);
  EXPECT_EQ(stats.players, 1u);
  EXPECT_GT(stats.bytes_in, 10'000u);
  EXPECT_GT(stats.bytes_out, 10'000u);
  ASSERT_EQ(stats.streams.size(), 1u);
  EXPECT_EQ(stats.streams.front().first, "live/cam");
  EXPECT_EQ(stats.streams.front().second.players, 1u);
}

TEST_F(ServerTest, StopsWithClientsInEveryState) {
  start();
  SyncClient silent(server_->port(), Purpose::play);
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  server_->stop();
  EXPECT_EQ(server_->port(), 0);
  EXPECT_TRUE(sink->run_until_closed());
}

TEST_F(ServerTest, GivesPlayersWhatWaitsForThemBeforeItStops) {
  Server::Settings patient = settings();
  patient.drain_timeout = 60s;
  start(patient);
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  const auto witness = player();
  ASSERT_TRUE(witness->start());
  std::string expected = sample_access;
  for (int i = 0; i < 100; ++i) {
    source->send({audio(i, 60'000)});
    expected += 'a';
    ASSERT_TRUE(witness->run_until_seen(expected)) << "the server has it all";
  }
  std::thread stopper([this] { server_->stop(); });
  sink->run_until_closed();
  EXPECT_EQ(sink->seen, expected);
  sink->close();
  source->close();
  witness->close();
  stopper.join();
}

TEST_F(ServerTest, StartsAndStopsAgainAndAgain) {
  for (int i = 0; i < 50; ++i) {
    start();
    const auto sink = player();
    ASSERT_TRUE(sink->start());
    sink->close();
    server_.reset();
  }
}

TEST_F(ServerTest, SaysThatAPortIsBusy) {
  start();
  Server::Settings same = settings();
  same.port = server_->port();
  Server second(same, observer_);
  EXPECT_EQ(second.start(), boost::system::errc::address_in_use);
}

TEST_F(ServerTest, ServesBothFamiliesOfLocalhost) {
  start();
  EXPECT_NE(server_->addresses().find("127.0.0.1:"), std::string::npos);
}

}  // namespace
}  // namespace relay
