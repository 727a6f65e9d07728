// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <gst/gst.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "elements/pipeline.h"
#include "support/process.h"

namespace rtmp::test {
namespace {

// A port of 127.0.0.1, listened on by no element.
class Occupied {
 public:
  // 0: any.
  explicit Occupied(int port = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const int yes = 1;
    setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    good_ = bind(socket_, generic, size) == 0 && listen(socket_, 1) == 0 &&
            getsockname(socket_, generic, &size) == 0;
    port_ = ntohs(address.sin_port);
  }
  ~Occupied() { close(socket_); }
  Occupied(const Occupied&) = delete;

  bool good() const { return good_; }
  int port() const { return port_; }

 private:
  int socket_;
  bool good_ = false;
  int port_ = 0;
};

bool is_free(int port) { return Occupied(port).good(); }

using GstStructurePtr = std::unique_ptr<GstStructure, void (*)(GstStructure*)>;

// An element alone, with a bus.
class Element {
 public:
  explicit Element(const std::string& description)
      : element_(gst_parse_launch(description.c_str(), nullptr)), bus_(gst_bus_new()) {
    gst_object_ref_sink(element_);
    gst_element_set_bus(element_, bus_);
  }
  ~Element() {
    set_state(GST_STATE_NULL);
    gst_element_set_bus(element_, nullptr);
    gst_object_unref(bus_);
    gst_object_unref(element_);
  }
  Element(const Element&) = delete;

  bool set_state(GstState state) {
    return gst_element_set_state(element_, state) != GST_STATE_CHANGE_FAILURE;
  }
  guint number(const char* property) const {
    guint value = 0;
    g_object_get(element_, property, &value, nullptr);
    return value;
  }
  GstElement* get() const { return element_; }
  void forget_messages() {
    gst_bus_set_flushing(bus_, TRUE);
    gst_bus_set_flushing(bus_, FALSE);
  }
  // The error that is there.
  BusError error() {
    BusError found;
    GstMessage* message = gst_bus_pop_filtered(bus_, GST_MESSAGE_ERROR);
    if (!message) return found;
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    found = {error->domain, error->code, error->message, {}, {}};
    g_error_free(error);
    gst_message_unref(message);
    return found;
  }
  // The next message of that name, or null.
  GstStructurePtr wait_message(const char* name) {
    while (GstMessage* message =
               gst_bus_timed_pop_filtered(bus_, 10 * GST_SECOND, GST_MESSAGE_ELEMENT)) {
      GstStructurePtr structure(gst_structure_copy(gst_message_get_structure(message)),
                                gst_structure_free);
      gst_message_unref(message);
      if (gst_structure_has_name(structure.get(), name)) return structure;
    }
    return {nullptr, gst_structure_free};
  }
  // The state that the next rtmp-publisher message tells.
  std::string wait_publisher() {
    GstMessage* message = gst_bus_timed_pop_filtered(bus_, 10 * GST_SECOND, GST_MESSAGE_ELEMENT);
    if (!message) return "no message";
    const GstStructure* structure = gst_message_get_structure(message);
    const std::string text = std::string(gst_structure_get_string(structure, "name")) + " " +
                             gst_structure_get_string(structure, "state");
    gst_message_unref(message);
    return text;
  }

 private:
  GstElement* element_;
  GstBus* bus_;
};

std::string with_port(const std::string& text, int port) {
  return text + " port=" + std::to_string(port) + " ";
}

// What passes a pad.
class Passing {
 public:
  Passing(Pipeline& pipeline, const char* name, const char* pad_name)
      : pad_(gst_element_get_static_pad(pipeline[name], pad_name)) {
    probe_ = gst_pad_add_probe(
        pad_, GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad*, GstPadProbeInfo* info, gpointer self) {
          static_cast<Passing*>(self)->note(GST_PAD_PROBE_INFO_BUFFER(info));
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
  }
  ~Passing() {
    gst_pad_remove_probe(pad_, probe_);
    gst_object_unref(pad_);
  }
  Passing(const Passing&) = delete;

  bool wait_count(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return times_.size() >= count; });
  }
  std::vector<GstClockTime> times() {
    const std::lock_guard lock(mutex_);
    return times_;
  }
  int discontinuities() {
    const std::lock_guard lock(mutex_);
    return discontinuities_;
  }

