// Frames that a worker's players are given together, made ready once for all of them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "relay/frame.h"
#include "rtmp/tracks.h"

namespace relay {

// Lives no longer than the frames.
struct Batch {
  explicit Batch(std::span<const FramePtr> frames);

  std::span<const FramePtr> frames;  // and notices
  // The frames as they go over the wire, for players that take all of them as they are. Nothing
  // where a notice is among them.
  std::vector<rtmp::Bytes> bytes;
  std::size_t size = 0;     // of `bytes`
  bool enhanced = false;    // some frame is Enhanced RTMP
  rtmp::TrackSet pictures;  // tracks with key or inter frames
};

}  // namespace relay
