// Measures rtmpdemux beside flvdemux and rtmpmux beside flvmux, each on the same media.
// docs/performance.md says how, and what came out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <future>
#include <memory>
#include <string_view>
#include <thread>

#include "bench/allocations.h"
#include "bench/media.h"

namespace rtmp::bench {
namespace {

struct Measure {
  double seconds = 0;             // of all threads' CPU time
  std::uint64_t allocations = 0;  // while it ran
  std::size_t buffers = 0;        // that came out

  Measure& operator+=(const Measure& other) {
    seconds += other.seconds;
    allocations += other.allocations;
    return *this;
  }
};

struct Case {
  const char* name;
  std::size_t bytes;  // of media
  const char* ours;
  const char* theirs;
  std::function<Measure(const char* element)> run;
};

constexpr int skipped = 77;  // to Meson

double cpu_seconds() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

Measure measure(const std::function<void()>& work) {
  const std::uint64_t allocated = allocations();
  const double start = cpu_seconds();
  work();
  return {cpu_seconds() - start, allocations() - allocated, 0};
}

// --- what stands around an element

// Takes whatever comes out of pads linked to it.
class Output {
 public:
  void take(GstPad* src) {
    GstPad* sink = gst_pad_new(nullptr, GST_PAD_SINK);
    g_object_set_data(G_OBJECT(sink), "output", this);
    gst_pad_set_element_private(sink, this);
    gst_pad_set_chain_function(sink, [](GstPad* pad, GstObject*, GstBuffer* buffer) {
      ++of(pad)->buffers_;
      gst_buffer_unref(buffer);
      return GST_FLOW_OK;
    });
    gst_pad_set_event_function(sink, [](GstPad* pad, GstObject*, GstEvent* event) -> gboolean {
      if (GST_EVENT_TYPE(event) == GST_EVENT_EOS && !of(pad)->ended_.exchange(true))
        of(pad)->end_.set_value();
      gst_event_unref(event);
      return TRUE;
    });
    gst_pad_set_active(sink, TRUE);
    gst_pad_link(src, sink);
    pads_.push_back(sink);
  }
  ~Output() {
    for (GstPad* pad : pads_) gst_object_unref(pad);
  }
  void wait_end() { end_.get_future().wait(); }
  std::size_t buffers() const { return buffers_; }

 private:
  static Output* of(GstPad* pad) { return static_cast<Output*>(gst_pad_get_element_private(pad)); }

