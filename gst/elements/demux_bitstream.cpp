// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_bitstream.h"

namespace {

using rtmp::ByteReader;
using rtmp::Bytes;
using rtmp::media::Codec;

// How many bytes a NAL unit's length has, by the configuration record.
std::size_t length_size(Codec codec, Bytes config) {
  const std::size_t at = codec == Codec::h264 ? 4 : 21;
  return config.size() > at ? (config[at] & 3u) + 1 : 4;
}

template <typename IsKey>
bool any_nal_unit(Bytes frame, std::size_t length_bytes, IsKey is_key) {
  ByteReader in(frame);
  while (in.remaining() > length_bytes) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) size = size << 8 | in.u8();
    if (is_key(in.peek())) return true;
    in.skip(size);
  }
  return false;
}

bool is_idr(std::uint8_t nal_header) { return (nal_header & 0x1F) == 5; }

// H.265 table 7-1: 16 to 23 are random access points.
bool is_irap(std::uint8_t nal_header) {
  const int type = nal_header >> 1 & 0x3F;
  return type >= 16 && type <= 23;
}

// AV1 §5.3.1: a sequence header stands before every key frame of a sequence.
bool has_av1_sequence_header(Bytes frame) {
  constexpr int sequence_header = 1;
  ByteReader in(frame);
  while (in.ok() && !in.at_end()) {
    const std::uint8_t header = in.u8();
    if ((header >> 3 & 0xF) == sequence_header) return true;
    if (header & 4) in.skip(1);
    if (!(header & 2)) return false;  // without a size it is the last
    std::size_t size = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const std::uint8_t part = in.u8();
      size |= static_cast<std::size_t>(part & 0x7F) << shift;
      if (!(part & 0x80)) break;
    }
    in.skip(size);
  }
  return false;
}

bool is_vp9_key_frame(std::uint8_t first) {
  const bool is_profile_3 = (first >> 4 & 3) == 3;
  const int shift = is_profile_3 ? 0 : 1;  // profile 3 has a reserved bit more
  const bool shows_existing = first >> (shift + 2) & 1;
  const bool is_inter = first >> (shift + 1) & 1;
  return first >> 6 == 2 && !shows_existing && !is_inter;
}

}  // namespace

bool is_key_frame(Codec codec, Bytes config, Bytes frame) {
  if (frame.empty()) return false;
  switch (codec) {
    case Codec::h264:
      return any_nal_unit(frame, length_size(codec, config), is_idr);
    case Codec::h265:
      return any_nal_unit(frame, length_size(codec, config), is_irap);
    case Codec::av1:
      return has_av1_sequence_header(frame);
    case Codec::vp8:
      return (frame[0] & 1) == 0;
    case Codec::vp9:
      return is_vp9_key_frame(frame[0]);
    default:
      return true;
  }
}

// ISO 14496-3 §1.A.2.2.1
std::optional<AdtsHeader> read_adts(Bytes frame) {
  constexpr std::size_t plain_size = 7, checked_size = 9;
  if (frame.size() <= checked_size || frame[0] != 0xFF || (frame[1] & 0xF6) != 0xF0)
    return std::nullopt;
  const std::size_t length = (frame[3] & 3u) << 11 | frame[4] << 3 | frame[5] >> 5;
  if (length != frame.size()) return std::nullopt;
  const unsigned object_type = (frame[2] >> 6) + 1u;
  const unsigned frequency = frame[2] >> 2 & 0xFu;
  const unsigned channels = (frame[2] & 1u) << 2 | frame[3] >> 6;
  const unsigned config = object_type << 11 | frequency << 7 | channels << 3;
  const bool is_checked = (frame[1] & 1) == 0;
  return AdtsHeader{
      is_checked ? checked_size : plain_size,
      {static_cast<std::uint8_t>(config >> 8), static_cast<std::uint8_t>(config & 0xFF)}};
}
