// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <atomic>

#include "elements/healing.h"

namespace rtmp::test {
namespace {

using namespace std::chrono_literals;

// --- publishing

struct Publisher : Pipeline {
  explicit Publisher(const TestServer& server, const std::string& properties = quick,
                     const std::string& source = "max-bytes=0")
      : Pipeline("appsrc name=in format=time caps=video/x-flv " + source +
                 " ! rtmpclientsink name=sink sync=false " + location(server) + properties) {}

  void push(const Message& message) {
    Pipeline::push("in", to_gst(flv::write_tag(message), message.timestamp));
  }
  void push_frames(std::uint32_t from, std::uint32_t to) {
    for (; from < to; ++from) push(frame(from));
  }
  // Connected, with its header and a first frame.
  bool start(TestServer& server) {
    push(sequence_header());
    push(frame(0));
    set_state(GST_STATE_PLAYING);
    return server.accept() && server.serve_until([&] { return server.media.size() == 2; });
  }
  std::uint64_t stat(const char* name) { return test::stat((*this)["sink"], name); }
};

// What came, by kind and time: "h1000 k1000 i1040".
std::string described(const std::vector<Message>& media) {
  std::string text;
  for (const Message& message : media) {
    if (!is_media(message.type)) continue;
    const char letter = !is_frame(message) ? 'h' : message.payload.data()[0] == 0x17 ? 'k' : 'i';
    text += (text.empty() ? "" : " ") + std::string(1, letter) + std::to_string(message.timestamp);
  }
  return text;
}

TEST(HealingSink, BeginsTheNextConnectionWithHeadersAndAKeyFrame) {
  TestServer server;
  Publisher publisher(server);
  ASSERT_TRUE(publisher.start(server));
  server.close();
  ASSERT_TRUE(publisher.wait_element("rtmp-disconnected"));
  publisher.push_frames(24, 27);
  ASSERT_TRUE(accept_again(server));
  ASSERT_TRUE(server.serve_until([&] { return server.media.size() == 3; }));
  EXPECT_EQ(described(server.media), "h1000 k1000 i1040");
  EXPECT_EQ(publisher.count_errors(), 0);
}

TEST(HealingSink, SaysOnTheBusWhatHappens) {
  TestServer server;
  Publisher publisher(server);
  ASSERT_TRUE(publisher.start(server));
  ASSERT_TRUE(publisher.wait_element("rtmp-connected"));
  server.abort();
  EXPECT_FALSE(publisher.wait_element_with("rtmp-disconnected", "streaming").empty());
  const std::string said = publisher.wait_element_with("rtmp-reconnecting", "attempt=(uint)1");
  EXPECT_NE(said.find("delay=(guint64)1000000"), std::string::npos) << said;
  EXPECT_NE(said.find("closed\\ the\\ connection"), std::string::npos) << said;
  ASSERT_TRUE(accept_again(server));
  EXPECT_TRUE(publisher.wait_element("rtmp-connected"));
}

TEST(HealingSink, CountsWhatWasLost) {
  TestServer server;
  Publisher publisher(server);
  ASSERT_TRUE(publisher.start(server));
  server.close();
  ASSERT_TRUE(publisher.wait_element("rtmp-disconnected"));
  publisher.push_frames(22, 26);
  ASSERT_TRUE(accept_again(server));
  ASSERT_TRUE(server.serve_until([&] { return server.media.size() == 2; }));
  EXPECT_EQ(publisher.stat("reconnects"), 1u);
  EXPECT_EQ(publisher.stat("frames-lost"), 3u);
  EXPECT_EQ(publisher.stat("bytes-lost"), 300u);
  EXPECT_GT(publisher.stat("time-lost"), 0u);
}

TEST(HealingSink, AsksForAKeyFrame) {
  TestServer server;
  Publisher publisher(server);
  std::atomic<int> requests = 0;
  GstPad* pad = gst_element_get_static_pad(publisher["in"], "src");
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
      [](GstPad*, GstPadProbeInfo* info, gpointer count) {
        GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
        if (gst_event_has_name(event, "GstForceKeyUnit")) ++*static_cast<std::atomic<int>*>(count);
        return GST_PAD_PROBE_OK;
      },
      &requests, nullptr);
  gst_object_unref(pad);
  ASSERT_TRUE(publisher.start(server));
  EXPECT_EQ(requests, 0);
  server.close();
  ASSERT_TRUE(accept_again(server));
  EXPECT_TRUE(eventually([&] { return requests == 1; }));
}

// What a live pipeline pushes while nobody listens for longer than the queue.
TEST(HealingSink, KeepsTheLastSecondsOfALivePipeline) {
  TestServer server;
  Publisher publisher(server, slow, "is-live=true max-bytes=0");
  ASSERT_TRUE(publisher.start(server));
  server.close();
  ASSERT_TRUE(publisher.wait_element("rtmp-disconnected"));
  publisher.push_frames(1, 200);
  ASSERT_TRUE(eventually([&] {
    guint64 left = 1;
    g_object_get(publisher["in"], "current-level-buffers", &left, nullptr);
    return left == 0 && publisher.stat("queued-messages") > 0 &&
           publisher.stat("queued-messages") + publisher.stat("dropped-messages") == 199;
  }));
  EXPECT_LE(publisher.stat("queued-time"), 3 * GST_SECOND);
  EXPECT_GE(publisher.stat("queued-time"), 1 * GST_SECOND);
}

TEST(HealingSink, LosesEveryFrameMeanwhileIfItIsLeaky) {
  TestServer server;
  Publisher publisher(server, slow + "leaky=frames");
  ASSERT_TRUE(publisher.start(server));
  server.close();
  ASSERT_TRUE(publisher.wait_element("rtmp-disconnected"));
  publisher.push_frames(1, 30);
  EXPECT_TRUE(eventually([&] { return publisher.stat("frames-lost") == 29; }));
  EXPECT_EQ(publisher.stat("queued-messages"), 0u);
}

TEST(HealingSink, LetsWhatIsNotLiveWait) {
  TestServer server;
  Publisher publisher(server);
  ASSERT_TRUE(publisher.start(server));
  server.close();
  ASSERT_TRUE(publisher.wait_element("rtmp-disconnected"));
  publisher.push_frames(25, 325);
  publisher.end("in");
  ASSERT_TRUE(accept_again(server));
  EXPECT_TRUE(server.serve_to_the_end());
  server.close();
  EXPECT_EQ(server.media.size(), 301u);
  EXPECT_EQ(publisher.stat("frames-lost"), 0u);
  EXPECT_TRUE(publisher.wait_eos());
}

TEST(HealingSink, TakesARefusalForFinal) {
  TestServer server;
  Publisher publisher(server);
  ASSERT_TRUE(publisher.start(server));
  server.close();
  server.on_publish = [](TestServer& self, const server_event::PublishRequest& request) {
    self.session().reject_publish(request.stream_id,
                                  {"error", "NetStream.Publish.BadName", "Already publishing"});
  };
  ASSERT_TRUE(server.accept());
  server.serve_to_the_end();
  const BusError error = publisher.wait_error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_BUSY);
  EXPECT_EQ(error.status, "NetStream.Publish.BadName");
}

