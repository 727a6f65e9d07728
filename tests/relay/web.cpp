// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/web.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "relay/nginx_stat.h"
#include "relay/prometheus.h"
#include "relay/server_test.h"
#include "relay/text.h"
#include "rtmp/enhanced.h"

namespace relay {
namespace {

using namespace std::chrono_literals;
using namespace test;
namespace json = boost::json;
using rtmp::media::Codec;

const SrsIdentity identity{"vid-1", "2"};

// A publisher and a player of live/cam, and a client that does nothing yet.
ServerStats sample() {
  ServerStats stats;
  StreamStats stream;
  stream.published = true;
  stream.uptime = 12s;
  stream.bytes = 1000;
  stream.bytes_out = 2000;
  stream.bit_rate_in = 64'000;
  stream.video_bit_rate = 50'000;
  stream.players = 1;
  stream.last_timestamp = 400;
  stream.video = {Codec::h264, "High", 3.1, 0, 1280, 720, 29.97};
  stream.audio = {Codec::aac, "LC", 48'000, 2};
  stats.streams = {{"live/cam", stream}};
  ClientStats publisher;
  publisher.id = 1;
  publisher.address = "127.0.0.1:4711";
  publisher.app = "live";
  publisher.stream = "live/cam";
  publisher.state = "publishing";
  publisher.flash_version = "FMLE/3.0";
  ClientStats player = publisher;
  player.id = 2;
  player.address = "[::1]:4712";
  player.state = "playing";
  ClientStats other;
  other.id = 3;
  other.state = "handshake";
  stats.client_list = {publisher, player, other};
  stats.clients = 3;
  stats.publishers = stats.players = 1;
  return stats;
}

// Whether the lines of one are among the other's.
testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != text.npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << part << "\nis not in\n" << text;
}

// --- Prometheus

TEST(Prometheus, HasSeriesOfEachStream) {
  const std::string text = prometheus_text(sample());
  EXPECT_TRUE(contains(text, "\nrtmp_stream_received_bytes_total{stream=\"live/cam\"} 1000\n"));
  EXPECT_TRUE(contains(text, "\nrtmp_stream_width_pixels{stream=\"live/cam\"} 1280\n"));
  EXPECT_TRUE(contains(text, "\nrtmp_clients{state=\"other\"} 1\n"));
}

TEST(Prometheus, SaysWhatEachMetricIs) {
  std::string help, type;
  std::istringstream lines(prometheus_text(sample()));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first, second, name;
    words >> first >> second >> name;
    if (second == "HELP") help = name;
    if (second == "TYPE") type = name;
    if (first == "#") continue;
    EXPECT_TRUE(first.starts_with(type)) << line;
    EXPECT_EQ(help, type);
  }
}

TEST(Prometheus, EscapesNames) {
  ServerStats stats = sample();
  stats.streams.front().first = "live/a\"b\\c\nd\xFF";
  EXPECT_TRUE(contains(prometheus_text(stats), "{stream=\"live/a\\\"b\\\\c?d?\"}"));
}

TEST(Prometheus, HasNoSeriesOfStreamsThatAreOnlyAskedFor) {
  ServerStats stats;
  stats.streams = {{"live/guess", StreamStats{}}};
  EXPECT_EQ(prometheus_text(stats).find("guess"), std::string::npos);
}

TEST(Prometheus, AddsUpDelaysAndNamesSeconds) {
  ServerStats stats;
  stats.delays.add(1500us, 2);
  stats.delays.add(1h, 1);
  const std::string text = prometheus_text(stats);
  EXPECT_TRUE(contains(text, "\nrtmp_frame_delay_seconds_bucket{le=\"0.001\"} 0\n"));
  EXPECT_TRUE(contains(text, "\nrtmp_frame_delay_seconds_bucket{le=\"0.002\"} 2\n"));
  EXPECT_TRUE(contains(text, "\nrtmp_frame_delay_seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_TRUE(contains(text, "\nrtmp_frame_delay_seconds_sum 3600.003\n"));
  EXPECT_TRUE(contains(text, "\nrtmp_frame_delay_seconds_count 3\n"));
}

// --- nginx-rtmp

TEST(NginxStat, HasApplicationsOfStreamsOfClients) {
  const std::string text = nginx_stat_xml(sample());
  EXPECT_TRUE(
      contains(text, "<application>\n<name>live</name>\n<live>\n<stream>\n<name>cam</name>"));
  EXPECT_TRUE(contains(text, "<time>12000</time>\n<bw_in>64000</bw_in>"));
  EXPECT_TRUE(contains(text, "<bw_video>50000</bw_video>"));
  EXPECT_TRUE(contains(text, "<id>2</id>\n<address>::1</address>"));
  EXPECT_TRUE(contains(text, "<nclients>2</nclients>\n<publishing/>\n<active/>\n</stream>"));
}

TEST(NginxStat, DescribesTheMedia) {
  const std::string text = nginx_stat_xml(sample());
  EXPECT_TRUE(contains(text,
                       "<width>1280</width>\n<height>720</height>\n"
                       "<frame_rate>29.970</frame_rate>\n<codec>H264</codec>\n"
                       "<profile>High</profile>\n<compat>0</compat>\n<level>3.1</level>"));
  EXPECT_TRUE(contains(text,
                       "<codec>AAC</codec>\n<profile>LC</profile>\n<channels>2</channels>\n"
                       "<sample_rate>48000</sample_rate>"));
}

TEST(NginxStat, EscapesWhatPeersSay) {
  ServerStats stats = sample();
  stats.client_list[0].flash_version = "<script>&\"'\x01-\xC0";
  EXPECT_TRUE(
      contains(nginx_stat_xml(stats), "<flashver>&lt;script&gt;&amp;&quot;&apos;?-?</flashver>"));
}

TEST(NginxStat, IsWholeWithoutStreams) {
  EXPECT_TRUE(contains(nginx_stat_xml({}), "<server>\n</server>\n</rtmp>\n"));
}

// --- SRS

json::value streams_of(const ServerStats& stats, SrsPage page = {}) {
  return json::parse(srs_streams(stats, identity, page)).at("streams");
}

TEST(SrsApi, DescribesStreams) {
  const json::value stream = streams_of(sample()).at(0);
  EXPECT_EQ(stream.at("name"), "cam");
  EXPECT_EQ(stream.at("app"), "live");
  EXPECT_EQ(stream.at("url"), "/live/cam");
  EXPECT_EQ(stream.at("clients"), 2);
  EXPECT_EQ(stream.at("kbps").at("recv_30s"), 64);
  EXPECT_EQ(stream.at("publish").at("active"), true);
  EXPECT_EQ(stream.at("publish").at("cid"), "1");
  EXPECT_EQ(stream.at("video").at("codec"), "H264");
  EXPECT_EQ(stream.at("video").at("level"), "3.1");
  EXPECT_EQ(stream.at("audio").at("sample_rate"), 48'000);
}

TEST(SrsApi, HasNullForMediaThatIsNotThere) {
  ServerStats stats = sample();
  stats.streams[0].second.video = {};
  stats.streams[0].second.audio = {};
  const json::value stream = streams_of(stats).at(0);
  EXPECT_TRUE(stream.at("video").is_null());
  EXPECT_TRUE(stream.at("audio").is_null());
}

TEST(SrsApi, DescribesClients) {
  const json::value clients = json::parse(srs_clients(sample(), identity, {})).at("clients");
  EXPECT_EQ(clients.as_array().size(), 3u);
  EXPECT_EQ(clients.at(0).at("id"), "1");
  EXPECT_EQ(clients.at(0).at("publish"), true);
  EXPECT_EQ(clients.at(1).at("ip"), "::1");
  EXPECT_EQ(clients.at(1).at("type"), "rtmp-play");
  EXPECT_EQ(clients.at(1).at("stream").as_string(), srs_stream_id("live/cam"));
  EXPECT_EQ(clients.at(2).at("stream"), "");
}

TEST(SrsApi, GivesListsByPages) {
  ServerStats stats;
  for (int i = 0; i < 25; ++i)
    stats.streams.emplace_back("live/" + std::to_string(i), StreamStats{});
  EXPECT_EQ(streams_of(stats).as_array().size(), 10u);
  EXPECT_EQ(streams_of(stats, {20, 10}).as_array().size(), 5u);
  EXPECT_EQ(streams_of(stats, {20, 10}).at(0).at("name"), "20");
  EXPECT_EQ(streams_of(stats, {25, 10}).as_array().size(), 0u);
  EXPECT_EQ(streams_of(stats, {~std::size_t{0}, ~std::size_t{0}}).as_array().size(), 0u);
  EXPECT_EQ(streams_of(stats, {0, ~std::size_t{0}}).as_array().size(), 25u);
}

TEST(SrsApi, FindsStreamsByIdAndByName) {
  EXPECT_EQ(srs_find_stream(sample(), "live/cam"), "live/cam");
  EXPECT_EQ(srs_find_stream(sample(), srs_stream_id("live/cam")), "live/cam");
  EXPECT_FALSE(srs_find_stream(sample(), "cam"));
}

// --- all of it

class WebTest : public ServerTest {
 protected:
  void open(const std::string& token = {}) {
    start();
    web_ = std::make_unique<Web>(*server_, Web::Settings{.token = token},
                                 Web::Orders{[this](rtmp::Duration time) {
                                               drained_ = time;
                                               server_->drain(time);
                                             },
                                             [this] { return fault_; }});
  }
  Web::Request request(const std::string& method, const std::string& target) {
    Web::Request request;
    request.method = method;
    request.target = net::read_http_target(target).value();
    request.local = true;
    return request;
  }
  Web::Response ask(const std::string& method, const std::string& target) {
    return web_->answer(request(method, target));
  }
  unsigned status(const std::string& method, const std::string& target,
                  const std::string& header = {}, const std::string& value = {}) {
    Web::Request asked = request(method, target);
    if (!header.empty()) asked.headers[header] = value;
    return web_->answer(asked).status;
  }
  json::value list(const std::string& kind) {
    return json::parse(ask("GET", "/api/v1/" + kind).body).at(kind);
  }

  std::unique_ptr<Web> web_;
  rtmp::Duration drained_ = {};
  std::string fault_;  // of reloading
};

TEST_F(WebTest, ShowsFiguresInAllForms) {
  open();
  for (const char* path : {"/health", "/metrics", "/stat", "/api/v1/streams", "/api/v1/clients"})
    EXPECT_EQ(status("GET", path), 200u) << path;
  EXPECT_EQ(ask("GET", "/stat").type, "text/xml; charset=utf-8");
  EXPECT_EQ(list("streams").as_array().size(), 0u);
}

TEST_F(WebTest, KnowsNothingElse) {
  open();
  for (const char* path : {"/", "/metrics/", "/api", "/api/v1/streams/none", "/api/v1/clients/99",
                           "/api/v1/clients/x", "/control/drop/"})
    EXPECT_EQ(status("GET", path), 404u) << path;
}

TEST_F(WebTest, SaysWhichMethodsAPathTakes) {
  open();
  EXPECT_EQ(status("POST", "/metrics"), 405u);
  const Web::Response answer = ask("PUT", "/api/v1/clients/1");
  EXPECT_EQ(answer.status, 405u);
  ASSERT_EQ(answer.headers.size(), 1u);
  EXPECT_EQ(answer.headers[0].second, "GET, HEAD, DELETE");
}

TEST_F(WebTest, WantsTheTokenForAllButHealth) {
  open("secret");
  EXPECT_EQ(status("GET", "/health"), 200u);
  EXPECT_EQ(status("GET", "/metrics"), 401u);
  EXPECT_EQ(status("GET", "/metrics?token=wrong"), 401u);
  EXPECT_EQ(status("GET", "/metrics?token=secret"), 200u);
  EXPECT_EQ(status("GET", "/metrics", "authorization", "Bearer secret"), 200u);
  EXPECT_EQ(status("GET", "/metrics", "authorization", "Bearer secretly"), 401u);
  EXPECT_EQ(status("GET", "/metrics", "authorization", "Basic secret"), 401u);
}

TEST_F(WebTest, TakesOrdersOfThisMachineButOfNoPage) {
  open();
  EXPECT_EQ(status("DELETE", "/api/v1/clients/99"), 404u);
  EXPECT_EQ(status("DELETE", "/api/v1/clients/99", "origin", "http://evil"), 403u);
  EXPECT_EQ(status("GET", "/control/drop/client?app=live", "sec-fetch-site", "cross-site"), 403u);
  EXPECT_EQ(status("GET", "/control/drop/client?app=live", "referer", "http://evil/"), 403u);
  EXPECT_EQ(status("DELETE", "/api/v1/clients/99", "x-forwarded-for", "192.0.2.1"), 403u);
  Web::Request from_elsewhere = request("DELETE", "/api/v1/clients/99");
  from_elsewhere.local = false;
  EXPECT_EQ(web_->answer(from_elsewhere).status, 403u);
}

TEST_F(WebTest, TakesOrdersOfEverybodyWithTheToken) {
  open("secret");
  Web::Request from_elsewhere = request("DELETE", "/api/v1/clients/99?token=secret");
  from_elsewhere.local = false;
  EXPECT_EQ(web_->answer(from_elsewhere).status, 404u);
}

TEST_F(WebTest, KicksClients) {
  open();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  const std::string id(list("clients").at(0).at("id").as_string());
  EXPECT_EQ(status("GET", "/api/v1/clients/" + id), 200u);
  EXPECT_EQ(status("DELETE", "/api/v1/clients/" + id), 200u);
  EXPECT_TRUE(sink->run_until_closed());
}

TEST_F(WebTest, DropsStreamsByIdAndByName) {
  open();
  for (const bool by_name : {false, true}) {
    const auto source = publisher(), sink = player();
    ASSERT_TRUE(source->start());
    ASSERT_TRUE(sink->start());
    const std::string id(list("streams").at(0).at("id").as_string());
    EXPECT_EQ(status("DELETE", "/api/v1/streams/" + (by_name ? "live%2Fcam" : id)), 200u);
    EXPECT_TRUE(source->run_until_closed());
    EXPECT_TRUE(sink->run_until_closed());
  }
}

TEST_F(WebTest, DropsWhomNginxRtmpWouldDrop) {
  open();
  const auto source = publisher(), sink = player(), other = player("other");
  ASSERT_TRUE(source->start());
  ASSERT_TRUE(sink->start());
  ASSERT_TRUE(other->start());
  EXPECT_EQ(status("GET", "/control/drop/publisher?app=live&name=other"), 204u);
  EXPECT_EQ(status("GET", "/control/drop/publisher"), 400u) << "everybody is not meant";
  EXPECT_EQ(ask("GET", "/control/drop/publisher?srv=0&app=live&name=cam").body, "1");
  EXPECT_TRUE(source->run_until_closed());
  EXPECT_EQ(ask("POST", "/control/drop/subscriber?app=live&addr=127.0.0.1").body, "2");
  EXPECT_TRUE(sink->run_until_closed());
  EXPECT_TRUE(other->run_until_closed());
}

TEST_F(WebTest, AsksThoseWhoUnderstandItToGoOnElsewhere) {
  open();
  const auto sink = player();
  SyncClient modern(server_->port(), Purpose::play, "cam",
                    rtmp::amf::Object{{"capsEx", rtmp::EnhancedCapabilities::reconnect}});
  ASSERT_TRUE(sink->start());
  ASSERT_TRUE(modern.start());
  const std::string path = "/control/redirect/subscriber?app=live&name=cam";
  EXPECT_EQ(status("POST", path), 400u) << "where to?";
  EXPECT_EQ(ask("POST", path + "&url=rtmp://localhost/other").body, "1");
  EXPECT_TRUE(modern.run_until([&] { return modern.redirected; }));
  EXPECT_FALSE(sink->redirected);
}

TEST_F(WebTest, ReloadsOrSaysWhyNot) {
  open();
  EXPECT_EQ(status("POST", "/api/v1/reload"), 200u);
  fault_ = "no such file";
  const Web::Response answer = ask("POST", "/api/v1/reload");
  EXPECT_EQ(answer.status, 500u);
  EXPECT_EQ(json::parse(answer.body).at("message"), "no such file");
  EXPECT_EQ(status("GET", "/api/v1/reload"), 405u);
}

TEST_F(WebTest, DrainsTheServerAndSaysSo) {
  open();
  EXPECT_EQ(status("POST", "/api/v1/drain?timeout=soon"), 400u);
  EXPECT_EQ(status("POST", "/api/v1/drain?timeout=3"), 202u);
  EXPECT_EQ(drained_, 3s);
  EXPECT_EQ(status("GET", "/health"), 503u);
}

TEST_F(WebTest, ShowsNoKeys) {
  open();
  SyncClient source(server_->port(), Purpose::publish, "cam?key=secret",
                    {{"pageUrl", "http://p/?secret"}, {"tcUrl", "rtmp://h/live?secret"}});
  ASSERT_TRUE(source.start());
  for (const char* path : {"/metrics", "/stat", "/api/v1/streams", "/api/v1/clients"})
    EXPECT_EQ(ask("GET", path).body.find("secret"), std::string::npos) << path;
}

}  // namespace
}  // namespace relay
