// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/stats.h"

#include <gtest/gtest.h>

#include <numeric>

#include "relay/server_test.h"
#include "relay/stream.h"

namespace relay {
namespace {

using namespace std::chrono_literals;
using namespace test;
using rtmp::media::Codec;

const rtmp::Time start = rtmp::Time{} + 1h;

TEST(Meter, TakesAllTimeUntilItHasBeenShownTheCounters) {
  const Meter<1> meter(start);
  EXPECT_DOUBLE_EQ(meter.per_second({1000}, start + 10s)[0], 100);
}

TEST(Meter, TakesTheLastSeconds) {
  Meter<2> meter(start);
  for (unsigned i = 0; i <= 10; ++i) meter.sample({i * 1000, 7}, start + i * 2s);
  const auto [fast, still] = meter.per_second({12'000, 7}, start + 22s);
  EXPECT_DOUBLE_EQ(fast, 4000 / 6.0);
  EXPECT_DOUBLE_EQ(still, 0);
}

TEST(Meter, TakesNoMomentForASecond) {
  const Meter<1> meter(start);
  EXPECT_DOUBLE_EQ(meter.per_second({1000}, start + 1ms)[0], 1000);
}

TEST(Delays, CountsUpToBounds) {
  Delays delays;
  delays.add(1ms, 2);
  delays.add(1001us, 1);
  delays.add(1min, 1);
  delays.add(-1s, 1);
  EXPECT_EQ(delays.counts[0], 3u);
  EXPECT_EQ(delays.counts[1], 1u);
  EXPECT_EQ(delays.counts.back(), 1u);
  EXPECT_EQ(delays.sum_us, 2 * 1000 + 1001 + 60'000'000u);
}

struct TestPublisher : Publisher {
  void on_replaced() override {}
};

class StreamFigures : public testing::Test {
 protected:
  StreamFigures() { stream_->publish(publisher_, Stream::Duplicate::reject, 5s, start); }
  void push(std::vector<rtmp::Message> messages, rtmp::Duration at = {}) {
    stream_->push(*publisher_, messages, start + at);
  }
  StreamStats stats(rtmp::Duration at = 1s) { return stream_->stats(start + at); }

  static rtmp::Message metadata_of(rtmp::amf::Object properties) {
    rtmp::amf::EcmaArray values;
    values.associative = std::move(properties);
    return rtmp::write_data({"onMetaData", {values}}, 1, 0);
  }

  std::shared_ptr<Stream> stream_ = std::make_shared<Stream>("live/cam", Stream::Settings{});
  std::shared_ptr<TestPublisher> publisher_ = std::make_shared<TestPublisher>();
};

TEST_F(StreamFigures, CountSoundAndPictures) {
  push({metadata(), key(0, 1000), audio(0, 100), audio(20, 100)});
  EXPECT_EQ(stats().frames, 4u);
  EXPECT_EQ(stats().video_frames, 1u);
  EXPECT_EQ(stats().video_bytes, 1000u);
  EXPECT_EQ(stats().audio_frames, 2u);
  EXPECT_EQ(stats().audio_bytes, 200u);
}

TEST_F(StreamFigures, AreInBitsASecond) {
  push({key(0, 5000), audio(0, 1000)});
  EXPECT_DOUBLE_EQ(stats(8s).video_bit_rate, 5000);
  EXPECT_DOUBLE_EQ(stats(8s).audio_bit_rate, 1000);
  EXPECT_DOUBLE_EQ(stats(8s).bit_rate_in, 6000);
  stream_->count_bytes_out(2000);
  EXPECT_DOUBLE_EQ(stats(8s).bit_rate_out, 2000);
}

TEST_F(StreamFigures, SayHowLongSomebodyPublishes) {
  EXPECT_EQ(stats(7s).uptime, 7s);
  stream_->unpublish(*publisher_);
  EXPECT_EQ(stats(8s).uptime, 0s);
  EXPECT_FALSE(stats(8s).published);
}

TEST_F(StreamFigures, NameCodecsAndWhatHeadersSay) {
  push({metadata(), video_header(), audio_header()});
  EXPECT_EQ(stats().video.codec, Codec::h264);
  EXPECT_EQ(stats().video.profile, "High");
  EXPECT_DOUBLE_EQ(stats().video.level, 3.1);
  EXPECT_EQ(stats().video.width, 320u) << "of the metadata";
  EXPECT_EQ(stats().audio.codec, Codec::aac);
  EXPECT_EQ(stats().audio.sample_rate, 44'100u);
  EXPECT_EQ(stats().audio.channels, 2u);
}

TEST_F(StreamFigures, NameCodecsWithoutHeaders) {
  push({message(rtmp::MessageType::audio, 0, {0x2E, 1})});
  EXPECT_EQ(stats().audio.codec, Codec::mp3);
  EXPECT_EQ(stats().audio.sample_rate, 44'100u);
  EXPECT_EQ(stats().audio.channels, 1u);
}

TEST_F(StreamFigures, PreferTheAnnouncedFrameRate) {
  push({metadata_of({{"framerate", 25}}), video_header(), key(0), inter(40)});
  EXPECT_DOUBLE_EQ(stats().video.frame_rate, 25);
}

TEST_F(StreamFigures, MeasureTheFrameRateThatNobodyAnnounced) {
  push({key(0), inter(40), inter(80)});
  EXPECT_DOUBLE_EQ(stats(1s).video.frame_rate, 3);
}

TEST_F(StreamFigures, KnowNothingOfMediaThatIsNotThere) {
  push({metadata()});
  EXPECT_EQ(stats().video, rtmp::media::VideoFormat{});
  EXPECT_EQ(stats().audio, rtmp::media::AudioFormat{});
}

TEST_F(StreamFigures, ForgetThePublisherThatHasGone) {
  push({video_header(), audio_header()});
  stream_->unpublish(*publisher_);
  EXPECT_EQ(stats().video.codec, Codec::unknown);
  EXPECT_EQ(stats().audio.codec, Codec::unknown);
}

class ClientFigures : public ServerTest {
 protected:
  ClientStats client(const std::string& state) {
    const ServerStats stats = server_->stats();
    const auto found = std::ranges::find(stats.client_list, state, &ClientStats::state);
    return found == stats.client_list.end() ? ClientStats{} : *found;
  }
};

TEST_F(ClientFigures, SayWhatClientsSaidOfThemselvesWithoutQueries) {
  start();
  SyncClient sink(server_->port(), Purpose::play, "cam",
                  {{"flashVer", "LNX 9\x01\xFF"}, {"pageUrl", "http://page/?key=secret"}});
  ASSERT_TRUE(sink.start());
  const ClientStats found = client("playing");
  EXPECT_EQ(found.page_url, "http://page/");
  EXPECT_EQ(found.tc_url, "rtmp://localhost/live");
  EXPECT_EQ(found.stream, "live/cam");
  EXPECT_EQ(found.flash_version.find('\x01'), std::string::npos);
  EXPECT_EQ(found.flash_version.find('\xFF'), std::string::npos);
}

TEST_F(ClientFigures, KnowHowFarAwayClientsAre) {
  start();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  EXPECT_GT(client("playing").tcp.round_trip_us, 0u);
}

TEST_F(ClientFigures, CountForStreamsWhatTheirPlayersGet) {
  start();
  const auto sink = player(), other = player();
  ASSERT_TRUE(sink->start());
  ASSERT_TRUE(other->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  source->send({key(0, 10'000)});
  ASSERT_TRUE(sink->run_until_seen(sample_access + "k"));
  ASSERT_TRUE(other->run_until_seen(sample_access + "k"));
  const ServerStats stats = server_->stats();
  ASSERT_EQ(stats.streams.size(), 1u);
  EXPECT_GE(stats.streams.front().second.bytes_out, 20'000u);
  EXPECT_LT(stats.streams.front().second.bytes_out, 21'000u);
}

TEST_F(ClientFigures, KeepForStreamsWhatPlayersGotThatAreGone) {
  start();
  const auto other = player();
  ASSERT_TRUE(other->start());
  auto sink = player();
  ASSERT_TRUE(sink->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  source->send({key(0, 10'000)});
  ASSERT_TRUE(sink->run_until_seen(sample_access + "k"));
  ASSERT_TRUE(other->run_until_seen(sample_access + "k"));
  sink->close();
  ASSERT_TRUE(observer_.wait_removed(1));
  EXPECT_GE(server_->stats().streams.front().second.bytes_out, 20'000u);
}

TEST_F(ClientFigures, CountEachFramesDelayOnceForEachPlayer) {
  start();
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  source->send({key(0), inter(40), audio(40)});
  ASSERT_TRUE(sink->run_until_seen(sample_access + "kia"));
  ASSERT_TRUE(sink->run_until([this] {
    const auto counts = server_->stats().delays.counts;
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == 3;
  }));
}

TEST_F(ClientFigures, DoNotCountTheDelayOfWhatLatePlayersBeginWith) {
  start();
  const auto early = player();
  ASSERT_TRUE(early->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  source->send({key(0), inter(40)});
  ASSERT_TRUE(early->run_until_seen(sample_access + "ki"));
  const auto late = player();
  ASSERT_TRUE(late->start());
  ASSERT_TRUE(late->run_until_seen(sample_access + "ki"));
  const auto counts = server_->stats().delays.counts;
  EXPECT_LE(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}), 2u);
}

}  // namespace
}  // namespace relay
