// What a stream looks and sounds like, as its sequence headers and its metadata say.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "rtmp/amf.h"
#include "rtmp/media.h"

namespace rtmp::media {

// What is not known is 0 or empty.
struct VideoFormat {
  Codec codec = Codec::unknown;
  std::string profile;         // "High", "Main 10"
  double level = 0;            // 4.1
  unsigned compatibility = 0;  // H.264's constraint flags
  unsigned width = 0, height = 0;
  double frame_rate = 0;

  bool operator==(const VideoFormat&) const = default;
};

struct AudioFormat {
  Codec codec = Codec::unknown;
  std::string profile;  // "LC", "HE"
  unsigned sample_rate = 0, channels = 0;

  bool operator==(const AudioFormat&) const = default;
};

// Of a decoder configuration, the body of a sequence header: AVCC, HVCC and AV1C records,
// AudioSpecificConfig, OpusHead, fLaC. What is of another kind or broken says nothing.
VideoFormat video_format(Codec codec, Bytes configuration);
AudioFormat audio_format(Codec codec, Bytes configuration);
// Of a legacy audio payload, whose first byte says it where there is no configuration.
AudioFormat legacy_audio_format(Codec codec, std::uint8_t first_byte);

// Fills in what is not known from onMetaData.
void add_metadata(VideoFormat& format, const amf::Object& metadata);
void add_metadata(AudioFormat& format, const amf::Object& metadata);

}  // namespace rtmp::media
