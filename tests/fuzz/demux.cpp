// rtmpdemux: whatever comes, in whatever pieces, it gives the same buffers; a file may be sought
// in. GLib's warnings are harm. The first bytes say how the element is driven.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/rtmpdemux.h"

#include <gst/gst.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "fuzz.h"

namespace {

using rtmp::Bytes;

constexpr std::uint8_t pulled = 1, timed = 2, flushed = 4;

// The element between pads of ours.
class Demuxer {
 public:
  explicit Demuxer(Bytes file) : file_(file) {
    element_ = gst_element_factory_make("rtmpdemux", nullptr);
    gst_object_ref_sink(element_);
    bus_ = gst_bus_new();
    gst_bus_set_sync_handler(bus_, on_message, this, nullptr);
    gst_element_set_bus(element_, bus_);
    g_signal_connect_swapped(element_, "pad-added", G_CALLBACK(on_pad), this);
    source_ = gst_pad_new("source", GST_PAD_SRC);
    gst_pad_set_element_private(source_, this);
    gst_pad_set_getrange_function(source_, on_pull);
    gst_pad_set_query_function(source_, on_query);
    GstPad* sink = gst_element_get_static_pad(element_, "sink");
    gst_pad_link(source_, sink);
    gst_object_unref(sink);
  }
  ~Demuxer() {
    gst_element_set_state(element_, GST_STATE_NULL);
    gst_pad_set_active(source_, FALSE);
    gst_object_unref(source_);
    for (GstPad* pad : sinks_) gst_object_unref(pad);
    gst_element_set_bus(element_, nullptr);
    gst_bus_set_sync_handler(bus_, nullptr, nullptr, nullptr);
    gst_object_unref(bus_);
    gst_object_unref(element_);
  }
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  void start(bool pull, GstFormat format) {
    may_pull_ = pull;
    gst_element_set_state(element_, GST_STATE_PLAYING);
    if (pull) return;
    gst_pad_set_active(source_, TRUE);
    gst_pad_push_event(source_, gst_event_new_stream_start("fuzz"));
    segment(format);
  }
  void segment(GstFormat format) {
    GstSegment segment;
    gst_segment_init(&segment, format);
    gst_pad_push_event(source_, gst_event_new_segment(&segment));
  }
  void push(Bytes bytes, GstClockTime time) {
    GstBuffer* buffer = gst_buffer_new_memdup(bytes.data(), bytes.size());
    GST_BUFFER_DTS(buffer) = time;
    gst_pad_push(source_, buffer);
  }
  void flush() {
    gst_pad_push_event(source_, gst_event_new_flush_start());
    gst_pad_push_event(source_, gst_event_new_flush_stop(TRUE));
  }
  void end() { gst_pad_push_event(source_, gst_event_new_eos()); }

