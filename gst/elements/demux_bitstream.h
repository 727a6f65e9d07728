// The little that a demuxer has to know of codecs' own bytes, where senders leave the rules of FLV.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <vector>

#include "rtmp/media.h"

// A key frame by the picture itself, for senders that leave the frame type out.
bool is_key_frame(rtmp::media::Codec codec, rtmp::Bytes config, rtmp::Bytes frame);

// Some senders leave the ADTS header in front of raw AAC frames.
struct AdtsHeader {
  std::size_t size = 0;
  std::vector<std::uint8_t> config;  // the AudioSpecificConfig that says the same
};
std::optional<AdtsHeader> read_adts(rtmp::Bytes frame);
