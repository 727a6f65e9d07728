// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "elements/healing.h"
#include "rtmp/control.h"

namespace rtmp::test {
namespace {

using namespace std::chrono_literals;

// A pipeline that keeps what it plays.
struct Player : Pipeline {
  explicit Player(const TestServer& server, const std::string& properties = quick)
      : Pipeline("rtmpclientsrc name=src " + location(server) + properties +
                 " ! appsink name=out sync=false emit-signals=false") {}

  struct Sample {
    explicit Sample(GstSample* from) : sample(from, &gst_sample_unref) {}
    explicit operator bool() const { return sample != nullptr; }
    GstBuffer* buffer() const { return gst_sample_get_buffer(sample.get()); }
    const GstSegment* segment() const { return gst_sample_get_segment(sample.get()); }
    std::vector<std::uint8_t> bytes() const { return to_bytes(buffer()); }
    bool discontinuity() const { return GST_BUFFER_FLAG_IS_SET(buffer(), GST_BUFFER_FLAG_DISCONT); }
    GstClockTime time() const { return GST_BUFFER_PTS(buffer()); }
    GstClockTime running_time() const {
      return gst_segment_to_running_time(segment(), GST_FORMAT_TIME, time());
    }
    std::unique_ptr<GstSample, decltype(&gst_sample_unref)> sample;
  };
  Sample pull_any() {
    GstSample* sample = nullptr;
    g_signal_emit_by_name((*this)["out"], "try-pull-sample", 10 * GST_SECOND, &sample);
    return Sample(sample);
  }
  // The next video.
  Sample pull() {
    for (;;) {
      Sample sample = pull_any();
      if (!sample || is_video(sample.bytes())) return sample;
    }
  }
  // The frame with that number, and nothing else before it.
  bool pull_frame(std::uint32_t number) {
    const Sample sample = pull();
    if (!sample) return false;
    const auto bytes = sample.bytes();
    return bytes.size() > 20 && bytes[11 + 8] == number % 256;
  }
  static bool is_video(Bytes bytes) {
    if (bytes[0] == 'F') bytes = bytes.subspan(flv::header_size + flv::back_pointer_size);
    return bytes[0] == static_cast<std::uint8_t>(MessageType::video);
  }
};

void send(TestServer& server, Message message) {
  message.stream_id = server.stream_id;
  server.send(message);
}

void send_frames(TestServer& server, std::uint32_t from, std::uint32_t to) {
  for (; from < to; ++from) send(server, frame(from));
}

void send_eof(TestServer& server) {
  server.send(
      control::write(control::UserControl{control::Event::stream_eof, server.stream_id, 0}));
}

// A stream that has begun: header and a first frame are out.
struct Live {
  explicit Live(const std::string& properties = quick) : player(server, properties) {}
  bool start() {
    player.set_state(GST_STATE_PLAYING);
    if (!server.accept() || !server.start_stream()) return false;
    send(server, sequence_header());
    send(server, frame(0));
    return player.pull() && player.pull_frame(0);
  }

  TestServer server;
  Player player;
};

TEST(HealingSource, GoesOnOnOneRisingTimeline) {
  Live live;
  ASSERT_TRUE(live.start());
  send_frames(live.server, 1, 4);
  GstClockTime last = 0;
  for (int i = 1; i < 4; ++i) last = live.player.pull().running_time();
  live.server.close();
  ASSERT_TRUE(accept_again(live.server));
  send_frames(live.server, 0, 2);
  const auto first = live.player.pull(), second = live.player.pull();
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first.discontinuity());
  EXPECT_GE(first.running_time(), last);
  EXPECT_FALSE(second.discontinuity());
  EXPECT_EQ(second.running_time() - first.running_time(), 40 * GST_MSECOND);
  EXPECT_EQ(live.player.count_errors(), 0);
}

TEST(HealingSource, GoesOnWhereTheTimesAreFarAhead) {
  Live live;
  ASSERT_TRUE(live.start());
  live.server.close();
  ASSERT_TRUE(accept_again(live.server));
  send(live.server, frame(1'000'000));
  const auto sample = live.player.pull();
  ASSERT_TRUE(sample);
  EXPECT_LT(sample.running_time(), 60 * GST_SECOND);
}

TEST(HealingSource, RepeatsNoHeaderThatIsTheSame) {
  Live live;
  ASSERT_TRUE(live.start());
  live.server.close();
  ASSERT_TRUE(accept_again(live.server));
  send(live.server, sequence_header());
  send(live.server, frame(25));
  const auto sample = live.player.pull();
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample.bytes()[0], static_cast<std::uint8_t>(MessageType::video));
  EXPECT_EQ(sample.bytes()[12], 1) << "not the frame";
  EXPECT_TRUE(sample.discontinuity());
}