 private:
  void note(GstBuffer* buffer) {
    const std::lock_guard lock(mutex_);
    times_.push_back(GST_BUFFER_PTS(buffer));
    if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT)) ++discontinuities_;
    changed_.notify_all();
  }

  GstPad* pad_;
  gulong probe_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<GstClockTime> times_;
  int discontinuities_ = 0;
};

// Header and frames, from a pipeline's appsrc `in`.
void push_stream(Pipeline& pipeline, std::uint32_t frames) {
  pipeline.push("in", to_gst(flv::write_tag(sequence_header())));
  for (std::uint32_t number = 0; number < frames; ++number) {
    const Message message = frame(number);
    pipeline.push("in", to_gst(flv::write_tag(message), message.timestamp));
  }
}

std::string sink(int port, const std::string& properties = "") {
  return with_port("appsrc name=in format=time caps=video/x-flv ! rtmpserversink name=sink", port) +
         "sync=false async=false stream=live/cam " + properties;
}

std::string source(int port, const std::string& properties = "") {
  return with_port("rtmpserversrc name=source", port) + properties + " ! fakesink async=false";
}

// --- properties

class Servers : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, Servers,
                         testing::Values("rtmpserver", "rtmpserversrc", "rtmpserversink"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(Servers, HaveTheDefaultsThatTheirClassPromises) {
  const Element server(GetParam());
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(server.get()), &count);
  for (guint i = 0; i < count; ++i) {
    const std::string name = specs[i]->name;
    if (!(specs[i]->flags & G_PARAM_WRITABLE) || name == "name" || name == "parent") continue;
    GValue value = G_VALUE_INIT;
    g_value_init(&value, specs[i]->value_type);
    g_object_get_property(G_OBJECT(server.get()), specs[i]->name, &value);
    EXPECT_TRUE(g_param_value_defaults(specs[i], &value)) << name;
    g_value_unset(&value);
  }
  g_free(specs);
}

TEST_P(Servers, TellWhichFreePortTheyTook) {
  Element server(std::string(GetParam()) + " port=0");
  if (std::string(GetParam()) == "rtmpserversink")
    g_object_set(server.get(), "stream", "live/cam", nullptr);
  EXPECT_EQ(server.number("current-port"), 0u);
  ASSERT_TRUE(server.set_state(GST_STATE_PAUSED));
  EXPECT_NE(server.number("current-port"), 0u);
  EXPECT_EQ(server.number("port"), 0u);
  server.set_state(GST_STATE_READY);
  EXPECT_EQ(server.number("current-port"), 0u);
}

TEST_P(Servers, SayThatAPortIsBusy) {
  const Occupied occupied;
  Element server(with_port(GetParam(), occupied.port()));
  if (std::string(GetParam()) == "rtmpserversink")
    g_object_set(server.get(), "stream", "live/cam", nullptr);
  ASSERT_TRUE(server.set_state(GST_STATE_READY));
  EXPECT_FALSE(server.set_state(GST_STATE_PAUSED));
  const BusError error = server.error();
  EXPECT_EQ(error.domain, GST_RESOURCE_ERROR);
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_BUSY);
  EXPECT_NE(error.text.find("Port " + std::to_string(occupied.port()) + " of localhost"),
            std::string::npos)
      << error.text;
  EXPECT_NE(error.text.find("port="), std::string::npos) << error.text;
}

TEST_P(Servers, HaveStatsBeforeAnyConnection) {
  const Element server(GetParam());
  GstStructure* stats = nullptr;
  g_object_get(server.get(), "stats", &stats, nullptr);
  EXPECT_TRUE(gst_structure_has_field_typed(stats, "bytes-in", G_TYPE_UINT64));
  EXPECT_TRUE(gst_structure_has_field_typed(stats, "clients", G_TYPE_UINT));
  EXPECT_TRUE(gst_structure_has_field_typed(stats, "streams", GST_TYPE_ARRAY));
  gst_structure_free(stats);
}