  std::vector<GstPad*> pads_;
  std::atomic<std::size_t> buffers_{0};
  std::atomic<bool> ended_{false};
  std::promise<void> end_;
};

// A source pad linked to an element's pad, and what came before the first buffer.
GstPad* begin_input(GstPad* sink, const char* caps_text, GstFormat format) {
  GstPad* src = gst_pad_new(nullptr, GST_PAD_SRC);
  gst_pad_set_active(src, TRUE);
  gst_pad_link(src, sink);
  gst_pad_push_event(src, gst_event_new_stream_start("bench"));
  GstCaps* caps = gst_caps_from_string(caps_text);
  gst_pad_push_event(src, gst_event_new_caps(caps));
  gst_caps_unref(caps);
  GstSegment segment;
  gst_segment_init(&segment, format);
  gst_pad_push_event(src, gst_event_new_segment(&segment));
  return src;
}

void push_all(GstPad* src, const std::vector<GstBuffer*>& buffers) {
  for (GstBuffer* buffer : buffers)
    if (gst_pad_push(src, buffer) != GST_FLOW_OK) std::abort();
}

void stop(GstElement* element) {
  gst_element_set_state(element, GST_STATE_NULL);
  gst_object_unref(element);
}

// --- the runs

// Makes the next portion of a demuxer's input; nothing at the end.
using NextPortion = std::function<std::vector<GstBuffer*>()>;

// The clock stands still while a portion is made.
Measure run_demuxer(const char* name, const NextPortion& next_portion) {
  GstElement* demux = gst_element_factory_make(name, nullptr);
  Output output;
  g_signal_connect(demux, "pad-added", G_CALLBACK(+[](GstElement*, GstPad* pad, gpointer data) {
                     static_cast<Output*>(data)->take(pad);
                   }),
                   &output);
  gst_element_set_state(demux, GST_STATE_PLAYING);
  GstPad* sink = gst_element_get_static_pad(demux, "sink");
  GstPad* src = begin_input(sink, "video/x-flv", GST_FORMAT_BYTES);
  Measure result;
  for (auto buffers = next_portion(); !buffers.empty(); buffers = next_portion())
    result += measure([&] { push_all(src, buffers); });
  gst_pad_push_event(src, gst_event_new_eos());
  result.buffers = output.buffers();
  gst_object_unref(sink);
  stop(demux);
  gst_object_unref(src);
  return result;
}

// Each pad has a thread, as behind a queue.
Measure run_muxer(const char* name, const std::vector<Track>& tracks) {
  GstElement* mux = gst_element_factory_make(name, nullptr);
  g_object_set(mux, "streamable", TRUE, nullptr);
  Output output;
  GstPad* mux_src = gst_element_get_static_pad(mux, "src");
  output.take(mux_src);
  std::vector<GstPad*> sinks, srcs;
  for (const Track& track : tracks) sinks.push_back(gst_element_request_pad_simple(mux, track.pad));
  gst_element_set_state(mux, GST_STATE_PLAYING);
  for (std::size_t i = 0; i < tracks.size(); ++i)
    srcs.push_back(begin_input(sinks[i], tracks[i].caps.c_str(), GST_FORMAT_TIME));
  Measure result = measure([&] {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < tracks.size(); ++i)
      threads.emplace_back([&, i] {
        push_all(srcs[i], tracks[i].packets);
        gst_pad_push_event(srcs[i], gst_event_new_eos());
      });
    output.wait_end();
  });
  result.buffers = output.buffers();
  for (GstPad* pad : sinks) gst_object_unref(pad);
  gst_object_unref(mux_src);
  stop(mux);
  for (GstPad* pad : srcs) gst_object_unref(pad);
  return result;
}

std::vector<Track> to_tracks(const std::vector<Message>& messages) {
  std::vector<Track> tracks;
  for (MessageType type : {MessageType::video, MessageType::audio})
    if (Track track = to_track(messages, type); track.pad) tracks.push_back(std::move(track));
  return tracks;
}

std::vector<Case> cases_of(const char* media, const std::vector<Message>& messages) {
  const auto flv = std::make_shared<const Flv>(messages);
  const auto name = [media](const char* what) {
    return g_intern_string((std::string(media) + ", " + what).c_str());
  };
  constexpr std::size_t block = 64 * 1024;
  return {
      {name("demux, a tag per buffer"), flv->size(), "rtmpdemux", "flvdemux",
       [flv](const char* element) {
         return run_demuxer(element,
                            [&, tag = std::size_t{0}]() mutable { return flv->tags(tag); });
       }},
      {name("demux, blocks of 64 KiB"), flv->size(), "rtmpdemux", "flvdemux",
       [flv](const char* element) {
         return run_demuxer(
             element, [&, byte = std::size_t{0}]() mutable { return flv->blocks(byte, block); });
       }},
      {name("mux"), flv->size(), "rtmpmux", "flvmux",
       [&messages](const char* element) { return run_muxer(element, to_tracks(messages)); }},
  };
}

// --- results

// The least of several runs, taken in turns: other programs can only add to it.
std::vector<Measure> best_of(const Case& what, const std::vector<const char*>& elements,
                             int rounds) {
  std::vector<Measure> best(elements.size());
  for (int round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const Measure next = what.run(elements[i]);
      if (round == 0 || next.seconds < best[i].seconds) best[i] = next;
    }
  return best;
}

double per_buffer(const Measure& result) {
  return static_cast<double>(result.allocations) / static_cast<double>(result.buffers);
}

// Whether the gates are kept: twice as fast, half the allocations.
bool compare(const Case& what, int rounds) {
  const auto best = best_of(what, {what.ours, what.theirs}, rounds);
  const Measure &ours = best[0], &theirs = best[1];
  if (ours.buffers == 0 || theirs.buffers == 0) {
    std::fprintf(stderr, "%s: %s or %s made nothing\n", what.name, what.ours, what.theirs);
    std::exit(EXIT_FAILURE);
  }
  const auto speed = [&what](const Measure& m) {
    return static_cast<double>(what.bytes) / 1e6 / m.seconds;
  };
  std::printf("%-42s %7zu %8.0f %8.0f %6.2f %10.2f %10.2f %6.2f\n", what.name, ours.buffers,
              speed(ours), speed(theirs), speed(ours) / speed(theirs), per_buffer(ours),
              per_buffer(theirs), per_buffer(ours) / per_buffer(theirs));
  return speed(ours) >= 2 * speed(theirs) && 2 * per_buffer(ours) <= per_buffer(theirs);
}

struct Options {
  std::size_t megabytes = 80;
  int rounds = 3;
  bool gate = false;
  std::string only;     // cases whose name has that in it
  std::string profile;  // an element that is run alone, for a profiler
};

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--gate") options.gate = true;
    if (argument.starts_with("--megabytes="))
      options.megabytes = std::strtoul(argv[i] + 12, nullptr, 10);
    if (argument.starts_with("--rounds=")) options.rounds = std::atoi(argv[i] + 9);
    if (argument.starts_with("--only=")) options.only = argument.substr(7);
    if (argument.starts_with("--profile=")) options.profile = argument.substr(10);
  }
  return options;
}

}  // namespace
}  // namespace rtmp::bench

int main(int argc, char** argv) {
  using namespace rtmp::bench;
  gst_init(&argc, &argv);
  const Options options = read_options(argc, argv);
  const char* shared = std::getenv("RTMP_SHARED");
  const std::string folder = std::string(shared ? shared : "../shared") + "/media/";
  constexpr struct {
    const char* name;
    const char* file;
  } media[] = {{"H.264 and AAC", "h264_aac_bframes.flv"}, {"small AAC", "aac_only_44k1_mono.flv"}};

  std::printf("%-42s %7s %8s %8s %6s %10s %10s %6s\n", "", "buffers", "ours", "theirs", "MB/s x",
              "allocs", "theirs", "x");
  bool kept = true, any = false;
  for (const auto& [name, file] : media) {
    const auto messages = repeat(folder + file, options.megabytes * 1'000'000);
    if (messages.empty()) {
      std::fprintf(stderr, "no media: %s%s\n", folder.c_str(), file);
      return skipped;
    }
    for (const Case& what : cases_of(name, messages)) {
      if (std::string_view(what.name).find(options.only) == std::string_view::npos) continue;
      if (options.profile.empty())
        kept &= compare(what, options.rounds);
      else
        best_of(what, {options.profile.c_str()}, options.rounds);
      any = true;
    }
  }
  if (!any) return EXIT_FAILURE;
  return kept || !options.gate ? EXIT_SUCCESS : EXIT_FAILURE;
}
