// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_color.h"

#include <gst/video/video.h>

namespace mux {
namespace {

using rtmp::media::ColorInfo;

// The units of SMPTE ST 2086 as HEVC has them.
constexpr double coordinate_unit = 50'000;
constexpr double luminance_unit = 10'000;

constexpr guint unspecified = 2;  // H.273

std::optional<std::uint32_t> known(guint value) {
  if (value == unspecified) return {};
  return value;
}

ColorInfo::Config color_config(const GstStructure* caps) {
  ColorInfo::Config config;
  GstVideoColorimetry color = {};
  const char* text = gst_structure_get_string(caps, "colorimetry");
  if (!text || !gst_video_colorimetry_from_string(&color, text)) return config;
  config.color_primaries = known(gst_video_color_primaries_to_iso(color.primaries));
  config.transfer_characteristics = known(gst_video_transfer_function_to_iso(color.transfer));
  config.matrix_coefficients = known(gst_video_color_matrix_to_iso(color.matrix));
  guint depth = 0;
  if (!config.empty() && gst_structure_get_uint(caps, "bit-depth-luma", &depth))
    config.bit_depth = depth;
  return config;
}

template <typename Coordinates>
ColorInfo::Chromaticity chromaticity(const Coordinates& from) {
  return {from.x / coordinate_unit, from.y / coordinate_unit};
}

std::optional<ColorInfo::MasteringDisplay> mastering_display(const GstCaps* caps) {
  GstVideoMasteringDisplayInfo info;
  if (!gst_video_mastering_display_info_from_caps(&info, caps)) return {};
  ColorInfo::MasteringDisplay display;
  display.red = chromaticity(info.display_primaries[0]);
  display.green = chromaticity(info.display_primaries[1]);
  display.blue = chromaticity(info.display_primaries[2]);
  display.white_point = chromaticity(info.white_point);
  display.max_luminance = info.max_display_mastering_luminance / luminance_unit;
  display.min_luminance = info.min_display_mastering_luminance / luminance_unit;
  return display;
}

std::optional<ColorInfo::ContentLight> content_light(const GstCaps* caps) {
  GstVideoContentLightLevel level;
  if (!gst_video_content_light_level_from_caps(&level, caps)) return {};
  ColorInfo::ContentLight light;
  light.max_cll = level.max_content_light_level;
  light.max_fall = level.max_frame_average_light_level;
  return light;
}

}  // namespace

std::optional<ColorInfo> color_info(const GstCaps* caps) {
  ColorInfo info;
  info.config = color_config(gst_caps_get_structure(caps, 0));
  info.mastering_display = mastering_display(caps);
  info.content_light = content_light(caps);
  if (info == ColorInfo()) return {};
  return info;
}

}  // namespace mux
