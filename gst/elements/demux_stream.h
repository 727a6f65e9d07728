// From bytes to pads: reads tags and hands on what they say.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/demux_index.h"
#include "elements/demux_output.h"
#include "elements/demux_tags.h"
#include "rtmp/command.h"

// Owned by the streaming thread, or by a seek while that rests, but for what says otherwise.
class DemuxStream {
 public:
  // The custom meta of data buffers, and its field.
  static void register_meta();

  DemuxStream(GstElement* element, DemuxPads::Functions functions)
      : output(element, functions), element_(element) {}

  // Forgets everything.
  void reset();
  // What comes next is at `position` of the stream, its frames are at about that time.
  void restart(std::uint64_t position, std::optional<std::int64_t> time_ms);
  // A source that knows its time says in 64 bits where the next frames are.
  void set_time(std::int64_t ms);
  // Takes the buffer.
  GstFlowReturn process(GstBuffer* buffer);

  DemuxOutput output;
  // From any thread.
  DemuxIndex index;
  std::atomic<GstClockTime> duration = GST_CLOCK_TIME_NONE;

 private:
  std::int64_t unwrap(std::uint32_t low, bool is_frame);
  void remember(const rtmp::media::Packet& packet, std::int64_t ms, std::uint64_t position);
  GstFlowReturn push_tag(const TagCutter::Tag& tag);
  GstFlowReturn push_media(const TagCutter::Tag& tag);
  GstFlowReturn push_data(const TagCutter::Tag& tag);
  void take_metadata(const rtmp::Data& data);

  GstElement* element_;
  TagCutter cutter_;
  std::optional<std::int64_t> last_frame_ms_;
  bool warned_of_encryption_ = false;
  bool any_video_ = false;
};
