// From bytes to pads: reads tags and hands on what they say.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/demux_output.h"
#include "elements/demux_survey.h"
#include "elements/demux_tags.h"
#include "rtmp/command.h"

// Owned by the streaming thread, or by a seek while that rests, but for what says otherwise.
class DemuxStream {
 public:
  DemuxStream(GstElement* element, DemuxPads::Functions functions)
      : output(element, functions), element_(element) {}

  // Forgets everything.
  void reset();
  // What comes next is at `position` of the stream, its frames are at about that time.
  void restart(std::uint64_t position, std::optional<std::int64_t> time_ms);
  // As restart(), for a place in a file: the headers in force there are, if they are known, those
  // of the tracks.
  void seek(std::uint64_t position, std::int64_t time_ms);
  // A source that knows its time says in 64 bits, in ns, where the next frames are.
  void set_time(gint64 time);
  // Wherever the times go on is right.
  void forget_time() { last_frame_ms_.reset(); }
  // Forgets the end of the last buffer, a tag's beginning, and says its size: it comes again.
  std::size_t give_back() { return cutter_.give_back(); }
  // Takes the buffer.
  GstFlowReturn process(GstBuffer* buffer);

  DemuxOutput output;
  // From any thread.
  DemuxIndex index;
  std::atomic<GstClockTime> duration = GST_CLOCK_TIME_NONE;
  // Owned as the stream is.
  DemuxSurvey survey{index};

 private:
  std::int64_t unwrap(std::uint32_t low, bool is_frame);
  void note(const TagCutter::Tag& tag, const rtmp::media::Packet& packet, std::int64_t ms);
  GstFlowReturn push_tag(const TagCutter::Tag& tag);
  GstFlowReturn push_media(const TagCutter::Tag& tag);
  GstFlowReturn push_data(const TagCutter::Tag& tag);
  void take_metadata(const rtmp::Data& data);

  GstElement* element_;
  TagCutter cutter_;
  rtmp::media::Packet packet_;  // of the tag at hand; kept for its memory
  std::optional<std::int64_t> last_frame_ms_;
  bool surveys_ = true;  // nothing was jumped over
  bool warned_of_encryption_ = false;
};
