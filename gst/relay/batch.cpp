// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/batch.h"

#include <algorithm>

#include "rtmp/flv.h"

namespace relay {

Batch::Batch(std::span<const FramePtr> given) : frames(given) {
  const auto is_notice = [](const FramePtr& frame) { return frame->notice != Frame::Notice::none; };
  if (std::any_of(frames.begin(), frames.end(), is_notice)) return;
  for (const FramePtr& frame : frames) {
    for (const rtmp::Buffer& segment : frame->encoded.segments) chunks.bytes.push_back(segment);
    chunks.size += frame->size();
    enhanced = enhanced || frame->is_enhanced();
    if (frame->is_key() || frame->is_inter()) pictures.set(frame->summary.track_id);
  }
}

const Batch::Wire& Batch::tags() const {
  if (!tags_.bytes.empty() || chunks.bytes.empty()) return tags_;
  between_.reserve(frames.size() * (rtmp::flv::tag_header_size + rtmp::flv::back_pointer_size));
  const auto add = [this](rtmp::Bytes bytes) {
    tags_.bytes.push_back(bytes);
    tags_.size += bytes.size();
  };
  const auto add_copy = [&](rtmp::Bytes bytes) {
    const std::size_t start = between_.size();
    between_.insert(between_.end(), bytes.begin(), bytes.end());
    add(rtmp::Bytes(between_).subspan(start));
  };
  for (const FramePtr& frame : frames) {
    const rtmp::Buffer& payload = frame->encoded.payload;
    const auto size = static_cast<std::uint32_t>(payload.size());
    const auto time = static_cast<std::uint32_t>(frame->timestamp);
    add_copy(rtmp::flv::write_tag_header({frame->type, false, size, time}));
    add(payload);
    add_copy(rtmp::flv::write_back_pointer(size));
  }
  return tags_;
}

}  // namespace relay