TEST(HealingSink, TakesAServerThatOnlyEverLeavesForOneThatRefuses) {
  TestServer server;
  Publisher publisher(server);
  publisher.set_state(GST_STATE_PLAYING);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(accept_again(server));
    server.close();
  }
  const BusError error = publisher.wait_error();
  EXPECT_EQ(error.stage, "streaming");
  EXPECT_NE(error.text.find("right after 'publish'"), std::string::npos) << error.text;
}

TEST(HealingSink, GivesUpAfterItsRetries) {
  auto server = std::make_unique<TestServer>();
  Publisher publisher(*server, quick + "max-retries=2");
  ASSERT_TRUE(publisher.start(*server));
  server.reset();
  EXPECT_FALSE(publisher.wait_element_with("rtmp-reconnecting", "attempt=(uint)2").empty());
  const BusError error = publisher.wait_error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_OPEN_WRITE);
  EXPECT_EQ(error.stage, "connect");
}

TEST(HealingSink, GivesUpOnceItIsToldTo) {
  auto server = std::make_unique<TestServer>();
  Publisher publisher(*server);
  ASSERT_TRUE(publisher.start(*server));
  server.reset();
  ASSERT_FALSE(publisher.wait_element_with("rtmp-reconnecting", "attempt=(uint)3").empty());
  g_object_set(publisher["sink"], "auto-reconnect", FALSE, nullptr);
  EXPECT_EQ(publisher.wait_error().stage, "connect");
}

