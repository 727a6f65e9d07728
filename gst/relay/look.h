// What is known of how a stream looks and sounds.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "relay/frame.h"
#include "relay/stats.h"

namespace relay {

// Of its first tracks.
struct Look {
  FramePtr metadata, video_header, audio_header;  // null: none
  rtmp::media::Codec video = rtmp::media::Codec::unknown, audio = video;
  std::uint8_t audio_start = 0;  // the first byte of a sound
};

void describe(StreamStats& stats, const Look& look);

}  // namespace relay
