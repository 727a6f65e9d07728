// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_caps.h"

#include <gst/pbutils/pbutils.h>
#include <gst/video/video.h>

#include <cmath>

#include "elements/demux_audio_caps.h"

namespace {

using rtmp::Bytes;
using rtmp::media::Codec;
using rtmp::media::ColorInfo;

constexpr char video_caps[] =
    "video/x-h264, stream-format=(string){ avc, byte-stream }, alignment=(string)au; "
    "video/x-h265, stream-format=(string)hvc1, alignment=(string)au; "
    "video/x-h266, stream-format=(string)vvc1, alignment=(string)au; "
    "video/x-av1, stream-format=(string)obu-stream, alignment=(string)tu; "
    "video/x-vp8; video/x-vp9; video/x-flash-video, flvversion=(int)1; video/x-flash-screen; "
    "video/x-flash-screen2; video/x-vp6-flash; video/x-vp6-alpha; video/x-h263; "
    "video/mpeg, mpegversion=(int)4, systemstream=(boolean)false";

constexpr char audio_caps[] =
    "audio/mpeg, mpegversion=(int)4, stream-format=(string)raw, framed=(boolean)true; "
    "audio/mpeg, mpegversion=(int)1, layer=(int)[1, 3], parsed=(boolean)true; "
    "audio/x-opus; audio/x-flac, framed=(boolean)true; audio/x-ac3, framed=(boolean)true; "
    "audio/x-eac3, framed=(boolean)true; audio/x-speex; audio/x-nellymoser; audio/x-alaw; "
    "audio/x-mulaw; audio/x-adpcm, layout=(string)swf; "
    "audio/x-raw, format=(string){ U8, S16LE }, layout=(string)interleaved";

bool starts_with_start_code(Bytes frame) {
  return frame.size() > 4 && frame[0] == 0 && frame[1] == 0 && frame[2] == 0 && frame[3] == 1;
}

void set_codec_data(GstCaps* caps, Bytes config) {
  GstBuffer* buffer = gst_buffer_new_memdup(config.data(), config.size());
  gst_caps_set_simple(caps, "codec_data", GST_TYPE_BUFFER, buffer, nullptr);
  gst_buffer_unref(buffer);
}

// --- colours ---

void set_colorimetry(GstCaps* caps, const ColorInfo::Config& config) {
  constexpr guint unspecified = 2;  // H.273
  GstVideoColorimetry colorimetry = {
      GST_VIDEO_COLOR_RANGE_16_235,
      gst_video_color_matrix_from_iso(config.matrix_coefficients.value_or(unspecified)),
      gst_video_transfer_function_from_iso(config.transfer_characteristics.value_or(unspecified)),
      gst_video_color_primaries_from_iso(config.color_primaries.value_or(unspecified))};
  if (colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_UNKNOWN &&
      colorimetry.transfer == GST_VIDEO_TRANSFER_UNKNOWN &&
      colorimetry.primaries == GST_VIDEO_COLOR_PRIMARIES_UNKNOWN)
    return;
  gchar* text = gst_video_colorimetry_to_string(&colorimetry);
  if (text) gst_caps_set_simple(caps, "colorimetry", G_TYPE_STRING, text, nullptr);
  g_free(text);
}

void set_mastering_display(GstCaps* caps, const ColorInfo::MasteringDisplay& display) {
  // The units of SMPTE ST 2086 as HEVC has them.
  const auto coordinate = [](double value) {
    return static_cast<guint16>(std::lround(value * 50'000));
  };
  const auto luminance = [](double value) {
    return static_cast<guint32>(std::llround(std::min(value, 100'000.0) * 10'000));
  };
  GstVideoMasteringDisplayInfo info;
  gst_video_mastering_display_info_init(&info);
  const ColorInfo::Chromaticity primaries[] = {display.red, display.green, display.blue};
  for (int i = 0; i < 3; ++i) {
    info.display_primaries[i].x = coordinate(primaries[i].x);
    info.display_primaries[i].y = coordinate(primaries[i].y);
  }
  info.white_point.x = coordinate(display.white_point.x);
  info.white_point.y = coordinate(display.white_point.y);
  info.max_display_mastering_luminance = luminance(display.max_luminance);
  info.min_display_mastering_luminance = luminance(display.min_luminance);
  gst_video_mastering_display_info_add_to_caps(&info, caps);
}

void set_content_light(GstCaps* caps, const ColorInfo::ContentLight& light) {
  const auto level = [](double value) {
    return static_cast<guint16>(std::lround(std::min<double>(value, G_MAXUINT16)));
  };
  GstVideoContentLightLevel info;
  gst_video_content_light_level_init(&info);
  info.max_content_light_level = level(light.max_cll);
  info.max_frame_average_light_level = level(light.max_fall);
  gst_video_content_light_level_add_to_caps(&info, caps);
}

void set_color(GstCaps* caps, const ColorInfo& color) {
  set_colorimetry(caps, color.config);
  if (color.mastering_display) set_mastering_display(caps, *color.mastering_display);
  if (color.content_light) set_content_light(caps, *color.content_light);
}

// --- video ---

GstCaps* h264_caps(Bytes config) {
  GstCaps* caps = gst_caps_new_simple("video/x-h264", "stream-format", G_TYPE_STRING,
                                      config.empty() ? "byte-stream" : "avc", "alignment",
                                      G_TYPE_STRING, "au", nullptr);
  if (config.empty()) return caps;
  set_codec_data(caps, config);
  // Profile, compatibility and level, as at the front of a sequence parameter set.
  gst_codec_utils_h264_caps_set_level_and_profile(caps, config.data() + 1, 3);
  return caps;
}

GstCaps* h265_caps(Bytes config) {
  GstCaps* caps = gst_caps_new_simple("video/x-h265", "stream-format", G_TYPE_STRING, "hvc1",
                                      "alignment", G_TYPE_STRING, "au", nullptr);
  set_codec_data(caps, config);
  constexpr guint profile_tier_level = 12;
  gst_codec_utils_h265_caps_set_level_tier_and_profile(caps, config.data() + 1, profile_tier_level);
  return caps;
}

GstCaps* h266_caps(Bytes config) {
  GstCaps* caps = gst_caps_new_simple("video/x-h266", "stream-format", G_TYPE_STRING, "vvc1",
                                      "alignment", G_TYPE_STRING, "au", nullptr);
  set_codec_data(caps, config);
  return caps;
}

GstCaps* av1_caps(Bytes config) {
  GstCaps* caps = gst_caps_new_simple("video/x-av1", "stream-format", G_TYPE_STRING, "obu-stream",
                                      "alignment", G_TYPE_STRING, "tu", nullptr);
  // The record may come in MPEG-2 TS's video descriptor: tag, length, then the same four bytes.
  constexpr std::uint8_t descriptor_tag = 0x80;
  constexpr std::size_t descriptor_size = 6;
  if (config.size() == descriptor_size && config[0] == descriptor_tag) config = config.subspan(2);
  if (!config.empty()) set_codec_data(caps, config);
  return caps;
}

GstCaps* vp9_caps(Bytes config) {
  GstCaps* caps =
      gst_caps_new_simple("video/x-vp9", "alignment", G_TYPE_STRING, "super-frame", nullptr);
  // Some writers put the version and flags of an MP4 box before the record.
  constexpr std::size_t box_header_size = 4;
  if (config.size() >= 12 && config[0] == 1 && config[1] == 0 && config[2] == 0 && config[3] == 0)
    config = config.subspan(box_header_size);
  constexpr std::size_t record_size = 8;
  if (config.size() < record_size || config[0] > 3) return caps;
  static constexpr const char* chroma_formats[] = {"4:2:0", "4:2:0", "4:2:2", "4:4:4"};
  const int bit_depth = config[2] >> 4;
  const int chroma = config[2] >> 1 & 7;
  const std::string profile = std::to_string(config[0]);
  gst_caps_set_simple(caps, "profile", G_TYPE_STRING, profile.c_str(), nullptr);
  if (bit_depth == 8 || bit_depth == 10 || bit_depth == 12)
    gst_caps_set_simple(caps, "bit-depth-luma", G_TYPE_UINT, bit_depth, "bit-depth-chroma",
                        G_TYPE_UINT, bit_depth, nullptr);
  if (chroma <= 3)
    gst_caps_set_simple(caps, "chroma-format", G_TYPE_STRING, chroma_formats[chroma], nullptr);
  return caps;
}

// Of codecs for which there is no parser that would find out.
GstCaps* with_size(GstCaps* caps, const TrackHints& hints) {
  if (hints.width && hints.height)
    gst_caps_set_simple(caps, "width", G_TYPE_INT, *hints.width, "height", G_TYPE_INT,
                        *hints.height, nullptr);
  constexpr double max_framerate = 1000;
  if (hints.framerate && *hints.framerate <= max_framerate) {
    gint numerator = 0, denominator = 1;
    gst_util_double_to_fraction(*hints.framerate, &numerator, &denominator);
    gst_caps_set_simple(caps, "framerate", GST_TYPE_FRACTION, numerator, denominator, nullptr);
  }
  return caps;
}

GstCaps* video_caps_for(const TrackFormat& format, Bytes frame) {
  switch (format.codec) {
    case Codec::h264:
      if (format.config.empty() && !starts_with_start_code(frame)) return nullptr;
      return h264_caps(format.config);
    case Codec::h265:
      return format.config.empty() ? nullptr : h265_caps(format.config);
    case Codec::h266:
      return format.config.empty() ? nullptr : h266_caps(format.config);
    case Codec::av1:
      return av1_caps(format.config);
    case Codec::vp9:
      return vp9_caps(format.config);
    case Codec::vp8:
      return with_size(gst_caps_new_empty_simple("video/x-vp8"), format.hints);
    case Codec::sorenson_h263:
      return with_size(
          gst_caps_new_simple("video/x-flash-video", "flvversion", G_TYPE_INT, 1, nullptr),
          format.hints);
    case Codec::screen_video:
      return with_size(gst_caps_new_empty_simple("video/x-flash-screen"), format.hints);
    case Codec::screen_video_2:
      return with_size(gst_caps_new_empty_simple("video/x-flash-screen2"), format.hints);
    case Codec::vp6:
      return with_size(gst_caps_new_empty_simple("video/x-vp6-flash"), format.hints);
    case Codec::vp6_alpha:
      return with_size(gst_caps_new_empty_simple("video/x-vp6-alpha"), format.hints);
    case Codec::h263:
      return with_size(gst_caps_new_empty_simple("video/x-h263"), format.hints);
    case Codec::mpeg4:
      return gst_caps_new_simple("video/mpeg", "mpegversion", G_TYPE_INT, 4, "systemstream",
                                 G_TYPE_BOOLEAN, FALSE, nullptr);
    default:
      return nullptr;
  }
}

}  // namespace

bool needs_config(Codec codec) {
  return codec == Codec::h264 || codec == Codec::h265 || codec == Codec::h266 ||
         codec == Codec::aac;
}

bool needs_frame(Codec codec) {
  return codec == Codec::mp3 || codec == Codec::mp3_8k || codec == Codec::ac3 ||
         codec == Codec::eac3;
}

bool is_usable_config(Codec codec, Bytes config) {
  switch (codec) {
    case Codec::h264: {
      // Some encoders send a record without a sequence parameter set first.
      constexpr std::size_t set_count = 5;
      return config.size() > 6 && (config[set_count] & 0x1F) > 0;
    }
    case Codec::h265: {
      constexpr std::size_t set_array_count = 22;
      return config.size() > 23 && config[set_array_count] > 0;
    }
    case Codec::aac:
      return config.size() >= 2;
    default:
      return !config.empty();
  }
}

GstCaps* caps_for(const TrackFormat& format, Bytes frame) {
  GstCaps* caps = video_caps_for(format, frame);
  if (!caps) return audio_caps_for(format, frame);
  if (format.color) set_color(caps, *format.color);
  return caps;
}

GstCaps* video_template_caps() { return gst_caps_from_string(video_caps); }
GstCaps* audio_template_caps() { return gst_caps_from_string(audio_caps); }
