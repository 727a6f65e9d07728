// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/batch.h"

#include <algorithm>

namespace relay {

Batch::Batch(std::span<const FramePtr> given) : frames(given) {
  const auto is_notice = [](const FramePtr& frame) { return frame->notice != Frame::Notice::none; };
  if (std::any_of(frames.begin(), frames.end(), is_notice)) return;
  for (const FramePtr& frame : frames) {
    for (const rtmp::Buffer& segment : frame->encoded.segments) bytes.push_back(segment);
    size += frame->size();
    enhanced = enhanced || frame->is_enhanced();
    if (frame->is_key() || frame->is_inter()) pictures.set(frame->summary.track_id);
  }
}

}  // namespace relay
