// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <future>

#include "elements/pipeline.h"
#include "net/nginx.h"
#include "net/test_server.h"

namespace rtmp::test {
namespace {

using namespace std::chrono_literals;

std::string location(std::uint16_t port) {
  return "rtmp://127.0.0.1:" + std::to_string(port) + "/live/cam";
}

const std::string final_loss = "auto-reconnect=false";

// A pipeline that sends what is pushed to it.
struct Publisher : Pipeline {
  explicit Publisher(std::uint16_t port, const std::string& properties = {})
      : Pipeline(
            "appsrc name=in format=time max-bytes=0 caps=video/x-flv ! "
            "rtmpclientsink name=sink sync=false location=" +
            location(port) + " " + properties) {}

  void push(const Message& message) {
    Pipeline::push("in", to_gst(flv::write_tag(message), message.timestamp));
  }
  void push_frames(std::uint32_t count, std::size_t size = 100) {
    for (std::uint32_t i = 0; i < count; ++i) push(frame(i, size));
  }
};

// To the client's own end, and then the server's: the client waits for it.
bool serve_and_close(TestServer& server) {
  const bool left = server.serve_to_the_end();
  server.close();
  return left;
}

int count_frames(const std::vector<Message>& messages) {
  return static_cast<int>(std::ranges::count_if(messages, is_frame));
}

TEST(ClientSink, SendsEveryFrameBeforeEosToASlowServer) {
  TestServer server(64 * 1024);
  server.read_size = 16 * 1024;
  Publisher publisher(server.port());
  publisher.push(sequence_header());
  publisher.push_frames(100, 100'000);
  publisher.end("in");
  publisher.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  EXPECT_TRUE(serve_and_close(server));
  EXPECT_EQ(count_frames(server.media), 100);
  EXPECT_TRUE(server.stream_closed);
  EXPECT_TRUE(publisher.wait_eos());
}

TEST(ClientSink, SaysThatItIsConnectedAndNoLonger) {
  TestServer server;
  Publisher publisher(server.port(), final_loss);
  publisher.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  EXPECT_TRUE(publisher.wait_element("rtmp-connected"));
  server.close();
  EXPECT_TRUE(publisher.wait_element("rtmp-disconnected"));
  EXPECT_EQ(publisher.wait_error().code, GST_RESOURCE_ERROR_WRITE);
}

TEST(ClientSink, SaysThatNobodyListens) {
  Publisher publisher(free_port());
  publisher.push_frames(3);
  publisher.set_state(GST_STATE_PLAYING);
  const BusError error = publisher.wait_error();
  EXPECT_EQ(error.domain, GST_RESOURCE_ERROR);
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_OPEN_WRITE);
  EXPECT_EQ(error.stage, "connect");
}

TEST(ClientSink, NamesTheStageAtWhichAServerIsSilent) {
  TestServer server;
  Publisher publisher(server.port(), "timeout=1");
  publisher.set_state(GST_STATE_PLAYING);
  const BusError error = publisher.wait_error();
  EXPECT_EQ(error.stage, "handshake");
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_OPEN_WRITE);
}

TEST(ClientSink, NamesTheCommandThatIsNotAnswered) {
  TestServer server;
  server.on_publish = [](TestServer&, const server_event::PublishRequest&) {};
  Publisher publisher(server.port(), "timeout=1");
  publisher.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  server.serve_to_the_end();
  const BusError error = publisher.wait_error();
  EXPECT_EQ(error.stage, "command");
  EXPECT_NE(error.text.find("publish"), std::string::npos) << error.text;
}

TEST(ClientSink, IsBusyWhereTheNameIsInUse) {
  TestServer server;
  server.on_publish = [](TestServer& self, const server_event::PublishRequest& request) {
    self.session().reject_publish(request.stream_id,
                                  {"error", "NetStream.Publish.BadName", "Already publishing"});
  };
  Publisher publisher(server.port());
  publisher.push_frames(3);
  publisher.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  server.serve_to_the_end();
  const BusError error = publisher.wait_error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_BUSY);
  EXPECT_EQ(error.status, "NetStream.Publish.BadName");
}

TEST(ClientSink, ChangesStateAtOnceWhateverTheServerDoes) {
  const TestServer silent;
  for (const std::uint16_t port : {silent.port(), free_port()}) {
    Publisher publisher(port);
    publisher.push_frames(3);
    EXPECT_LT(publisher.set_state(GST_STATE_PAUSED), 500ms);
    EXPECT_LT(publisher.set_state(GST_STATE_PLAYING), 500ms);
    EXPECT_LT(publisher.set_state(GST_STATE_NULL), 500ms);
    EXPECT_LT(publisher.set_state(GST_STATE_PLAYING), 500ms);
    EXPECT_LT(publisher.set_state(GST_STATE_NULL), 500ms);
  }
}

