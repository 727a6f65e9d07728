// From caps to a codec of FLV: its form, its sequence header, and what metadata says of it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rtmp/color_info.h"
#include "rtmp/media.h"

namespace mux {

enum class Kind { video, audio, data, unknown };

// The values of the property `enhanced`.
enum class Enhanced : gint { automatic, always, never };

struct Form {
  Enhanced enhanced = Enhanced::automatic;
  bool nanoseconds = false;  // only packets with FourCC can carry them
};

struct Format {
  rtmp::media::Codec codec = rtmp::media::Codec::unknown;
  bool enhanced = false;  // FourCC instead of the legacy id
  bool text = false;      // data: plain text instead of AMF
  std::optional<rtmp::media::LegacyAudioFlags> audio_flags;
  std::uint8_t vp6_adjust = 0;
  // The body of SequenceStart, which may be empty. Nothing: the codec has none, or, with
  // `awaits_configuration`, the caps do not tell.
  std::optional<std::vector<std::uint8_t>> configuration;
  bool awaits_configuration = false;
  std::optional<rtmp::media::ColorInfo> color;
  std::vector<std::uint8_t> multichannel;  // the body of MultichannelConfig; empty: none

  // 0: unknown
  int width = 0;
  int height = 0;
  double framerate = 0;
  int rate = 0;
  int channels = 0;

  bool operator==(const Format&) const = default;
};

Kind kind_of(const GstCaps* caps);

// The pad templates' caps; of an unknown kind: all there are.
GstCaps* template_caps(Kind kind, bool multitrack);

// What the caps of the track are in FLV, or in words why they cannot be carried.
std::variant<Format, std::string> read_caps(const GstCaps* caps, Kind kind, guint track_id,
                                            const Form& form);

}  // namespace mux