// --- one server for several elements

TEST(SharedServer, IsTheSameForElementsThatNameThePortOfAnother) {
  Element first("rtmpserver port=0");
  ASSERT_TRUE(first.set_state(GST_STATE_PAUSED));
  const auto port = static_cast<int>(first.number("current-port"));
  Element second(with_port("rtmpserversrc", port));
  ASSERT_TRUE(second.set_state(GST_STATE_PAUSED)) << second.error().text;
  EXPECT_EQ(second.number("current-port"), first.number("current-port"));
}

TEST(SharedServer, IsNotSharedByTwoThatWantAnyPort) {
  Element first("rtmpserver port=0"), second("rtmpserver port=0");
  ASSERT_TRUE(first.set_state(GST_STATE_PAUSED));
  ASSERT_TRUE(second.set_state(GST_STATE_PAUSED));
  EXPECT_NE(first.number("current-port"), second.number("current-port"));
}

TEST(SharedServer, RefusesTwoValuesOfOnePropertyAndNamesBothElements) {
  const int port = free_port();
  Pipeline pipeline(with_port("rtmpserver name=one max-connections=5", port) +
                    with_port("rtmpserver name=two max-connections=6", port));
  pipeline.set_state(GST_STATE_PAUSED);
  const BusError error = pipeline.wait_error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_SETTINGS);
  for (const char* word : {"one", "two", "max-connections=5", "max-connections=6"})
    EXPECT_NE(error.text.find(word), std::string::npos) << error.text;
}

TEST(SharedServer, TakesAValueFromWhicheverElementSetsIt) {
  const int port = free_port();
  Pipeline pipeline(with_port("rtmpserver name=one", port) +
                    with_port("rtmpserver name=two max-connections=6", port) +
                    with_port("rtmpserver name=three max-connections=6", port));
  pipeline.set_state(GST_STATE_PAUSED);
  EXPECT_EQ(pipeline.count_errors(), 0);
}

TEST(SharedServer, RefusesAValueThatComesAfterTheStart) {
  const int port = free_port();
  Element first(with_port("rtmpserver name=one", port));
  Element second(with_port("rtmpserver name=two max-connections=6", port));
  ASSERT_TRUE(first.set_state(GST_STATE_PAUSED));
  EXPECT_FALSE(second.set_state(GST_STATE_PAUSED));
  const BusError error = second.error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_SETTINGS);
  for (const char* word : {"one", "two", "max-connections=6"})
    EXPECT_NE(error.text.find(word), std::string::npos) << error.text;
}

TEST(SharedServer, IsNamedWhereAnotherAddressWantsItsPort) {
  const int port = free_port();
  Element first(with_port("rtmpserver name=one", port));
  Element second(with_port("rtmpserver address=127.0.0.1", port));
  ASSERT_TRUE(first.set_state(GST_STATE_PAUSED));
  EXPECT_FALSE(second.set_state(GST_STATE_PAUSED));
  const BusError error = second.error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_BUSY);
  EXPECT_NE(error.text.find("one"), std::string::npos) << error.text;
}

TEST(SharedServer, StopsWithTheLastInWhateverOrder) {
  const int port = free_port();
  std::vector<int> order = {0, 1, 2};
  do {
    Element elements[] = {Element(with_port("rtmpserver", port)),
                          Element(with_port("rtmpserversrc", port)),
                          Element(with_port("rtmpserversink stream=live/cam", port))};
    for (const int i : {2, 0, 1}) ASSERT_TRUE(elements[i].set_state(GST_STATE_PAUSED));
    for (const int i : order) {
      EXPECT_FALSE(is_free(port));
      elements[i].set_state(GST_STATE_NULL);
    }
    EXPECT_TRUE(is_free(port));
  } while (std::next_permutation(order.begin(), order.end()));
}

