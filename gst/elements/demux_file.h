// Looking around in a file that upstream gives access to: for key frames and for the end.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "elements/demux_survey.h"
#include "rtmp/flv.h"

// Used by one thread at a time.
class DemuxFile {
 public:
  explicit DemuxFile(GstPad* sink) : sink_(sink) {}
  ~DemuxFile() { forget(); }
  DemuxFile(const DemuxFile&) = delete;
  DemuxFile& operator=(const DemuxFile&) = delete;

  // The bytes that were read.
  void forget();
  // Whether an index's position is right.
  bool has_tag_at(guint64 position);
  // Reads on from where the survey has come to, to a key frame behind `time` that is not before
  // the position `to`.
  void look_on(DemuxSurvey& survey, GstClockTime time, guint64 to);
  // The last tag's.
  std::optional<GstClockTime> last_time();

 private:
  bool read(guint64 position, std::span<std::uint8_t> out);
  guint64 first_tag();
  bool read_message(guint64 position, const rtmp::flv::TagHeader& header,
                    std::vector<std::uint8_t>& payload, rtmp::Message& message);

  GstPad* sink_;
  GstBuffer* block_ = nullptr;
  guint64 block_position_ = 0;
};
