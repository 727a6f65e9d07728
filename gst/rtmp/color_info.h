// colorInfo, the HDR description of Enhanced RTMP's video Metadata packets.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "rtmp/amf.h"
#include "rtmp/bytes.h"

namespace rtmp::media {

// E-RTMP v2, "Metadata Frame". What is missing is not known; a ColorInfo without anything resets
// what was said before.
struct ColorInfo {
  // Numbers of H.273.
  struct Config {
    std::optional<std::uint32_t> bit_depth;
    std::optional<std::uint32_t> color_primaries;
    std::optional<std::uint32_t> transfer_characteristics;
    std::optional<std::uint32_t> matrix_coefficients;

    bool empty() const { return *this == Config(); }
    bool operator==(const Config&) const = default;
  };
  // cd/m2
  struct ContentLight {
    double max_fall = 0;
    double max_cll = 0;

    bool operator==(const ContentLight&) const = default;
  };
  // CIE 1931 xy
  struct Chromaticity {
    double x = 0;
    double y = 0;

    bool operator==(const Chromaticity&) const = default;
  };
  struct MasteringDisplay {
    Chromaticity red, green, blue, white_point;
    double max_luminance = 0;  // cd/m2
    double min_luminance = 0;

    bool operator==(const MasteringDisplay&) const = default;
  };

  Config config;
  std::optional<ContentLight> content_light;
  std::optional<MasteringDisplay> mastering_display;

  bool operator==(const ColorInfo&) const = default;
};

// The colorInfo in the body of a Metadata packet: pairs of a name and a value. Nothing where none
// of the names is colorInfo. Parts that are not whole, or no numbers, are as if they were missing.
Result<std::optional<ColorInfo>> read_color_info(Bytes body);

// The body of a Metadata packet, AMF0.
std::vector<std::uint8_t> write_color_info(const ColorInfo& info);

}  // namespace rtmp::media