TEST(HealingSink, StopsAtOnceInTheBackOff) {
  TestServer server;
  Publisher publisher(server, slow);
  ASSERT_TRUE(publisher.start(server));
  server.close();
  ASSERT_TRUE(publisher.wait_element("rtmp-reconnecting"));
  publisher.push_frames(1, 400);
  EXPECT_LT(publisher.set_state(GST_STATE_PAUSED), 500ms);
  EXPECT_LT(publisher.set_state(GST_STATE_NULL), 500ms);
}

TEST(HealingSink, StopsAtOnceWhileItConnectsAgain) {
  TestServer server;
  Publisher publisher(server);
  ASSERT_TRUE(publisher.start(server));
  server.close();
  ASSERT_TRUE(server.accept());  // and no word
  EXPECT_LT(publisher.set_state(GST_STATE_NULL), 500ms);
}

TEST(HealingSink, EndsInTheBackOffWithoutAnythingToSend) {
  TestServer server;
  Publisher publisher(server, slow);
  ASSERT_TRUE(publisher.start(server));
  server.close();
  ASSERT_TRUE(publisher.wait_element("rtmp-reconnecting"));
  publisher.end("in");
  EXPECT_TRUE(publisher.wait_eos(2 * GST_SECOND));
}

TEST(HealingSink, EndsInTheBackOffWithTheRestLost) {
  TestServer server;
  Publisher publisher(server, slow);
  ASSERT_TRUE(publisher.start(server));
  server.close();
  ASSERT_TRUE(publisher.wait_element("rtmp-reconnecting"));
  publisher.push_frames(1, 11);
  publisher.end("in");
  EXPECT_TRUE(publisher.wait_eos());
  EXPECT_EQ(publisher.stat("frames-lost"), 10u);
}

TEST(HealingSink, DeliversTheRestWhenTheServerComesBackInTime) {
  TestServer server;
  Publisher publisher(server, " retry-backoff-min=300000000 retry-backoff-max=300000000 ");
  ASSERT_TRUE(publisher.start(server));
  server.close();
  ASSERT_TRUE(publisher.wait_element("rtmp-reconnecting"));
  publisher.push_frames(25, 35);
  publisher.end("in");
  ASSERT_TRUE(accept_again(server));
  EXPECT_TRUE(server.serve_to_the_end());
  EXPECT_EQ(server.media.size(), 11u);
  EXPECT_TRUE(server.stream_closed);
  server.close();
  EXPECT_TRUE(publisher.wait_eos());
}

TEST(HealingSink, BeginsAnewAfterReady) {
  TestServer server;
  Publisher publisher(server, slow);
  ASSERT_TRUE(publisher.start(server));
  server.close();
  ASSERT_TRUE(publisher.wait_element("rtmp-reconnecting"));
  publisher.set_state(GST_STATE_READY);
  publisher.set_state(GST_STATE_PLAYING);
  EXPECT_TRUE(accept_again(server));
}

// --- where a server sends us

