// Frames that a worker's players are given together, made ready once for all of them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "relay/frame.h"
#include "rtmp/tracks.h"

namespace relay {

// Lives no longer than the frames.
class Batch {
 public:
  // The frames as they go over a wire, for players that take all of them as they are. Nothing where
  // a notice is among them.
  struct Wire {
    boost::container::small_vector<rtmp::Bytes, 8> bytes;
    std::size_t size = 0;  // of `bytes`
  };

  explicit Batch(std::span<const FramePtr> frames);
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  std::span<const FramePtr> frames;  // and notices
  Wire chunks;                       // of RTMP
  // Tags of FLV, made when somebody asks for the first time.
  const Wire& tags() const;
  bool enhanced = false;    // some frame is Enhanced RTMP
  rtmp::TrackSet pictures;  // tracks with key or inter frames

 private:
  mutable Wire tags_;
  mutable std::vector<std::uint8_t> between_;  // the payloads of tags_
};

}  // namespace relay