TEST(HealingSource, PassesOnAHeaderThatIsAnother) {
  Live live;
  ASSERT_TRUE(live.start());
  live.server.close();
  ASSERT_TRUE(accept_again(live.server));
  Message other = sequence_header();
  other.payload = Buffer::adopt({0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x1F});
  send(live.server, other);
  const auto sample = live.player.pull();
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample.bytes()[12], 0) << "not the header";
}

TEST(HealingSource, SaysOnTheBusWhatHappens) {
  Live live;
  ASSERT_TRUE(live.start());
  ASSERT_TRUE(live.player.wait_element("rtmp-connected"));
  live.server.abort();
  EXPECT_FALSE(live.player.wait_element_with("rtmp-disconnected", "streaming").empty());
  EXPECT_FALSE(live.player.wait_element_with("rtmp-reconnecting", "attempt=(uint)1").empty());
  ASSERT_TRUE(accept_again(live.server));
  EXPECT_TRUE(live.player.wait_element("rtmp-connected"));
  EXPECT_TRUE(eventually([&] { return stat(live.player["src"], "reconnects") == 1; }));
  EXPECT_GT(stat(live.player["src"], "time-lost"), 0u);
}

TEST(HealingSource, TakesARefusalForFinal) {
  Live live;
  ASSERT_TRUE(live.start());
  live.server.on_play = [](TestServer& self, const server_event::PlayRequest& request) {
    self.session().reject_play(request.stream_id,
                               {"error", "NetStream.Play.StreamNotFound", "No such stream"});
  };
  live.server.close();
  ASSERT_TRUE(live.server.accept());
  live.server.serve_to_the_end();
  EXPECT_EQ(live.player.wait_error().code, GST_RESOURCE_ERROR_NOT_FOUND);
}

TEST(HealingSource, EndsWithTheStreamWhateverBecomesOfTheConnection) {
  Live live;
  ASSERT_TRUE(live.start());
  send_eof(live.server);
  live.server.close();
  EXPECT_TRUE(live.player.wait_eos());
  live.server.accept();  // what is not to come
  EXPECT_EQ(stat(live.player["src"], "reconnects"), 0u);
}

TEST(HealingSource, GivesUpAfterItsRetries) {
  auto server = std::make_unique<TestServer>();
  Player player(*server, quick + "max-retries=2");
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server->accept());
  ASSERT_TRUE(server->start_stream());
  server.reset();
  const BusError error = player.wait_error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_OPEN_READ);
  EXPECT_EQ(error.stage, "connect");
}

TEST(HealingSource, GivesUpAServerThatAlwaysLeaves) {
  Live live(quick + "max-retries=1");
  ASSERT_TRUE(live.start());
  live.server.close();
  ASSERT_TRUE(accept_again(live.server));
  live.server.close();
  EXPECT_EQ(live.player.wait_error().code, GST_RESOURCE_ERROR_READ);
}

TEST(HealingSource, StopsAtOnceInTheBackOff) {
  Live live(slow);
  ASSERT_TRUE(live.start());
  live.server.close();
  ASSERT_TRUE(live.player.wait_element("rtmp-reconnecting"));
  for (const GstState state : {GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_NULL})
    EXPECT_LT(live.player.set_state(state), 500ms);
}

TEST(HealingSource, BeginsAnewAfterReady) {
  Live live(slow);
  ASSERT_TRUE(live.start());
  live.server.close();
  ASSERT_TRUE(live.player.wait_element("rtmp-reconnecting"));
  live.player.set_state(GST_STATE_READY);
  live.player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(accept_again(live.server));
  send(live.server, frame(0));
  const auto sample = live.player.pull_any();
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample.bytes()[0], 'F');
}

TEST(HealingSource, ConnectsAgainInPaused) {
  Live live;
  ASSERT_TRUE(live.start());
  live.player.set_state(GST_STATE_PAUSED);
  live.server.close();
  ASSERT_TRUE(accept_again(live.server));
  send(live.server, frame(0));
  live.player.set_state(GST_STATE_PLAYING);
  EXPECT_TRUE(live.player.pull_frame(0));
}

TEST(HealingSource, EndsInTheBackOffWithAnEosOfTheApplication) {
  Live live(slow);
  ASSERT_TRUE(live.start());
  live.server.close();
  ASSERT_TRUE(live.player.wait_element("rtmp-reconnecting"));
  EXPECT_TRUE(gst_element_send_event(live.player["src"], gst_event_new_eos()));
  EXPECT_TRUE(live.player.wait_eos(5 * GST_SECOND));
}