TEST(HealingSink, GoesWhereTheServerSendsItWithoutLosingAFrame) {
  TestServer first, second;
  Publisher publisher(first);
  ASSERT_TRUE(publisher.start(first));
  send_reconnect_request(first, tc_url_of(second));
  ASSERT_TRUE(second.accept());
  ASSERT_TRUE(second.start_stream());
  EXPECT_EQ(second.connects.front().app, "elsewhere");
  // It goes with the key frame after it has read the second server's answer, whenever that is.
  std::uint32_t pushed = 1;
  while (first.serve_until([&] { return first.media.size() == 1 + pushed; })) {
    publisher.push_frames(pushed, pushed + 25);
    pushed += 25;
  }
  EXPECT_TRUE(first.stream_closed);
  const auto key = static_cast<std::uint32_t>(first.media.size() - 1);
  ASSERT_TRUE(second.serve_until([&] { return second.media.size() == 1 + pushed - key; }));
  EXPECT_EQ(key % 25, 0u);
  const std::string begin = std::to_string(frame(key).timestamp);
  const std::string came = described(second.media);
  EXPECT_TRUE(came.starts_with("h" + begin + " k" + begin)) << key << ": " << came;
  EXPECT_EQ(publisher.stat("frames-lost"), 0u);
  EXPECT_EQ(publisher.stat("reconnects"), 1u);
  EXPECT_EQ(publisher.count_errors(), 0);
}

TEST(HealingSink, EncryptsWhereItIsSentToRtmpe) {
  TestServer first, second;
  Publisher publisher(first);
  ASSERT_TRUE(publisher.start(first));
  send_reconnect_request(first, "rtmpe" + tc_url_of(second).substr(4));
  ASSERT_TRUE(second.accept());
  ASSERT_TRUE(second.start_stream());
  EXPECT_TRUE(second.encrypted());
  EXPECT_EQ(publisher.count_errors(), 0);
}

TEST(HealingSink, StaysWhereItIsWhileTheOtherServerIsNotThere) {
  TestServer server;
  Publisher publisher(server);
  ASSERT_TRUE(publisher.start(server));
  send_reconnect_request(server, "rtmp://127.0.0.1:" + std::to_string(free_port()) + "/live");
  ASSERT_TRUE(publisher.wait_element("rtmp-reconnecting"));
  publisher.push_frames(1, 50);
  EXPECT_TRUE(server.serve_until([&] { return server.media.size() == 51; }));
  EXPECT_EQ(publisher.count_errors(), 0);
}

TEST(HealingSink, ComesAnewWhereTheSameServerHoldsTheNameForItself) {
  TestServer server;
  Publisher publisher(server);
  ASSERT_TRUE(publisher.start(server));
  TestServer second;
  int asked = 0;
  second.on_publish = [&](TestServer& self, const server_event::PublishRequest& request) {
    if (++asked == 1) {
      self.session().reject_publish(request.stream_id,
                                    {"error", "NetStream.Publish.BadName", "In use"});
    } else {
      self.session().accept_publish(request.stream_id);
      self.stream_id = request.stream_id;
    }
  };
  send_reconnect_request(server, tc_url_of(second));
  ASSERT_TRUE(second.accept());
  second.serve_to_the_end();
  ASSERT_TRUE(server.serve_to_the_end());
  EXPECT_TRUE(accept_again(second));
  EXPECT_EQ(publisher.count_errors(), 0);
}

TEST(HealingSink, DoesNotGoWhereItIsSentIfItMayNot) {
  TestServer first, second;
  Publisher publisher(first, "auto-reconnect=false");
  ASSERT_TRUE(publisher.start(first));
  send_reconnect_request(first, tc_url_of(second));
  ASSERT_FALSE(publisher.wait_element_with("rtmp-status", "ReconnectRequest").empty());
  publisher.push_frames(1, 50);
  EXPECT_TRUE(first.serve_until([&] { return first.media.size() == 51; }));
}

}  // namespace
}  // namespace rtmp::test