// How many descriptors and threads this process has.
std::size_t count_of(const char* folder) {
  using Entries = std::filesystem::directory_iterator;
  return static_cast<std::size_t>(std::distance(Entries(folder), Entries()));
}

TEST(SharedServer, StartsAgainOnItsPortAndLeavesNothingBehind) {
  const int port = free_port();
  Element server(with_port("rtmpserver threads=2", port));
  Element source(with_port("rtmpserversrc", port));
  Element sink(with_port("rtmpserversink stream=live/cam", port));
  std::size_t descriptors = 0, threads = 0, memory = 0;
  for (int i = 0; i < 200; ++i) {
    for (Element* element : {&server, &source, &sink})
      ASSERT_TRUE(element->set_state(GST_STATE_PAUSED));
    for (Element* element : {&source, &server, &sink}) {
      ASSERT_TRUE(element->set_state(GST_STATE_NULL));
      element->forget_messages();
    }
    if (i != 20) continue;  // what GStreamer itself keeps is there by now
    descriptors = count_of("/proc/self/fd");
    threads = count_of("/proc/self/task");
    memory = mallinfo2().uordblks;
  }
  constexpr std::size_t kept_by_glib = 8;  // threads for whoever needs one next
  EXPECT_LE(count_of("/proc/self/fd"), descriptors + kept_by_glib);
  EXPECT_LE(count_of("/proc/self/task"), threads + kept_by_glib);
  EXPECT_LE(mallinfo2().uordblks, memory + 1024 * 1024);
}

