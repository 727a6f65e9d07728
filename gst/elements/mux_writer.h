// What rtmpmux puts out: headers, metadata, packets, and at the end the file's beginning again.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstaggregator.h>

#include <atomic>
#include <string>
#include <vector>

#include "elements/mux_file.h"
#include "elements/mux_pad.h"

// The element's properties.
struct MuxSettings {
  static constexpr const char* default_label = "gst-plugins-rtmp " VERSION;

  bool streamable = false;
  std::string metadatacreator = default_label;
  std::string encoder = default_label;
  bool skip_backwards_streams = false;
  mux::Enhanced enhanced = mux::Enhanced::automatic;
  bool nanosecond_timestamps = false;
};

// Pads of an element, kept alive.
using MuxPads = std::vector<MuxPadRef>;
MuxPads all_mux_pads(GstElement* element);

// Of the streaming thread, but for what may have changed.
class MuxWriter {
 public:
  // The aggregator is a GstTagSetter, its sink pads are GstRtmpMuxPads.
  explicit MuxWriter(GstAggregator* mux) : mux_(mux) {}

  void reset();
  // From any thread: tracks or tags may say something new; headers have to be told again.
  void metadata_changed() { metadata_due_ = true; }
  void repeat_headers() { repeat_headers_ = true; }

  // Before it everything that players need for it. Errors are posted.
  GstFlowReturn write(GstRtmpMuxPad* pad, GstBuffer* packet, const MuxHead& head,
                      const MuxSettings& settings);
  // All tracks have ended.
  GstFlowReturn finish(const MuxSettings& settings);

 private:
  GstFlowReturn check(GstRtmpMuxPad* pad, GstBuffer* packet);
  mux::Labels labels(const MuxSettings& settings) const;
  mux::BufferRef write_file_header() const;
  bool update_metadata(std::int64_t timestamp, const MuxSettings& settings);
  void set_caps();
  GstFlowReturn write_headers(std::int64_t timestamp, const MuxSettings& settings);
  GstFlowReturn write_packet(MuxTrack& track, GstBuffer* packet, const MuxHead& head,
                             const mux::Stamp& stamp);
  GstFlowReturn rewrite_start(const MuxSettings& settings);
  GstFlowReturn push(mux::BufferRef buffer);

  GstAggregator* mux_;
  std::atomic<bool> metadata_due_{false};
  std::atomic<bool> repeat_headers_{false};
  bool started_ = false;  // the header is written
  bool has_video_ = false;
  bool rewritable_ = false;  // downstream can seek, and there is room in the metadata
  mux::Timeline timeline_;
  mux::FileRecord file_;
  rtmp::amf::Object metadata_;  // as written last, without bit rates
  mux::BufferRef file_header_, metadata_tag_;
  std::int64_t last_dts_ = G_MININT64;
};
