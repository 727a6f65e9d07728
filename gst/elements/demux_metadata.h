// What onMetaData says, as far as a demuxer has a use for it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rtmp/amf.h"

// Of one track: advisory, what a decoder is told comes from the stream itself.
struct TrackHints {
  std::optional<int> width, height;
  std::optional<double> framerate;
  std::optional<int> rate, channels;
  std::optional<guint> bitrate;  // bits per second
  std::string language;

  bool operator==(const TrackHints&) const = default;
};

struct Metadata {
  struct KeyFrame {
    GstClockTime time = 0;
    guint64 position = 0;  // of its tag in the file
  };

  std::optional<GstClockTime> duration;
  // Those that are announced, by track id.
  std::map<std::uint8_t, TrackHints> video, audio;
  std::vector<KeyFrame> key_frames;
  std::string title, artist, comment, encoder, date;
};

Metadata read_metadata(const rtmp::amf::Object& object);

// Tags of the whole stream, or null.
GstTagList* to_tags(const Metadata& metadata);