// A server that has accepted and takes nothing more, and a publisher that waits in render().
struct Stalled {
  explicit Stalled(const std::string& properties = {})
      : server(16 * 1024), publisher(server.port(), properties) {
    publisher.push_frames(400, 100'000);
    publisher.set_state(GST_STATE_PLAYING);
    started = server.accept() && server.start_stream();
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!full() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  }
  bool full() {
    GstStructure* stats = nullptr;
    g_object_get(publisher["sink"], "stats", &stats, nullptr);
    guint64 queued = 0;
    gst_structure_get_uint64(stats, "queued-time", &queued);
    gst_structure_free(stats);
    return queued >= 2900 * GST_MSECOND;
  }

  TestServer server;
  Publisher publisher;
  bool started = false;
};

TEST(ClientSink, SaysThatTheQueueFillsWhileAServerTakesNothing) {
  Stalled stalled;
  ASSERT_TRUE(stalled.started);
  EXPECT_FALSE(stalled.publisher.wait_element_with("rtmp-congestion", "rising").empty());
}

TEST(ClientSink, StopsAtOnceWhileAServerTakesNothing) {
  Stalled stalled;
  ASSERT_TRUE(stalled.started);
  ASSERT_TRUE(stalled.full());
  EXPECT_LT(stalled.publisher.set_state(GST_STATE_NULL), 500ms);
}

TEST(ClientSink, PausesAndGoesOnWhileAServerTakesNothing) {
  Stalled stalled;
  ASSERT_TRUE(stalled.started);
  EXPECT_LT(stalled.publisher.set_state(GST_STATE_PAUSED), 500ms);
  stalled.publisher.set_state(GST_STATE_PLAYING);
  stalled.publisher.end("in");
  EXPECT_TRUE(serve_and_close(stalled.server));
  EXPECT_EQ(count_frames(stalled.server.media), 400);
  EXPECT_TRUE(stalled.publisher.wait_eos());
}

TEST(ClientSink, SaysThatAServerTakesNothing) {
  Stalled stalled("timeout=1 " + final_loss);
  const BusError error = stalled.publisher.wait_error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_WRITE);
  EXPECT_EQ(error.stage, "streaming");
}

TEST(ClientSink, TakesAnEosOfTheApplicationAtOnceWhileAServerTakesNothing) {
  Stalled stalled;
  ASSERT_TRUE(stalled.started);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(gst_element_send_event(stalled.publisher["sink"], gst_event_new_eos()));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 500ms);
  EXPECT_LT(stalled.publisher.set_state(GST_STATE_NULL), 500ms);
}

TEST(ClientSink, EndsWithAnEosOfTheApplication) {
  TestServer server;
  Publisher publisher(server.port());
  publisher.push_frames(5);
  publisher.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.serve_until([&] { return count_frames(server.media) == 5; }));
  EXPECT_TRUE(gst_element_send_event(publisher["sink"], gst_event_new_eos()));
  EXPECT_TRUE(serve_and_close(server));
  EXPECT_TRUE(server.stream_closed);
  EXPECT_TRUE(publisher.wait_eos());
}

TEST(ClientSink, ConnectsWithTheFirstBufferIfAskedTo) {
  TestServer server;
  Publisher publisher(server.port(), "async-connect=false");
  publisher.set_state(GST_STATE_PLAYING);
  publisher.push_frames(2);
  publisher.end("in");
  ASSERT_TRUE(server.accept());
  EXPECT_TRUE(serve_and_close(server));
  EXPECT_EQ(count_frames(server.media), 2);
  EXPECT_TRUE(publisher.wait_eos());
}

TEST(ClientSink, SendsNewHeadersOfTheCapsOnce) {
  TestServer server;
  Publisher publisher(server.port());
  const auto header = flv::write_tag(sequence_header());
  GstBuffer* buffer = to_gst(header);
  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_HEADER);
  GValue value = G_VALUE_INIT, array = G_VALUE_INIT;
  g_value_init(&value, GST_TYPE_BUFFER);
  g_value_init(&array, GST_TYPE_ARRAY);
  gst_value_set_buffer(&value, buffer);
  gst_value_array_append_and_take_value(&array, &value);
  GstCaps* caps = gst_caps_new_empty_simple("video/x-flv");
  gst_structure_take_value(gst_caps_get_structure(caps, 0), "streamheader", &array);
  g_object_set(publisher["in"], "caps", caps, nullptr);
  gst_caps_unref(caps);

  publisher.Pipeline::push("in", buffer);
  publisher.push_frames(2);
  publisher.end("in");
  publisher.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  EXPECT_TRUE(serve_and_close(server));
  EXPECT_EQ(server.media.size(), 3u);
  EXPECT_EQ(count_frames(server.media), 2);
}

