// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_configuration.h"

#include <gst/audio/audio.h>
#include <gst/pbutils/codec-utils.h>
#include <gst/video/video.h>

#include <algorithm>
#include <iterator>

#include "rtmp/bytes.h"

namespace mux {
namespace {

using rtmp::ByteReader;
using rtmp::Bytes;
using rtmp::ByteWriter;
using rtmp::media::Codec;
using Body = std::vector<std::uint8_t>;

Body contents(GstBuffer* buffer) {
  Body bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

std::optional<Body> codec_data(const GstStructure* caps) {
  const GValue* value = gst_structure_get_value(caps, "codec_data");
  if (!value || !GST_VALUE_HOLDS_BUFFER(value)) return {};
  Body bytes = contents(gst_value_get_buffer(value));
  if (bytes.empty()) return {};
  return bytes;
}

// Some demuxers give what is in it instead.
std::optional<Body> av1c(const GstStructure* caps) {
  constexpr std::uint8_t marker_and_version = 0x81;
  auto record = codec_data(caps);
  if (!record || record->size() < 4 || record->front() != marker_and_version) return {};
  return record;
}

std::vector<Body> stream_headers(const GstStructure* caps) {
  std::vector<Body> headers;
  const GValue* array = gst_structure_get_value(caps, "streamheader");
  if (!array || !GST_VALUE_HOLDS_ARRAY(array)) return headers;
  for (guint i = 0; i < gst_value_array_get_size(array); ++i) {
    const GValue* value = gst_value_array_get_value(array, i);
    if (GST_VALUE_HOLDS_BUFFER(value)) headers.push_back(contents(gst_value_get_buffer(value)));
  }
  return headers;
}

bool begins_with(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::ranges::equal(bytes.first(text.size()), rtmp::as_bytes(text));
}

// The ID header of RFC 7845; the one that came has the pre-skip.
std::optional<Body> opus_head(const GstStructure* structure) {
  for (Body& header : stream_headers(structure))
    if (begins_with(header, "OpusHead")) return std::move(header);
  guint32 rate = 0;
  guint8 channels = 0, family = 0, streams = 0, coupled = 0;
  guint8 mapping[256];
  GstCaps* caps = gst_caps_new_full(gst_structure_copy(structure), nullptr);
  const gboolean parsed =
      gst_codec_utils_opus_parse_caps(caps, &rate, &channels, &family, &streams, &coupled, mapping);
  gst_caps_unref(caps);
  if (!parsed) return {};
  GstBuffer* head = gst_codec_utils_opus_create_header(rate, channels, family, streams, coupled,
                                                       family == 0 ? nullptr : mapping, 0, 0);
  if (!head) return {};
  Body bytes = contents(head);
  gst_buffer_unref(head);
  return bytes;
}

// STREAMINFO, the first metadata block, out of the headers in any cut.
std::optional<Body> flac_header(const GstStructure* caps) {
  constexpr std::size_t stream_info_size = 34;
  Body joined;
  for (const Body& header : stream_headers(caps)) std::ranges::copy(header, back_inserter(joined));
  constexpr std::size_t ogg_header_size = 9;
  ByteReader in(joined);
  if (begins_with(joined,
                  "\x7F"
                  "FLAC"))
    in.skip(ogg_header_size);
  if (in.text(4) != "fLaC") return {};
  const std::uint32_t type = in.u8() & 0x7F;
  const std::uint32_t size = in.u24();
  const Bytes stream_info = in.bytes(stream_info_size);
  if (!in.ok() || type != 0 || size != stream_info_size) return {};
  // The one block is the last.
  return ByteWriter().text("fLaC").u8(0x80).u24(stream_info_size).bytes(stream_info).take();
}

std::uint32_t vpx_chroma(const GstStructure* caps) {
  const char* text = gst_structure_get_string(caps, "chroma-format");
  const std::string_view chroma = text ? text : "4:2:0";
  if (chroma == "4:2:2") return 2;
  if (chroma == "4:4:4") return 3;
  return 1;  // 4:2:0, colocated with luma
}

// VPCodecConfigurationRecord behind the version and flags of its box, as FFmpeg writes and skips
// them. Level 0: not known.
Body vpx_configuration(const GstStructure* caps) {
  const char* profile = gst_structure_get_string(caps, "profile");
  guint depth = 8;
  gst_structure_get_uint(caps, "bit-depth-luma", &depth);
  GstVideoColorimetry color = {};
  const char* colorimetry = gst_structure_get_string(caps, "colorimetry");
  if (!colorimetry || !gst_video_colorimetry_from_string(&color, colorimetry)) color = {};
  const bool full_range = color.range == GST_VIDEO_COLOR_RANGE_0_255;
  ByteWriter out;
  out.u8(1).u24(0);
  out.u8(profile && profile[0] >= '0' && profile[0] <= '3' ? profile[0] - '0' : 0).u8(0);
  out.u8(depth << 4 | vpx_chroma(caps) << 1 | std::uint32_t{full_range});
  out.u8(gst_video_color_primaries_to_iso(color.primaries));
  out.u8(gst_video_transfer_function_to_iso(color.transfer));
  out.u8(gst_video_color_matrix_to_iso(color.matrix));
  return out.u16(0).take();
}

// E-RTMP's AudioChannelMask bit of each of GStreamer's positions.
constexpr int channel_bits[] = {
    0,   // FRONT_LEFT
    1,   // FRONT_RIGHT
    2,   // FRONT_CENTER
    3,   // LFE1
    4,   // REAR_LEFT
    5,   // REAR_RIGHT
    6,   // FRONT_LEFT_OF_CENTER
    7,   // FRONT_RIGHT_OF_CENTER
    8,   // REAR_CENTER
    18,  // LFE2
    9,   // SIDE_LEFT
    10,  // SIDE_RIGHT
    12,  // TOP_FRONT_LEFT
    14,  // TOP_FRONT_RIGHT
    13,  // TOP_FRONT_CENTER
    11,  // TOP_CENTER
    15,  // TOP_REAR_LEFT
    17,  // TOP_REAR_RIGHT
    19,  // TOP_SIDE_LEFT
    20,  // TOP_SIDE_RIGHT
    16,  // TOP_REAR_CENTER
    21,  // BOTTOM_FRONT_CENTER
    22,  // BOTTOM_FRONT_LEFT
    23,  // BOTTOM_FRONT_RIGHT
};

// Nothing if a position has no bit.
std::uint32_t channel_mask(guint64 positions) {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < 64; ++i) {
    if (!(positions >> i & 1)) continue;
    if (i >= std::size(channel_bits)) return 0;
    mask |= std::uint32_t{1} << channel_bits[i];
  }
  return mask;
}

}  // namespace

bool needs_configuration(Codec codec) {
  switch (codec) {
    case Codec::h264:
    case Codec::h265:
    case Codec::h266:
    case Codec::av1:
    case Codec::aac:
    case Codec::opus:
    case Codec::flac:
      return true;
    default:
      return false;
  }
}

std::optional<Body> configuration(Codec codec, const GstStructure* caps) {
  switch (codec) {
    case Codec::h264:
    case Codec::h265:
    case Codec::h266:
    case Codec::aac:
    case Codec::vp6:
    case Codec::vp6_alpha:
      return codec_data(caps);
    case Codec::av1:
      return av1c(caps);
    case Codec::vp8:
    case Codec::vp9:
      return vpx_configuration(caps);
    case Codec::opus:
      return opus_head(caps);
    case Codec::flac:
      return flac_header(caps);
    // Nothing is defined for them, but others write, and some wait for, an empty one.
    case Codec::ac3:
    case Codec::eac3:
    case Codec::mp3:
      return Body();
    default:
      return {};
  }
}

Body multichannel_config(int channels, const GstStructure* caps) {
  using Order = rtmp::media::MultichannelConfig::Order;
  guint64 positions = 0;
  if (!gst_structure_get(caps, "channel-mask", GST_TYPE_BITMASK, &positions, nullptr))
    positions = gst_audio_channel_get_fallback_mask(channels);
  const std::uint32_t mask = channel_mask(positions);
  const Order order = mask == 0 ? Order::unspecified : Order::native;
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(order)).u8(static_cast<std::uint32_t>(channels));
  if (order == Order::native) out.u32(mask);
  return out.take();
}

}  // namespace mux
