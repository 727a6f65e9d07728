// Publishes an FLV file with one sink element and nothing else in the process, and says what that
// cost; clients.py runs it.
//   bench-publish FILE SPEED ELEMENT [PROPERTY=VALUE]...
// SPEED: times real time, 0 as fast as it goes.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <thread>

#include "bench/media.h"

namespace rtmp::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Input {
  std::vector<Message> messages;
  std::vector<GstBuffer*> tags;  // the file header, then one for each message
  std::uint64_t bytes = 0;       // of payload
};

double cpu_seconds() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

[[noreturn]] void fail(const char* why) {
  std::fprintf(stderr, "bench-publish: %s\n", why);
  std::exit(EXIT_FAILURE);
}

GstElement* make_sink(int count, char** words) {
  GstElement* sink = gst_element_factory_make(words[0], nullptr);
  if (!sink) fail("no such element");
  g_object_set(sink, "sync", FALSE, "async", FALSE, nullptr);
  for (int i = 1; i < count; ++i) {
    char* value = std::strchr(words[i], '=');
    if (!value) fail("no value");
    *value = '\0';
    gst_util_set_object_arg(G_OBJECT(sink), words[i], value + 1);
  }
  return sink;
}

// The bytes that have left; nothing where the element has no such figure.
std::optional<guint64> bytes_out(GstElement* sink) {
  GstStructure* stats = nullptr;
  guint64 bytes = 0;
  if (!g_object_class_find_property(G_OBJECT_GET_CLASS(sink), "stats")) return std::nullopt;
  g_object_get(sink, "stats", &stats, nullptr);
  const bool found = stats && gst_structure_get_uint64(stats, "out-bytes-total", &bytes);
  if (stats) gst_structure_free(stats);
  return found ? std::optional(bytes) : std::nullopt;
}

GstPad* link_input(GstElement* sink) {
  GstPad* to = gst_element_get_static_pad(sink, "sink");
  GstPad* src = gst_pad_new(nullptr, GST_PAD_SRC);
  gst_pad_set_active(src, TRUE);
  gst_pad_link(src, to);
  gst_object_unref(to);
  gst_pad_push_event(src, gst_event_new_stream_start("bench"));
  GstCaps* caps = gst_caps_new_empty_simple("video/x-flv");
  gst_pad_push_event(src, gst_event_new_caps(caps));
  gst_caps_unref(caps);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(src, gst_event_new_segment(&segment));
  return src;
}

void push_all(GstPad* src, const Input& input, double speed) {
  const Clock::time_point begin = Clock::now();
  for (std::size_t i = 0; i < input.tags.size(); ++i) {
    const auto ms = static_cast<double>(i ? input.messages[i - 1].timestamp : 0);
    GST_BUFFER_DTS(input.tags[i]) = static_cast<GstClockTime>(ms) * GST_MSECOND;
    if (speed > 0)
      std::this_thread::sleep_until(begin +
                                    std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double, std::milli>(ms) / speed));
    if (gst_pad_push(src, input.tags[i]) != GST_FLOW_OK) fail("the element refuses a buffer");
  }
}

// What is queued belongs to the cost.
void wait_until_out(GstElement* sink, std::uint64_t bytes) {
  const Clock::time_point limit = Clock::now() + std::chrono::seconds(60);
  for (;;) {
    const auto out = bytes_out(sink);
    if (!out || *out >= bytes) return;
    if (Clock::now() > limit) fail("not all bytes have left");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void publish(GstElement* sink, const Input& input, double speed) {
  gst_element_set_state(sink, GST_STATE_PLAYING);
  GstPad* src = link_input(sink);
  const double before = cpu_seconds();
  push_all(src, input, speed);
  wait_until_out(sink, input.bytes);
  std::printf("{\"bytes\": %llu, \"cpu\": %f}\n", static_cast<unsigned long long>(input.bytes),
              cpu_seconds() - before);
  gst_element_set_state(sink, GST_STATE_NULL);
  gst_object_unref(src);
}

}  // namespace
}  // namespace rtmp::bench

int main(int argc, char** argv) {
  using namespace rtmp::bench;
  gst_init(&argc, &argv);
  if (argc < 4) fail("FILE SPEED ELEMENT [PROPERTY=VALUE]...");
  Input input{repeat(argv[1], 1), {}, 0};
  if (input.messages.empty()) fail("no media");
  const Flv flv(input.messages);
  std::size_t next = 0;
  for (auto tags = flv.tags(next); !tags.empty(); tags = flv.tags(next))
    input.tags.insert(input.tags.end(), tags.begin(), tags.end());
  for (const rtmp::Message& message : input.messages) input.bytes += message.payload.size();
  GstElement* sink = make_sink(argc - 3, argv + 3);
  publish(sink, input, std::atof(argv[2]));
  gst_object_unref(sink);
  return EXIT_SUCCESS;
}