TEST(ClientSink, TellsTheServerANewChunkSizeWhilePlaying) {
  TestServer server;
  Publisher publisher(server.port(), "chunk-size=200");
  publisher.push_frames(1, 1000);
  publisher.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.serve_until([&] { return count_frames(server.media) == 1; }));
  g_object_set(publisher["sink"], "chunk-size", 5000, "peak-kbps", 100'000, nullptr);
  publisher.push(frame(1, 4000));
  publisher.end("in");
  EXPECT_TRUE(serve_and_close(server));
  EXPECT_EQ(count_frames(server.media), 2);
  GstStructure* stats = nullptr;
  g_object_get(publisher["sink"], "stats", &stats, nullptr);
  guint size = 0;
  gst_structure_get_uint(stats, "out-chunk-size", &size);
  gst_structure_free(stats);
  EXPECT_EQ(size, 5000u);
}

TEST(ClientSink, LosesFramesInsteadOfTimeIfLeaky) {
  TestServer server;
  Publisher publisher(server.port(), "leaky=frames");
  publisher.push_frames(400, 100'000);
  publisher.set_state(GST_STATE_PLAYING);
  guint64 left = 1;
  const auto end = std::chrono::steady_clock::now() + 4s;
  while (left > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
    g_object_get(publisher["in"], "current-level-buffers", &left, nullptr);
  }
  EXPECT_EQ(left, 0u);
  publisher.end("in");
  ASSERT_TRUE(server.accept());
  EXPECT_TRUE(serve_and_close(server));
  EXPECT_GT(count_frames(server.media), 0);
  EXPECT_LT(count_frames(server.media), 400);
  EXPECT_TRUE(publisher.wait_eos());
}

std::uint64_t number_in(const std::string& text, const std::string& field) {
  const auto at = text.find(field + "=(guint64)");
  return at == std::string::npos ? 0 : std::stoull(text.substr(text.find(')', at) + 1));
}

TEST(ClientSink, SaysWhatANetworkTakesThatIsTooSlow) {
  TestServer server;
  Publisher publisher(server.port(), "peak-kbps=4000");
  publisher.push_frames(100, 20'000);
  publisher.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  auto served = std::async(std::launch::async, [&] { return serve_and_close(server); });
  const std::string rising = publisher.wait_element_with("rtmp-congestion", "rising");
  EXPECT_GE(number_in(rising, "queue-time"), 700 * GST_MSECOND) << rising;
  EXPECT_GT(number_in(rising, "queue-bytes"), 0u) << rising;
  EXPECT_GT(number_in(rising, "suggested-bitrate"), 0u) << rising;
  // Without the burst that a paced connection begins with.
  const std::string clear = publisher.wait_element_with("rtmp-congestion", "clear");
  const std::uint64_t bitrate = number_in(clear, " bitrate");
  EXPECT_GT(bitrate, 1'000'000u) << clear;
  EXPECT_LT(bitrate, 5'000'000u) << clear;
  EXPECT_EQ(number_in(clear, "suggested-bitrate"), bitrate * 85 / 100) << clear;
  publisher.end("in");
  EXPECT_TRUE(publisher.wait_eos());
  EXPECT_TRUE(served.get());
}

TEST(ClientSink, PostsOneErrorForOneFailure) {
  TestServer server;
  Publisher publisher(server.port(), final_loss);
  publisher.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  server.close();
  EXPECT_EQ(publisher.wait_error().code, GST_RESOURCE_ERROR_WRITE);
  publisher.set_state(GST_STATE_NULL);
  EXPECT_EQ(publisher.count_errors(), 0);
}

TEST(ClientSink, PublishesThroughNginxToAPlayer) {
  if (!Nginx::available()) GTEST_SKIP() << "nginx-rtmp is not installed";
  Nginx nginx;
  ASSERT_TRUE(nginx.wait_listening());
  Pipeline player("rtmpclientsrc name=src location=" + location(nginx.port()) +
                  " ! fakesink name=sink sync=false");
  player.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(player.wait_element("rtmp-connected"));
  int tags = 0;
  GstPad* pad = gst_element_get_static_pad(player["sink"], "sink");
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo* info, gpointer count) {
        GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
        *static_cast<int*>(count) += gst_buffer_get_size(buffer) > 20'000;
        return GST_PAD_PROBE_OK;
      },
      &tags, nullptr);
  gst_object_unref(pad);

  Publisher publisher(nginx.port());
  publisher.push(sequence_header());
  publisher.push_frames(50, 20'000);
  publisher.end("in");
  publisher.set_state(GST_STATE_PLAYING);
  EXPECT_TRUE(publisher.wait_eos());
  EXPECT_TRUE(player.wait_eos());
  EXPECT_EQ(tags, 50);
}

}  // namespace
}  // namespace rtmp::test