  // Of a file that is pulled.
  void wait_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
  }
  void seek(GstSeekFlags flags, GstClockTime time) {
    if (sinks_.empty()) return;
    GstPad* pad = gst_pad_get_peer(sinks_.front());
    {
      const std::lock_guard lock(mutex_);
      ended_ = false;
    }
    const bool done = gst_pad_send_event(
        pad, gst_event_new_seek(
                 1, GST_FORMAT_TIME, static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | flags),
                 GST_SEEK_TYPE_SET, static_cast<gint64>(time), GST_SEEK_TYPE_NONE, 0));
    gst_object_unref(pad);
    LAW(done);
    wait_end();
  }

  // Pad, time and content of each.
  std::vector<std::string> buffers;

 private:
  static void on_pad(Demuxer* self, GstPad* pad) {
    static GstStaticPadTemplate any =
        GST_STATIC_PAD_TEMPLATE("any", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
    GstPad* sink = gst_pad_new_from_static_template(&any, GST_PAD_NAME(pad));
    gst_pad_set_element_private(sink, self);
    gst_pad_set_chain_function(sink, on_buffer);
    gst_pad_set_event_function(sink, on_event);
    gst_pad_set_active(sink, TRUE);
    gst_pad_link(pad, sink);
    self->sinks_.push_back(sink);
  }
  static GstFlowReturn on_buffer(GstPad* pad, GstObject*, GstBuffer* buffer) {
    std::string content(gst_buffer_get_size(buffer), 0);
    gst_buffer_extract(buffer, 0, content.data(), content.size());
    LAW(GST_BUFFER_DTS_IS_VALID(buffer) && GST_BUFFER_PTS_IS_VALID(buffer));
    static_cast<Demuxer*>(gst_pad_get_element_private(pad))
        ->buffers.push_back(std::string(GST_PAD_NAME(pad)) + " " +
                            std::to_string(GST_BUFFER_DTS(buffer)) + " " +
                            std::to_string(GST_BUFFER_PTS(buffer)) + " " + content);
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }
  static gboolean on_event(GstPad* pad, GstObject*, GstEvent* event) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_EOS)
      static_cast<Demuxer*>(gst_pad_get_element_private(pad))->set_ended();
    gst_event_unref(event);
    return TRUE;
  }
  static GstBusSyncReply on_message(GstBus*, GstMessage* message, gpointer self) {
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) static_cast<Demuxer*>(self)->set_ended();
    gst_message_unref(message);
    return GST_BUS_DROP;
  }
  static GstFlowReturn on_pull(GstPad* pad, GstObject*, guint64 offset, guint size,
                               GstBuffer** buffer) {
    const Bytes file = static_cast<Demuxer*>(gst_pad_get_element_private(pad))->file_;
    if (offset >= file.size()) return GST_FLOW_EOS;
    const Bytes part = file.subspan(offset);
    *buffer = gst_buffer_new_memdup(part.data(), std::min<std::size_t>(size, part.size()));
    return GST_FLOW_OK;
  }
  static gboolean on_query(GstPad* pad, GstObject*, GstQuery* query) {
    const auto& self = *static_cast<Demuxer*>(gst_pad_get_element_private(pad));
    if (GST_QUERY_TYPE(query) == GST_QUERY_DURATION) {
      gst_query_set_duration(query, GST_FORMAT_BYTES, static_cast<gint64>(self.file_.size()));
      return TRUE;
    }
    if (GST_QUERY_TYPE(query) != GST_QUERY_SCHEDULING) return FALSE;
    gst_query_set_scheduling(query, GST_SCHEDULING_FLAG_SEEKABLE, 1, -1, 0);
    gst_query_add_scheduling_mode(query, self.may_pull_ ? GST_PAD_MODE_PULL : GST_PAD_MODE_PUSH);
    return TRUE;
  }
  void set_ended() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  const Bytes file_;
  GstElement* element_;
  GstBus* bus_;
  GstPad* source_;
  std::vector<GstPad*> sinks_;
  bool may_pull_ = false;

  std::mutex mutex_;  // guards the next
  bool ended_ = false;
  std::condition_variable changed_;
};

std::vector<std::string> push_all(Bytes bytes, std::size_t piece, std::uint8_t mode) {
  Demuxer demux(bytes);
  const GstFormat format = mode & timed ? GST_FORMAT_TIME : GST_FORMAT_BYTES;
  demux.start(false, format);
  const auto push = [&, number = 0u](Bytes part) mutable {
    demux.push(part, mode & timed ? number++ * GST_SECOND : GST_CLOCK_TIME_NONE);
  };
  rtmp::fuzz::in_pieces(bytes, piece, push);
  if (mode & flushed) {
    demux.flush();
    demux.segment(format);
    rtmp::fuzz::in_pieces(bytes, piece, push);
  }
  demux.end();
  return std::move(demux.buffers);
}

void pull_all(Bytes bytes, std::uint8_t mode, std::uint8_t second) {
  Demuxer demux(bytes);
  demux.start(true, GST_FORMAT_BYTES);
  demux.wait_end();
  const auto flags = mode & timed ? GST_SEEK_FLAG_KEY_UNIT : GST_SEEK_FLAG_ACCURATE;
  demux.seek(flags, second * GST_SECOND);
  demux.seek(flags, second * GST_SECOND / 16);
}

// A trap, GLib's own way to end a process, is not what fuzzers listen for.
void end_on_warning(const gchar*, GLogLevelFlags level, const gchar* text, gpointer) {
  if (!(level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))) return;
  std::fprintf(stderr, "%s\n", text);
  std::abort();
}

bool initialize() {
  g_setenv("GST_REGISTRY_DISABLE", "yes", TRUE);  // one element is enough
  gst_init(nullptr, nullptr);
  g_log_set_default_handler(end_on_warning, nullptr);
  return GST_ELEMENT_REGISTER(rtmpdemux, nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool initialized = initialize();
  LAW(initialized);
  rtmp::fuzz::Input in(data, size);
  const std::uint8_t mode = in.byte(), cut = in.byte();
  const Bytes bytes = in.rest();
  if (mode & pulled) {
    pull_all(bytes, mode, cut);
  } else {
    const auto pieces = push_all(bytes, cut + 1u, mode);
    // A source's times are those of its pieces.
    LAW(mode & timed || pieces == push_all(bytes, 0, mode));
  }
  return 0;
}
