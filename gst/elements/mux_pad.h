// A sink pad of rtmpmux, and the track that it feeds.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstaggregator.h>

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "elements/mux_caps.h"
#include "elements/mux_metadata.h"
#include "elements/mux_queue.h"
#include "elements/mux_tag.h"

// Owned by the streaming thread, but for what never changes.
class MuxTrack {
 public:
  MuxTrack(mux::Kind kind, guint id) : kind_(kind), id_(id) {}

  // The kind and the id stay once they are known: with the first caps, if not by the pad's name.
  mux::Kind kind() const { return kind_; }
  guint id() const { return id_; }
  bool has_format() const { return format_.has_value(); }
  const mux::Format& format() const { return *format_; }
  // Whoever encoded it; empty: unknown.
  const std::string& encoder() const { return encoder_; }
  mux::TrackDescription description() const { return {kind_, id_, &*format_, bitrate_}; }

  void decide(mux::Kind kind, guint id) {
    kind_ = kind;
    id_ = id;
  }
  // False if nothing changed.
  bool set_format(mux::Format format);
  // Its caps cannot be carried.
  void refuse() { refused_ = true; }
  bool refused() const { return refused_; }
  void set_tags(const GstTagList* tags);
  void reset();
  // Players have to be told the headers again.
  void repeat_headers() { headers_pending_ = true; }

  // Whether the configuration is known, if it takes one; the packet may have it inside.
  bool configure(GstBuffer* packet);
  bool headers_pending() const { return headers_pending_ && ready(); }
  // Makes them anew, for a packet at that time.
  void write_headers(std::int64_t timestamp);
  const std::vector<mux::BufferRef>& headers() const { return headers_; }
  // Whether the packet is a header that stands in the caps, too.
  bool is_header(GstBuffer* packet) const;
  // Nothing if it is no message.
  mux::BufferRef write_packet(GstBuffer* packet, const mux::Stamp& stamp);

 private:
  bool ready() const { return has_format() && !format_->awaits_configuration; }
  bool video() const { return kind_ == mux::Kind::video; }
  rtmp::MessageType message_type() const;
  rtmp::media::Packet make_packet(rtmp::media::PacketType type, bool enhanced) const;
  mux::BufferRef write_header(const rtmp::media::Packet& packet, std::int64_t timestamp,
                              rtmp::Bytes body) const;
  mux::BufferRef write_color(std::int64_t timestamp) const;
  std::vector<std::uint8_t> write_head(const rtmp::media::Packet& packet) const;
  void set_frame_fields(GstBuffer* packet, const mux::Stamp& stamp);
  mux::BufferRef write_data(GstBuffer* packet, std::int64_t timestamp) const;
  mux::BufferRef write_text(GstBuffer* packet, std::int64_t timestamp) const;

  std::atomic<mux::Kind> kind_;
  std::atomic<guint> id_;
  std::optional<mux::Format> format_;
  bool refused_ = false;
  // Found in a packet where the caps have none.
  std::optional<std::vector<std::uint8_t>> found_configuration_;
  guint bitrate_ = 0;
  std::string language_;
  std::string encoder_;
  bool headers_pending_ = false;
  bool color_said_ = false;
  std::vector<mux::BufferRef> headers_;
  rtmp::media::Packet frame_;  // of the track's packets, filled in for each
};

G_BEGIN_DECLS

#define GST_TYPE_RTMP_MUX_PAD (gst_rtmp_mux_pad_get_type())
G_DECLARE_FINAL_TYPE(GstRtmpMuxPad, gst_rtmp_mux_pad, GST, RTMP_MUX_PAD, GstAggregatorPad)

G_END_DECLS

// The packet that waits on a pad.
struct MuxHead {
  mux::Times times;      // running times
  std::int64_t end = 0;  // where it ends, or where it begins if it has no duration
  bool gap = false;      // nothing comes until then
  std::int64_t due() const { return gap ? end : times.dts; }
};

struct MuxPadUnref {
  void operator()(GstRtmpMuxPad* pad) const { gst_object_unref(pad); }
};
using MuxPadRef = std::unique_ptr<GstRtmpMuxPad, MuxPadUnref>;

GstRtmpMuxPad* gst_rtmp_mux_pad_new(const GstPadTemplate* templ, const char* name, mux::Kind kind,
                                    guint id);
MuxTrack& gst_rtmp_mux_pad_track(GstRtmpMuxPad* pad);
inline MuxTrack& pad_track(const MuxPadRef& pad) { return gst_rtmp_mux_pad_track(pad.get()); }
// From the streaming thread: what is first on the pad.
enum class MuxFront { nothing, event, packet };
MuxFront gst_rtmp_mux_pad_front(GstRtmpMuxPad* pad);
// Of the packet that is first.
const MuxHead& gst_rtmp_mux_pad_head(GstRtmpMuxPad* pad);
// Takes it off.
mux::BufferRef gst_rtmp_mux_pad_pop(GstRtmpMuxPad* pad);
GstEvent* gst_rtmp_mux_pad_pop_event(GstRtmpMuxPad* pad);

// From upstream's thread: a packet or a serialized event. Takes it; waits while the queue is full.
GstFlowReturn gst_rtmp_mux_pad_enqueue(GstRtmpMuxPad* pad, GstMiniObject* object);
// While a pad has the placeholder, nobody waits for it.
GstFlowReturn gst_rtmp_mux_pad_put_placeholder(GstRtmpMuxPad* pad);
// Where nothing is on the pad.
void gst_rtmp_mux_pad_drop_placeholder(GstRtmpMuxPad* pad);
// Upstream learns the reason.
void gst_rtmp_mux_pad_close(GstRtmpMuxPad* pad, GstFlowReturn reason);
void gst_rtmp_mux_pad_set_flushing(GstRtmpMuxPad* pad, bool flushing);
void gst_rtmp_mux_pad_set_latency(GstRtmpMuxPad* pad, GstClockTime latency);
