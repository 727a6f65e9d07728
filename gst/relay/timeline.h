// One rising time line over publishers that follow each other without an end in between.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <limits>

#include "rtmp/clock.h"
#include "rtmp/media.h"
#include "rtmp/tracks.h"

namespace relay {

// What players see of a new publisher begins behind the last frame of the one before, as much later
// as nothing came, with a key frame of each track.
class Timeline {
 public:
  // Another publisher goes on with what there is.
  void begin_publisher();
  // Moves the message to its place on the line. False if it has none: it is of no use to players.
  bool place(rtmp::Message& message, const rtmp::media::Summary& summary, rtmp::Time now);

 private:
  void join(std::int64_t first, rtmp::Time now);
  std::int64_t place_of(const rtmp::Message& message) const;

  bool begun_ = false;      // there was a frame
  std::int64_t last_ = 0;   // how far the line has got, ms
  rtmp::Time last_at_;      // and when
  bool continued_ = false;  // the publisher is not the line's first
  bool joining_ = false;    // its first frame is still to come
  std::int64_t offset_ = 0;
  std::int64_t floor_ = std::numeric_limits<std::int64_t>::min();
  rtmp::TrackSet waiting_for_key_;
};

}  // namespace relay
