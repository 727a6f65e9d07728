// onMetaData: what a muxer says of its tracks and of the file.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "elements/mux_caps.h"
#include "rtmp/amf.h"

namespace mux {

struct TrackDescription {
  Kind kind;
  guint id;
  const Format* format;  // nothing: it is known that the track will come, no more
  guint bitrate;  // bits/s, 0: unknown
};

struct Labels {
  std::string title;
  std::string artist;
  std::string encoder;
  std::string metadatacreator;
};

struct KeyFrame {
  double seconds;
  std::uint64_t position;
};

// A file that can be written to again when its end is known.
struct FileDescription {
  double seconds = 0;
  std::uint64_t size = 0;
  std::vector<KeyFrame> index;
};

// Streams have no `file`.
rtmp::amf::Object describe(const std::vector<TrackDescription>& tracks, const Labels& labels,
                           const FileDescription* file = nullptr);
// Without the bit rates, which encoders correct all the time.
rtmp::amf::Object without_rates(rtmp::amf::Object metadata);

// The body of the script tag.
std::vector<std::uint8_t> write_metadata(const rtmp::amf::Object& metadata);
// The same, filled up to `size` bytes; nothing if it is too large for them.
std::vector<std::uint8_t> write_metadata(rtmp::amf::Object metadata, std::size_t size);

}  // namespace mux