TEST(SharedServer, StartsAndStopsInManyThreadsAtOnce) {
  const int port = free_port();
  std::vector<std::thread> threads;
  std::atomic<int> started = 0;
  for (const char* name : {"rtmpserver", "rtmpserversrc", "rtmpserversink stream=live/cam"})
    threads.emplace_back([&, name] {
      for (int i = 0; i < 20; ++i) {
        Element element(with_port(name, port));
        const bool good = element.set_state(GST_STATE_PAUSED);
        EXPECT_TRUE(good) << element.error().text;
        started += good;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(started, 60);
  EXPECT_TRUE(is_free(port));
}

TEST(SharedServer, GoesOnInAProcessThatForks) {
  const int port = free_port();
  Element server(with_port("rtmpserver", port));
  ASSERT_TRUE(server.set_state(GST_STATE_PLAYING));
  const pid_t child = fork();
  if (child == 0) _exit(0);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  Pipeline receiving(source(port, "on-unpublish=eos"));
  Passing received(receiving, "source", "src");
  receiving.set_state(GST_STATE_PLAYING);
  Pipeline sending(sink(port));
  sending.set_state(GST_STATE_PLAYING);
  push_stream(sending, 10);
  sending.end("in");
  EXPECT_TRUE(receiving.wait_eos());
  EXPECT_EQ(received.times().size(), 11u);
}

// --- rtmpserver

TEST(RtmpServer, EndsAPipelineThatIsAskedTo) {
  Pipeline pipeline(with_port("rtmpserver", free_port()) + " rtmpserver port=0");
  pipeline.set_state(GST_STATE_PLAYING);
  EXPECT_TRUE(gst_element_send_event(pipeline.element(), gst_event_new_eos()));
  EXPECT_TRUE(pipeline.wait_eos());
}

TEST(RtmpServer, TellsWhoPublishes) {
  const int port = free_port();
  Element server(with_port("rtmpserver", port));
  ASSERT_TRUE(server.set_state(GST_STATE_PLAYING));
  Pipeline sending(sink(port));
  sending.set_state(GST_STATE_PLAYING);
  push_stream(sending, 1);
  EXPECT_EQ(server.wait_publisher(), "live/cam published");
  sending.set_state(GST_STATE_NULL);
  EXPECT_EQ(server.wait_publisher(), "live/cam unpublished");
}

// Says on its own that it speaks HTTP.
void knock(int port) {
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(send(client, "GET /", 5, MSG_NOSIGNAL), 5);
  char byte;
  EXPECT_LE(recv(client, &byte, 1, 0), 0) << "the server closes";
  close(client);
}

TEST(RtmpServer, TellsAndCountsWhoGoesOverALimit) {
  const int port = free_port();
  Element server(with_port("rtmpserver", port) + " protocols=rtmp");
  ASSERT_TRUE(server.set_state(GST_STATE_PLAYING));
  knock(port);
  const GstStructurePtr told = server.wait_message("rtmp-limit");
  ASSERT_TRUE(told);
  EXPECT_STREQ(gst_structure_get_string(told.get(), "limit"), "first-byte-http");
  EXPECT_STREQ(gst_structure_get_string(told.get(), "peer"), "127.0.0.1");
  GstStructure* stats = nullptr;
  g_object_get(server.get(), "stats", &stats, nullptr);
  guint64 count = 0;
  const GstStructure* limits = gst_value_get_structure(gst_structure_get_value(stats, "limits"));
  EXPECT_TRUE(gst_structure_get_uint64(limits, "first-byte-http", &count));
  EXPECT_EQ(count, 1u);
  gst_structure_free(stats);
}

TEST(RtmpServer, ListsItsStreams) {
  const int port = free_port();
  Element server(with_port("rtmpserver", port));
  ASSERT_TRUE(server.set_state(GST_STATE_PLAYING));
  Pipeline sending(sink(port));
  sending.set_state(GST_STATE_PLAYING);
  push_stream(sending, 1);
  ASSERT_EQ(server.wait_publisher(), "live/cam published");
  GstStructure* stats = nullptr;
  g_object_get(server.get(), "stats", &stats, nullptr);
  const GValue* streams = gst_structure_get_value(stats, "streams");
  ASSERT_EQ(gst_value_array_get_size(streams), 1u);
  const GstStructure* stream = gst_value_get_structure(gst_value_array_get_value(streams, 0));
  EXPECT_STREQ(gst_structure_get_string(stream, "name"), "live/cam");
  gst_structure_free(stats);
}

// --- rtmpserversrc and rtmpserversink

TEST(RtmpServerSrc, GetsEveryTagThatASinkOfItsServerGot) {
  const int port = free_port();
  Pipeline receiving(source(port, "stream=live/cam on-unpublish=eos"));
  Passing received(receiving, "source", "src");
  receiving.set_state(GST_STATE_PLAYING);
  Pipeline sending(sink(port));
  sending.set_state(GST_STATE_PLAYING);
  push_stream(sending, 500);
  sending.end("in");
  EXPECT_TRUE(sending.wait_eos());
  EXPECT_TRUE(receiving.wait_eos());
  EXPECT_EQ(received.times().size(), 501u);
}

TEST(RtmpServerSrc, TakesTheFirstStreamWithoutAName) {
  const int port = free_port();
  Pipeline receiving(source(port, "on-unpublish=eos"));
  Passing received(receiving, "source", "src");
  receiving.set_state(GST_STATE_PLAYING);
  Pipeline sending(sink(port));
  sending.set_state(GST_STATE_PLAYING);
  push_stream(sending, 50);
  sending.end("in");
  EXPECT_TRUE(receiving.wait_eos());
  EXPECT_EQ(received.times().size(), 51u);
}

TEST(RtmpServerSrc, GoesOnWithTheNextPublisherOnARisingTimeline) {
  const int port = free_port();
  Pipeline receiving(source(port, "stream=live/cam"));
  Passing received(receiving, "source", "src");
  receiving.set_state(GST_STATE_PLAYING);
  for (std::size_t count : {26u, 52u}) {
    Pipeline sending(sink(port));
    sending.set_state(GST_STATE_PLAYING);
    push_stream(sending, 25);
    EXPECT_TRUE(received.wait_count(count));
  }
  const auto times = received.times();
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  EXPECT_EQ(received.discontinuities(), 2);  // the first buffer has one, too
}

// One publisher after the other, while the first is still there.
class Takeover {
 public:
  explicit Takeover(const std::string& properties)
      : receiving(source(port_, "stream=live/cam duplicate-publish=takeover " + properties)),
        received(receiving, "source", "src") {
    receiving.set_state(GST_STATE_PLAYING);
    publish(first_);
    EXPECT_TRUE(received.wait_count(26));
    publish(second_);
  }

 private:
  static void publish(Pipeline& sending) {
    sending.set_state(GST_STATE_PLAYING);
    push_stream(sending, 25);
  }

  const int port_ = free_port();

 public:
  Pipeline receiving;
  Passing received;

 private:
  Pipeline first_{sink(port_)}, second_{sink(port_)};
};

TEST(RtmpServerSrc, GoesOnWithAPublisherThatTakesOverOnARisingTimeline) {
  Takeover takeover("");
  EXPECT_TRUE(takeover.received.wait_count(52));
  const auto times = takeover.received.times();
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  EXPECT_EQ(takeover.received.discontinuities(), 2);  // the first buffer has one, too
}

TEST(RtmpServerSrc, EndsWithAPublisherThatIsTakenOverWhereItIsToEndWithOne) {
  Takeover takeover("on-unpublish=eos");
  EXPECT_TRUE(takeover.receiving.wait_eos());
}

TEST(RtmpServerSrc, DoesNotEndWithAPublisherThatComesBackInTime) {
  const int port = free_port();
  Pipeline receiving(
      source(port, "stream=live/cam publisher-grace=3600000000000 on-unpublish=eos"));
  Passing received(receiving, "source", "src");
  receiving.set_state(GST_STATE_PLAYING);
  for (std::size_t count : {26u, 52u}) {
    Pipeline sending(sink(port));
    sending.set_state(GST_STATE_PLAYING);
    push_stream(sending, 25);
    EXPECT_TRUE(received.wait_count(count));
  }
  const auto times = received.times();
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  EXPECT_EQ(received.discontinuities(), 2);
}

// Of what a player gets that comes behind 30 frames, and leaves at the end, some frames later.
std::vector<GstClockTime> times_of_late_player(const std::string& properties,
                                               std::uint32_t frames = 0) {
  const int port = free_port();
  Pipeline sending(sink(port, properties)), witness(source(port, "stream=live/cam"));
  Passing seen(witness, "source", "src");
  sending.set_state(GST_STATE_PLAYING);
  witness.set_state(GST_STATE_PLAYING);
  push_stream(sending, 30);
  EXPECT_TRUE(seen.wait_count(31));
  Pipeline late(source(port, "stream=live/cam on-unpublish=eos"));
  Passing received(late, "source", "src");
  late.set_state(GST_STATE_PLAYING);
  for (std::uint32_t number = 30; number < 30 + frames; ++number)
    sending.push("in", to_gst(flv::write_tag(frame(number)), number * 40));
  sending.end("in");
  EXPECT_TRUE(late.wait_eos());
  return received.times();
}

TEST(RtmpServerSrc, BeginsWithThePicturesSinceTheLastKeyFrame) {
  EXPECT_EQ(times_of_late_player("").size(), 1u + 5u);
}

TEST(RtmpServerSrc, BeginsWithTheNextKeyFrameWhenAskedTo) {
  EXPECT_EQ(times_of_late_player("start-at=keyframe", 30).size(), 1u + 10u);
}

TEST(RtmpServerSrc, CatchesUpWithThePresentWhenAskedTo) {
  const auto times = times_of_late_player("start-at=catch-up");
  ASSERT_EQ(times.size(), 1u + 5u);
  EXPECT_EQ(times.back() - times.front(), 4 * GST_MSECOND) << "instead of 160";
}

TEST(RtmpServerSrc, SaysForWhomItWaitedInVain) {
  Pipeline receiving(source(free_port(), "stream=live/cam wait-for-publisher=1000000"));
  receiving.set_state(GST_STATE_PLAYING);
  const BusError error = receiving.wait_error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_NOT_FOUND);
  EXPECT_NE(error.text.find("live/cam"), std::string::npos) << error.text;
}

TEST(RtmpServerSink, WantsAName) {
  Element server("rtmpserversink port=0");
  EXPECT_FALSE(server.set_state(GST_STATE_PAUSED));
  EXPECT_EQ(server.error().code, GST_RESOURCE_ERROR_SETTINGS);
}

TEST(RtmpServerSink, IsRefusedANameThatSomebodyHas) {
  const int port = free_port();
  Pipeline first(sink(port, "duplicate-publish=reject"));
  Pipeline second(sink(port, "duplicate-publish=reject"));
  first.set_state(GST_STATE_PLAYING);
  push_stream(first, 1);
  ASSERT_TRUE(first.wait_element("rtmp-publisher"));
  second.set_state(GST_STATE_PLAYING);
  push_stream(second, 1);
  EXPECT_EQ(second.wait_error().code, GST_RESOURCE_ERROR_BUSY);
}

TEST(RtmpServerSink, SaysThatAnotherPublisherTookOver) {
  const int port = free_port();
  Pipeline first(sink(port, "duplicate-publish=takeover"));
  Pipeline second(sink(port, "duplicate-publish=takeover"));
  first.set_state(GST_STATE_PLAYING);
  push_stream(first, 1);
  ASSERT_TRUE(first.wait_element("rtmp-publisher"));
  second.set_state(GST_STATE_PLAYING);
  push_stream(second, 1);
  ASSERT_TRUE(second.wait_element("rtmp-publisher"));
  push_stream(first, 1);
  const BusError error = first.wait_error();
  EXPECT_EQ(error.code, GST_RESOURCE_ERROR_BUSY);
  EXPECT_NE(error.text.find("took over"), std::string::npos) << error.text;
}

TEST(RtmpServerSink, WaitsForAPlayerWhenAskedTo) {
  const int port = free_port();
  Pipeline sending(sink(port, "wait-for-connection=true"));
  sending.set_state(GST_STATE_PLAYING);
  push_stream(sending, 10);
  sending.end("in");
  ASSERT_TRUE(sending.wait_element("rtmp-publisher"));
  Pipeline receiving(source(port, "stream=live/cam on-unpublish=eos"));
  Passing received(receiving, "source", "src");
  receiving.set_state(GST_STATE_PLAYING);
  EXPECT_TRUE(sending.wait_eos());
  EXPECT_TRUE(receiving.wait_eos());
  EXPECT_EQ(received.times().size(), 11u);
}

TEST(RtmpServerSink, StopsWhileItWaitsForAPlayer) {
  Pipeline sending(sink(free_port(), "wait-for-connection=true"));
  sending.set_state(GST_STATE_PLAYING);
  push_stream(sending, 10);
  ASSERT_TRUE(sending.wait_element("rtmp-publisher"));
  EXPECT_LT(sending.set_state(GST_STATE_NULL), std::chrono::seconds(1));
}

TEST(RtmpServerSink, CountsItsClients) {
  const int port = free_port();
  Pipeline sending(sink(port));
  sending.set_state(GST_STATE_PLAYING);
  push_stream(sending, 1);
  const auto clients = [&] {
    int count = -1;
    g_object_get(sending["sink"], "clients", &count, nullptr);
    return count;
  };
  EXPECT_EQ(clients(), 0);
  Pipeline receiving(source(port, "stream=live/cam"));
  receiving.set_state(GST_STATE_PAUSED);
  EXPECT_EQ(clients(), 1);
  receiving.set_state(GST_STATE_NULL);
  EXPECT_EQ(clients(), 0);
}

TEST(RtmpServerSink, SaysThatItWantsFlv) {
  Pipeline sending(sink(free_port()));
  sending.set_state(GST_STATE_PLAYING);
  const std::vector<std::uint8_t> noise(64, 0x55);
  sending.push("in", to_gst(noise));
  sending.end("in");
  const BusError error = sending.wait_error();
  EXPECT_NE(error.text.find("FLV"), std::string::npos) << error.text;
}

}  // namespace
}  // namespace rtmp::test
