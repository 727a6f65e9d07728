// Messages of one publisher after another as one FLV stream on a source's pad.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasesrc.h>

#include "elements/timeline.h"

// One FLV tag per buffer, the FLV header before the first. Of the source's streaming thread.
class FlvOutput {
 public:
  // As new: the header comes again.
  void reset() { *this = FlvOutput(); }
  // What follows is another publisher's.
  void begin_publisher() { timeline_.begin_publisher(); }

  // Audio, video or data. `age_ms`: how long ago the message was due, which counts for the first
  // frame alone: its running time says where the segment lies.
  GstBuffer* make(GstBaseSrc* src, rtmp::Message message, std::int64_t age_ms);

 private:
  Timeline timeline_;
  bool header_sent_ = false;
};
