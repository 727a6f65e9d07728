// What a track's packets say of it, as caps.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>
#include <vector>

#include "elements/demux_metadata.h"
#include "rtmp/color_info.h"
#include "rtmp/media.h"

struct TrackFormat {
  rtmp::media::Codec codec = rtmp::media::Codec::unknown;
  std::optional<rtmp::media::LegacyAudioFlags> flags;
  std::vector<std::uint8_t> config;  // the sequence header's body; empty: none yet
  std::optional<rtmp::media::MultichannelConfig> channels;
  std::optional<rtmp::media::ColorInfo> color;
  TrackHints hints;
};

// Whether frames mean nothing before a sequence header.
bool needs_config(rtmp::media::Codec codec);
// Whether caps tell more when the first frame is known.
bool needs_frame(rtmp::media::Codec codec);
// Whether a sequence header's body describes the codec at all: empty ones and those without a
// parameter set only announce it.
bool is_usable_config(rtmp::media::Codec codec, rtmp::Bytes config);

// The caps of a track, or null if they cannot be known yet or GStreamer has none. `frame`: its
// first, or nothing.
GstCaps* caps_for(const TrackFormat& format, rtmp::Bytes frame);

// Every caps that the pads may have, for their templates.
GstCaps* video_template_caps();
GstCaps* audio_template_caps();
