// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <future>

#include "elements/pipeline.h"
#include "net/test_server.h"
#include "rtmp/control.h"

namespace rtmp::test {
namespace {

using namespace std::chrono_literals;

// A pipeline that keeps what it plays.
struct Player : Pipeline {
  explicit Player(std::uint16_t port, const std::string& properties = {})
      : Pipeline("rtmpclientsrc name=src location=rtmp://127.0.0.1:" + std::to_string(port) +
                 "/live/cam " + properties + " ! appsink name=out sync=false emit-signals=false") {}

  struct Sample {
    explicit Sample(GstSample* from) : sample(from, &gst_sample_unref) {}
    GstBuffer* buffer() const { return gst_sample_get_buffer(sample.get()); }
    const GstSegment* segment() const { return gst_sample_get_segment(sample.get()); }
    explicit operator bool() const { return sample != nullptr; }
    std::unique_ptr<GstSample, decltype(&gst_sample_unref)> sample;
  };
  // The next video; none at EOS, or if none comes. Servers say a thing or two as data before.
  Sample pull() {
    for (;;) {
      Sample sample = pull_any();
      if (!sample || is_video(to_bytes(sample.buffer()))) return sample;
    }
  }
  Sample pull_any() {
    GstSample* sample = nullptr;
    g_signal_emit_by_name((*this)["out"], "try-pull-sample", 5 * GST_SECOND, &sample);
    return Sample(sample);
  }
  static bool is_video(Bytes bytes) {
    if (bytes[0] == 'F') bytes = bytes.subspan(flv::header_size + flv::back_pointer_size);
    return bytes[0] == static_cast<std::uint8_t>(MessageType::video);
  }
  int count_to_the_end() {
    int count = 0;
    while (pull()) ++count;
    return count;
  }
};

void send(TestServer& server, Message message) {
  message.stream_id = server.stream_id;
  server.send(message);
}

void send_eof(TestServer& server) {
  server.send(
      control::write(control::UserControl{control::Event::stream_eof, server.stream_id, 0}));
}

TEST(ClientSrc, GivesTheFileHeaderAndThenOneTagInABuffer) {
  TestServer server;
  Player player(server.port());
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  send(server, sequence_header());
  send(server, frame(0));
  send_eof(server);
  const auto first = player.pull_any();
  ASSERT_TRUE(first);
  const auto bytes = to_bytes(first.buffer());
  const auto header = flv::write_file_header({true, true});
  ASSERT_GT(bytes.size(), header.size());
  EXPECT_TRUE(std::equal(header.begin(), header.end(), bytes.begin()));
  const auto second = player.pull(), third = player.pull();
  ASSERT_TRUE(second && third);
  EXPECT_EQ(to_bytes(second.buffer()), flv::write_tag(sequence_header()));
  EXPECT_EQ(to_bytes(third.buffer()), flv::write_tag(frame(0)));
  EXPECT_FALSE(player.pull());
  EXPECT_TRUE(player.wait_eos());
}

TEST(ClientSrc, LosesNothingBeforeTheEnd) {
  TestServer server;
  Player player(server.port());
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  for (std::uint32_t i = 0; i < 500; ++i) send(server, frame(i));
  send_eof(server);
  EXPECT_EQ(player.count_to_the_end(), 500);
  EXPECT_TRUE(player.wait_eos());
}

TEST(ClientSrc, MapsTheFirstFrameToTheMomentOfItsArrival) {
  TestServer server;
  Player player(server.port());
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  Message first = frame(0), second = frame(1);
  first.timestamp = 3'600'000;
  second.timestamp = 3'600'040;
  send(server, first);
  send(server, second);
  const auto one = player.pull(), other = player.pull();
  ASSERT_TRUE(one && other);
  const auto running = [](const Player::Sample& sample) {
    return gst_segment_to_running_time(sample.segment(), GST_FORMAT_TIME,
                                       GST_BUFFER_PTS(sample.buffer()));
  };
  const GstClockTime now = gst_element_get_current_running_time(player.element());
  EXPECT_LE(running(one), now);
  EXPECT_GT(running(one) + 5 * GST_SECOND, now);
  EXPECT_EQ(running(other) - running(one), 40 * GST_MSECOND);
}

TEST(ClientSrc, IsLive) {
  TestServer server;
  Player player(server.port());
  EXPECT_EQ(gst_element_set_state(player.element(), GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
  GstQuery* query = gst_query_new_latency();
  ASSERT_TRUE(gst_element_query(player["src"], query));
  gboolean live = FALSE;
  GstClockTime min = 1, max = 0;
  gst_query_parse_latency(query, &live, &min, &max);
  EXPECT_TRUE(live);
  EXPECT_EQ(min, 0u);
  EXPECT_EQ(max, GST_CLOCK_TIME_NONE);
  gst_query_unref(query);
}

TEST(ClientSrc, SaysThatNobodyListens) {
  Player player(free_port());
  player.set_state(GST_STATE_PLAYING);
  const BusError error = player.wait_error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_OPEN_READ);
  EXPECT_EQ(error.stage, "connect");
  player.set_state(GST_STATE_NULL);
  EXPECT_EQ(player.count_errors(), 0);
}

TEST(ClientSrc, SaysInPausedThatNobodyListens) {
  Player player(free_port());
  player.set_state(GST_STATE_PAUSED);
  EXPECT_EQ(player.wait_error().code, GST_RESOURCE_ERROR_OPEN_READ);
}

TEST(ClientSrc, NamesTheStageAtWhichAServerIsSilent) {
  TestServer server;
  Player player(server.port(), "timeout=1");
  player.set_state(GST_STATE_PLAYING);
  const BusError error = player.wait_error();
  EXPECT_EQ(error.stage, "handshake");
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_OPEN_READ);
}

TEST(ClientSrc, DoesNotFindWhatIsNotThere) {
  TestServer server;
  server.on_play = [](TestServer& self, const server_event::PlayRequest& request) {
    self.session().reject_play(request.stream_id,
                               {"error", "NetStream.Play.StreamNotFound", "No such stream"});
  };
  Player player(server.port());
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  server.serve_to_the_end();
  const BusError error = player.wait_error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_NOT_FOUND);
  EXPECT_EQ(error.status, "NetStream.Play.StreamNotFound");
}

TEST(ClientSrc, EndsWithALostConnection) {
  TestServer server;
  Player player(server.port(), "auto-reconnect=false");
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  for (std::uint32_t i = 0; i < 20; ++i) send(server, frame(i));
  server.close();
  EXPECT_EQ(player.count_to_the_end(), 20);
  EXPECT_TRUE(player.wait_eos());
}

TEST(ClientSrc, CallsALostConnectionAnErrorIfAskedTo) {
  TestServer server;
  Player player(server.port(), "auto-reconnect=false no-eof-is-error=true");
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  send(server, frame(0));
  server.close();
  EXPECT_TRUE(player.pull());
  EXPECT_EQ(player.wait_error().code, GST_RESOURCE_ERROR_READ);
}

TEST(ClientSrc, EndsAfterASilenceOfTheIdleTimeout) {
  TestServer server;
  Player player(server.port(), "idle-timeout=1");
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  send(server, frame(0));
  EXPECT_EQ(player.count_to_the_end(), 1);
  EXPECT_TRUE(player.wait_eos());
}

TEST(ClientSrc, ChangesStateAtOnceWhateverTheServerDoes) {
  const TestServer silent;
  for (const std::uint16_t port : {silent.port(), free_port()}) {
    Player player(port);
    for (const GstState state :
         {GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_NULL,
          GST_STATE_PLAYING, GST_STATE_NULL})
      EXPECT_LT(player.set_state(state), 500ms);
  }
}

TEST(ClientSrc, GoesOnAfterAPause) {
  TestServer server;
  Player player(server.port());
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  send(server, frame(0));
  EXPECT_TRUE(player.pull());
  player.set_state(GST_STATE_PAUSED);
  send(server, frame(1));
  send_eof(server);
  player.set_state(GST_STATE_PLAYING);
  EXPECT_EQ(player.count_to_the_end(), 1);
}

TEST(ClientSrc, ConnectsWithTheFirstBufferIfAskedTo) {
  TestServer server;
  Player player(server.port(), "async-connect=false");
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  send(server, frame(0));
  EXPECT_TRUE(player.pull());
}

TEST(ClientSrc, PlaysAgainAfterReady) {
  TestServer server;
  Player player(server.port());
  for (int i = 0; i < 2; ++i) {
    server.stream_id = 0;
    player.set_state(GST_STATE_PLAYING);
    ASSERT_TRUE(server.accept());
    ASSERT_TRUE(server.start_stream());
    send(server, frame(0));
    const auto sample = player.pull_any();
    ASSERT_TRUE(sample);
    EXPECT_EQ(to_bytes(sample.buffer())[0], 'F');
    player.set_state(GST_STATE_READY);
  }
}

TEST(ClientSrc, AsksForTheStretchOfItsProperties) {
  TestServer server;
  std::optional<server_event::PlayRequest> asked;
  server.on_play = [&](TestServer& self, const server_event::PlayRequest& request) {
    asked = request;
    self.session().accept_play(request.stream_id);
    self.stream_id = request.stream_id;
  };
  Player player(server.port(), "start=5000000000 duration=2000000000");
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  EXPECT_EQ(asked->start_ms, 5000);
  EXPECT_EQ(asked->duration_ms, 2000);
}

TEST(ClientSrc, DropsMetadataThatWouldHurtDownstream) {
  TestServer server;
  Player player(server.port());
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  amf::Value deep = amf::Object();
  for (int i = 0; i < 200; ++i) deep = amf::Object{{"inside", deep}};
  send(server, write_data({"onMetaData", {deep}}, 1, 0));
  send(server, frame(0));
  send_eof(server);
  EXPECT_EQ(player.count_to_the_end(), 1);
}

// --- recorded streams

// A server that has a recording of 100 s, and its player, up to the first frame.
struct Film {
  bool start(double duration = 100) {
    player.set_state(GST_STATE_PLAYING);
    if (!server.accept() || !server.start_stream()) return false;
    send(server, write_data({"onMetaData", {amf::Object{{"duration", duration}}}}, 1, 0));
    send(server, sequence_header());
    send(server, frame(0));
    return player.pull() && player.pull();
  }
  bool seek(GstClockTime position) {
    return gst_element_seek_simple(player.element(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                   static_cast<gint64>(position));
  }
  bool wait_seeks(std::size_t count) {
    return server.serve_until([&] { return server.seeks.size() == count; });
  }
  // As nginx does it.
  void answer_seek() {
    send_eof(server);
    server.send_status("NetStream.Seek.Notify");
  }
  bool seekable() {
    GstQuery* query = gst_query_new_seeking(GST_FORMAT_TIME);
    gboolean result = FALSE;
    if (gst_element_query(player["src"], query))
      gst_query_parse_seeking(query, nullptr, &result, nullptr, nullptr);
    gst_query_unref(query);
    return result;
  }

  TestServer server;
  Player player{server.port()};
};

TEST(ClientSrc, KnowsTheDurationOfARecordedStream) {
  Film film;
  gint64 duration = 0;
  EXPECT_FALSE(gst_element_query_duration(film.player["src"], GST_FORMAT_TIME, &duration));
  ASSERT_TRUE(film.start());
  EXPECT_TRUE(film.player.wait_message(GST_MESSAGE_DURATION_CHANGED));
  ASSERT_TRUE(gst_element_query_duration(film.player["src"], GST_FORMAT_TIME, &duration));
  EXPECT_EQ(duration, gint64{100 * GST_SECOND});
  EXPECT_TRUE(film.seekable());
}

TEST(ClientSrc, SeeksInARecordedStream) {
  Film film;
  ASSERT_TRUE(film.start());
  ASSERT_TRUE(film.seek(10 * GST_SECOND));
  ASSERT_TRUE(film.wait_seeks(1));
  EXPECT_EQ(film.server.seeks[0].position_ms, 10'000);
  send(film.server, frame(1));
  film.answer_seek();
  send(film.server, frame(225));
  const auto sample = film.player.pull();
  ASSERT_TRUE(sample);
  EXPECT_EQ(to_bytes(sample.buffer()), flv::write_tag(frame(225)));
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(sample.buffer(), GST_BUFFER_FLAG_DISCONT));
  EXPECT_EQ(sample.segment()->start, 9 * GST_SECOND);
  EXPECT_EQ(sample.segment()->time, 9 * GST_SECOND);
  gint64 position = 0;
  ASSERT_TRUE(gst_element_query_position(film.player["src"], GST_FORMAT_TIME, &position));
  EXPECT_EQ(position, gint64{9 * GST_SECOND});
  send_eof(film.server);
  EXPECT_TRUE(film.player.wait_eos());
}

TEST(ClientSrc, EndsWhereNothingFollowsASeek) {
  Film film;
  ASSERT_TRUE(film.start());
  ASSERT_TRUE(film.seek(100 * GST_SECOND));
  ASSERT_TRUE(film.wait_seeks(1));
  film.answer_seek();
  send_eof(film.server);
  EXPECT_TRUE(film.player.wait_eos());
}

TEST(ClientSrc, SeeksBackAfterTheEnd) {
  Film film;
  ASSERT_TRUE(film.start());
  send_eof(film.server);
  ASSERT_TRUE(film.player.wait_eos());
  ASSERT_TRUE(film.seek(0));
  ASSERT_TRUE(film.wait_seeks(1));
  film.answer_seek();
  send(film.server, frame(0));
  EXPECT_TRUE(film.player.pull());
}

TEST(ClientSrc, GoesOnWhereASeekFails) {
  Film film;
  ASSERT_TRUE(film.start());
  ASSERT_TRUE(film.seek(10 * GST_SECOND));
  ASSERT_TRUE(film.wait_seeks(1));
  film.server.send_status("NetStream.Seek.Failed", "error");
  send(film.server, frame(1));
  const auto sample = film.player.pull();
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample.segment()->start, 40 * GST_MSECOND);
}

TEST(ClientSrc, RefusesToSeekInALiveStream) {
  Film film;
  ASSERT_TRUE(film.start(0));
  EXPECT_FALSE(film.seekable());
  EXPECT_FALSE(film.seek(0));
  send(film.server, frame(1));
  EXPECT_TRUE(film.player.pull());
}

TEST(ClientSrc, RefusesToPlayFasterThanTheServerSends) {
  Film film;
  ASSERT_TRUE(film.start());
  EXPECT_FALSE(gst_element_seek(film.player.element(), 2, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                                GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1));
}

TEST(ClientSrc, LetsTheServerOfARecordedStreamPause) {
  Film film;
  ASSERT_TRUE(film.start());
  send(film.server, frame(1));
  ASSERT_TRUE(film.player.pull());
  film.player.set_state(GST_STATE_PAUSED);
  ASSERT_TRUE(film.server.serve_until([&] { return film.server.pauses.size() == 1; }));
  EXPECT_TRUE(film.server.pauses[0].pause);
  EXPECT_EQ(film.server.pauses[0].position_ms, 40);
  film.player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(film.server.serve_until([&] { return film.server.pauses.size() == 2; }));
  EXPECT_FALSE(film.server.pauses[1].pause);
}

TEST(ClientSrc, AsksNoServerOfALiveStreamToPause) {
  Film film;
  ASSERT_TRUE(film.start(0));
  film.player.set_state(GST_STATE_PAUSED);
  film.player.set_state(GST_STATE_PLAYING);
  film.player.set_state(GST_STATE_NULL);
  film.server.serve_to_the_end();
  EXPECT_TRUE(film.server.pauses.empty());
}

}  // namespace
}  // namespace rtmp::test