// --- where a server sends us

TEST(HealingSource, GoesWhereTheServerSendsIt) {
  Live live;
  ASSERT_TRUE(live.start());
  TestServer second;
  send_reconnect_request(live.server, tc_url_of(second));
  ASSERT_TRUE(second.accept());
  ASSERT_TRUE(second.start_stream());
  send(live.server, frame(1));  // the old one goes on
  EXPECT_TRUE(live.player.pull_frame(1));
  send(second, frame(25));
  const auto sample = live.player.pull();
  ASSERT_TRUE(sample);
  EXPECT_TRUE(sample.discontinuity());
  EXPECT_TRUE(live.server.serve_to_the_end());
  EXPECT_EQ(live.player.count_errors(), 0);
}

TEST(HealingSource, ComesBackToTheSameServerIfItIsAskedTo) {
  Live live;
  ASSERT_TRUE(live.start());
  send_reconnect_request(live.server, "");
  EXPECT_TRUE(accept_again(live.server));
  EXPECT_EQ(live.server.connects.front().app, "live");
}

// --- recordings

// A server that has a recording of 100 s, and its player, up to frame 10 at 400 ms.
struct Film : Live {
  using Live::Live;
  bool start() {
    server.on_play = [this](TestServer& self, const server_event::PlayRequest& request) {
      asked_ms = request.start_ms;
      self.session().accept_play(request.stream_id);
      self.stream_id = request.stream_id;
    };
    player.set_state(GST_STATE_PLAYING);
    if (!server.accept() || !server.start_stream()) return false;
    send(server, write_data({"onMetaData", {amf::Object{{"duration", 100}}}}, 1, 0));
    send(server, sequence_header());
    send_frames(server, 0, 11);
    if (!player.pull()) return false;
    for (std::uint32_t i = 0; i < 11; ++i)
      if (!player.pull_frame(i)) return false;
    return true;
  }
  bool seek(GstClockTime position) {
    return gst_element_seek_simple(player.element(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                   static_cast<gint64>(position));
  }
  double asked_ms = -1;
};

TEST(HealingSource, GoesOnInARecordingWhereItWas) {
  Film film;
  ASSERT_TRUE(film.start());
  film.server.close();
  ASSERT_TRUE(accept_again(film.server));
  EXPECT_EQ(film.asked_ms, 0);  // the last key frame
  send_frames(film.server, 0, 13);
  const auto sample = film.player.pull();
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample.bytes()[11 + 8], 11);
  EXPECT_EQ(sample.time(), 440 * GST_MSECOND);
  EXPECT_TRUE(sample.discontinuity());
  EXPECT_EQ(gst_segment_to_stream_time(sample.segment(), GST_FORMAT_TIME, sample.time()),
            440 * GST_MSECOND);
  EXPECT_TRUE(film.player.pull_frame(12));
}

TEST(HealingSource, GoesOnWithARecordingThatWasSought) {
  Film film(" retry-backoff-min=300000000 retry-backoff-max=300000000 ");
  ASSERT_TRUE(film.start());
  film.server.close();
  ASSERT_TRUE(film.player.wait_element("rtmp-reconnecting"));
  ASSERT_TRUE(film.seek(40 * GST_SECOND));
  ASSERT_TRUE(accept_again(film.server));
  if (film.asked_ms != 40'000) {  // the attempt was on its way
    ASSERT_TRUE(film.server.serve_until([&] { return film.server.seeks.size() == 1; }));
    EXPECT_EQ(film.server.seeks[0].position_ms, 40'000);
    film.server.send_status("NetStream.Seek.Notify");
  }
  send(film.server, frame(1000));
  const auto sample = film.player.pull();
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample.segment()->time, 40 * GST_SECOND);
}

TEST(HealingSource, StillHasARecordingPaused) {
  Film film;
  ASSERT_TRUE(film.start());
  film.player.set_state(GST_STATE_PAUSED);
  ASSERT_TRUE(film.server.serve_until([&] { return film.server.pauses.size() == 1; }));
  film.server.close();
  film.server.pauses.clear();
  ASSERT_TRUE(accept_again(film.server));
  ASSERT_TRUE(film.server.serve_until([&] { return film.server.pauses.size() == 1; }));
  EXPECT_TRUE(film.server.pauses[0].pause);
}

}  // namespace
}  // namespace rtmp::test
