// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/media_format.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace rtmp::media {
namespace {

// Bits from the most significant one on. Behind the end come zeros, and ok() is false for good.
class BitReader {
 public:
  explicit BitReader(Bytes bytes) : bytes_(bytes) {}

  std::uint32_t bits(unsigned count) {
    std::uint32_t value = 0;
    for (; count > 0; --count) value = value << 1 | bit();
    return value;
  }
  bool flag() { return bits(1) != 0; }
  void skip(std::size_t count) { position_ += count; }
  // Exp-Golomb: H.264 §9.1.
  std::uint32_t ue() {
    unsigned zeros = 0;
    while (ok() && !flag()) ++zeros;
    if (zeros > 31) position_ = bytes_.size() * 8 + 1;
    return ok() ? (std::uint32_t{1} << zeros) - 1 + bits(zeros) : 0;
  }
  std::int32_t se() {
    const std::uint32_t code = ue();
    const auto half = static_cast<std::int32_t>(code / 2);
    return code % 2 ? half + 1 : -half;
  }
  bool ok() const { return position_ <= bytes_.size() * 8; }

 private:
  std::uint32_t bit() {
    const std::size_t at = position_++;
    return at / 8 < bytes_.size() ? bytes_[at / 8] >> (7 - at % 8) & 1u : 0u;
  }

  Bytes bytes_;
  std::size_t position_ = 0;
};

// H.264 §7.4.1: a 3 behind two zeros is not part of what is said.
std::vector<std::uint8_t> without_emulation_prevention(Bytes nal_unit) {
  std::vector<std::uint8_t> bytes;
  unsigned zeros = 0;
  for (const std::uint8_t byte : nal_unit) {
    const bool prevents = zeros >= 2 && byte == 3;
    zeros = byte == 0 ? zeros + 1 : 0;
    if (!prevents) bytes.push_back(byte);
  }
  return bytes;
}

struct Size {
  unsigned width = 0, height = 0;
};

// A picture without the borders that are cut off; nothing, if that is no picture.
Size cropped(std::uint64_t width, std::uint64_t height, std::uint64_t columns, std::uint64_t rows) {
  constexpr std::uint64_t largest = 65'536;
  if (width > largest || height > largest || columns >= width || rows >= height) return {};
  return {static_cast<unsigned>(width - columns), static_cast<unsigned>(height - rows)};
}

// --- H.264
// ----------------------------------------------------------------------------------------

bool has_chroma_format(unsigned profile) {
  constexpr std::array profiles = {100u, 110u, 122u, 244u, 44u,  83u, 86u,
                                   118u, 128u, 138u, 139u, 134u, 135u};
  return std::ranges::find(profiles, profile) != profiles.end();
}

// §7.3.2.1.1.1
void skip_scaling_list(BitReader& in, unsigned size) {
  std::int32_t last = 8, next = 8;
  for (unsigned i = 0; i < size && in.ok(); ++i) {
    if (next != 0) next = (last + in.se() % 256 + 256) % 256;
    if (next != 0) last = next;
  }
}

// The chroma_format_idc, with what stands between it and the frame numbers.
unsigned read_chroma(BitReader& in) {
  const unsigned chroma = in.ue();
  if (chroma == 3) in.skip(1);
  in.ue();
  in.ue();
  in.skip(1);
  if (!in.flag()) return chroma;
  const unsigned lists = chroma == 3 ? 12 : 8;
  for (unsigned i = 0; i < lists; ++i)
    if (in.flag()) skip_scaling_list(in, i < 6 ? 16 : 64);
  return chroma;
}

void skip_picture_order(BitReader& in) {
  const unsigned type = in.ue();
  if (type == 0) in.ue();
  if (type != 1) return;
  in.skip(1);
  in.se();
  in.se();
  const std::uint32_t count = in.ue();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) in.se();
}

// §7.3.2.1.1, up to the frame's cropping.
Size size_of_avc(Bytes nal_unit) {
  const auto bytes = without_emulation_prevention(nal_unit);
  BitReader in(bytes);
  in.skip(8);
  const unsigned profile = in.bits(8);
  in.skip(16);
  in.ue();
  const unsigned chroma = has_chroma_format(profile) ? read_chroma(in) : 1;
  in.ue();
  skip_picture_order(in);
  in.ue();
  in.skip(1);
  const std::uint64_t columns = std::uint64_t{in.ue()} + 1;
  const std::uint64_t rows = std::uint64_t{in.ue()} + 1;
  const unsigned fields = in.flag() ? 1 : 2;
  if (fields == 2) in.skip(1);
  in.skip(1);
  std::uint64_t left = 0, right = 0, top = 0, bottom = 0;
  if (in.flag()) left = in.ue(), right = in.ue(), top = in.ue(), bottom = in.ue();
  if (!in.ok()) return {};
  const unsigned unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
  const unsigned unit_y = (chroma == 1 ? 2 : 1) * fields;
  return cropped(columns * 16, rows * 16 * fields, (left + right) * unit_x,
                 (top + bottom) * unit_y);
}

const char* avc_profile(unsigned profile) {
  switch (profile) {
    case 66:
      return "Baseline";
    case 77:
      return "Main";
    case 88:
      return "Extended";
    case 100:
      return "High";
    case 110:
      return "High 10";
    case 122:
      return "High 4:2:2";
    case 244:
      return "High 4:4:4";
    default:
      return "";
  }
}

// ISO/IEC 14496-15 §5.3.3.1
void read_avc(VideoFormat& format, Bytes configuration) {
  ByteReader in(configuration);
  in.skip(1);
  const unsigned profile = in.u8(), compatibility = in.u8(), level = in.u8();
  if (!in.ok()) return;
  format.profile = avc_profile(profile);
  format.compatibility = compatibility;
  format.level = level / 10.0;
  in.skip(1);
  if ((in.u8() & 0x1F) == 0) return;
  const Size size = size_of_avc(in.bytes(in.u16()));
  format.width = size.width;
  format.height = size.height;
}

// --- H.265
// ----------------------------------------------------------------------------------------

// §7.3.3, behind the general part.
void skip_sub_layers(BitReader& in, unsigned count) {
  std::array<bool, 8> profile = {}, level = {};
  for (unsigned i = 0; i < count; ++i) {
    profile[i] = in.flag();
    level[i] = in.flag();
  }
  if (count > 0) in.skip(std::size_t{8 - count} * 2);
  for (unsigned i = 0; i < count; ++i) in.skip((profile[i] ? 88 : 0) + (level[i] ? 8 : 0));
}

// §7.3.2.2.1, up to the conformance window.
Size size_of_hevc(Bytes nal_unit) {
  const auto bytes = without_emulation_prevention(nal_unit);
  BitReader in(bytes);
  in.skip(16 + 4);
  const unsigned sub_layers = in.bits(3);
  in.skip(1 + 96);
  skip_sub_layers(in, sub_layers);
  in.ue();
  const unsigned chroma = in.ue();
  if (chroma == 3) in.skip(1);
  const std::uint64_t width = in.ue(), height = in.ue();
  std::uint64_t left = 0, right = 0, top = 0, bottom = 0;
  if (in.flag()) left = in.ue(), right = in.ue(), top = in.ue(), bottom = in.ue();
  if (!in.ok()) return {};
  const unsigned unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
  const unsigned unit_y = chroma == 1 ? 2 : 1;
  return cropped(width, height, (left + right) * unit_x, (top + bottom) * unit_y);
}

const char* hevc_profile(unsigned profile) {
  constexpr std::array names = {"", "Main", "Main 10", "Main Still Picture", "Rext"};
  return profile < names.size() ? names[profile] : "";
}

// ISO/IEC 14496-15 §8.3.3.1
void read_hevc(VideoFormat& format, Bytes configuration) {
  constexpr unsigned sequence_parameter_set = 33;
  ByteReader in(configuration);
  in.skip(1);
  const unsigned profile = in.u8() & 0x1F;
  in.skip(10);
  const unsigned level = in.u8();
  if (!in.ok()) return;
  format.profile = hevc_profile(profile);
  format.level = level / 30.0;
  in.skip(9);
  for (unsigned arrays = in.u8(); arrays > 0 && in.ok(); --arrays) {
    const unsigned type = in.u8() & 0x3F;
    for (unsigned units = in.u16(); units > 0 && in.ok(); --units) {
      const Bytes unit = in.bytes(in.u16());
      if (type != sequence_parameter_set || format.width > 0) continue;
      const Size size = size_of_hevc(unit);
      format.width = size.width;
      format.height = size.height;
    }
  }
}

// --- AV1
// ------------------------------------------------------------------------------------------

// AV1 in ISOBMFF §2.3.3; levels as in AV1 §A.3.
void read_av1(VideoFormat& format, Bytes configuration) {
  constexpr std::array profiles = {"Main", "High", "Professional"};
  constexpr unsigned no_level = 31;
  if (configuration.size() < 4) return;
  const unsigned profile = configuration[1] >> 5, level = configuration[1] & 0x1F;
  if (profile < profiles.size()) format.profile = profiles[profile];
  if (level != no_level) format.level = 2 + level / 4 + (level % 4) / 10.0;
}

// --- audio
// ----------------------------------------------------------------------------------------

unsigned read_sample_rate(BitReader& in) {
  constexpr std::array rates = {96'000u, 88'200u, 64'000u, 48'000u, 44'100u, 32'000u, 24'000u,
                                22'050u, 16'000u, 12'000u, 11'025u, 8'000u,  7'350u};
  constexpr unsigned written_out = 15;
  const unsigned index = in.bits(4);
  if (index == written_out) return in.bits(24);
  return index < rates.size() ? rates[index] : 0;
}

unsigned read_object_type(BitReader& in) {
  const unsigned type = in.bits(5);
  return type == 31 ? 32 + in.bits(6) : type;
}

const char* aac_profile(unsigned object_type) {
  switch (object_type) {
    case 1:
      return "Main";
    case 2:
      return "LC";
    case 3:
      return "SSR";
    case 4:
      return "LTP";
    case 5:
      return "HE";
    case 23:
      return "LD";
    case 29:
      return "HEv2";
    case 39:
      return "ELD";
    default:
      return "";
  }
}

// ISO/IEC 14496-3 §1.6.2.1
void read_aac(AudioFormat& format, Bytes configuration) {
  constexpr unsigned spectral_band_replication = 5, parametric_stereo = 29;
  constexpr std::array channels = {0u, 1u, 2u, 3u, 4u, 5u, 6u, 8u};
  BitReader in(configuration);
  const unsigned type = read_object_type(in);
  unsigned rate = read_sample_rate(in);
  const unsigned layout = in.bits(4);
  if (type == spectral_band_replication || type == parametric_stereo) rate = read_sample_rate(in);
  if (!in.ok()) return;
  format.profile = aac_profile(type);
  format.sample_rate = rate;
  if (layout < channels.size()) format.channels = channels[layout];
  if (type == parametric_stereo) format.channels = 2;
}

// RFC 7845 §5.1
void read_opus(AudioFormat& format, Bytes configuration) {
  format.sample_rate = 48'000;
  if (as_text(configuration).starts_with("OpusHead") && configuration.size() > 9)
    format.channels = configuration[9];
}

// RFC 9639 §8.2; writers leave out the marker and the block's header.
void read_flac(AudioFormat& format, Bytes configuration) {
  ByteReader in(configuration);
  if (as_text(configuration).starts_with("fLaC")) in.skip(4 + 4);
  in.skip(10);
  const std::uint32_t rate_and_channels = in.u32();
  if (!in.ok()) return;
  format.sample_rate = rate_and_channels >> 12;
  format.channels = (rate_and_channels >> 9 & 7) + 1;
}

// --- metadata
// -------------------------------------------------------------------------------------

// Many writers put 0 where they know nothing.
double positive(const amf::Object& metadata, std::string_view name) {
  constexpr double max_plausible = 1e6;
  const amf::Value* value = metadata.find(name);
  const double number = value ? value->number().value_or(0) : 0;
  return std::isfinite(number) && number > 0 && number <= max_plausible ? number : 0;
}

void fill(unsigned& known, double said) {
  if (known == 0) known = static_cast<unsigned>(said);
}

}  // namespace

VideoFormat video_format(Codec codec, Bytes configuration) {
  VideoFormat format;
  format.codec = codec;
  if (codec == Codec::h264) read_avc(format, configuration);
  if (codec == Codec::h265) read_hevc(format, configuration);
  if (codec == Codec::av1) read_av1(format, configuration);
  return format;
}

AudioFormat audio_format(Codec codec, Bytes configuration) {
  AudioFormat format;
  format.codec = codec;
  if (codec == Codec::aac) read_aac(format, configuration);
  if (codec == Codec::opus) read_opus(format, configuration);
  if (codec == Codec::flac) read_flac(format, configuration);
  return format;
}

AudioFormat legacy_audio_format(Codec codec, std::uint8_t first_byte) {
  constexpr std::array rates = {5'512u, 11'025u, 22'050u, 44'100u};
  AudioFormat format;
  format.codec = codec;
  format.sample_rate = rates[first_byte >> 2 & 3];
  format.channels = first_byte & 1u ? 2 : 1;
  // FLV 10.1 E.4.2.1: these have a rate of their own.
  if (codec == Codec::nellymoser_16k || codec == Codec::speex) format.sample_rate = 16'000;
  if (codec == Codec::nellymoser_8k || codec == Codec::mp3_8k) format.sample_rate = 8'000;
  if (codec == Codec::g711_alaw || codec == Codec::g711_mulaw) format.sample_rate = 8'000;
  if (codec == Codec::nellymoser_16k || codec == Codec::nellymoser_8k || codec == Codec::speex)
    format.channels = 1;
  return format;
}

void add_metadata(VideoFormat& format, const amf::Object& metadata) {
  fill(format.width, positive(metadata, "width"));
  fill(format.height, positive(metadata, "height"));
  if (format.frame_rate <= 0) format.frame_rate = positive(metadata, "framerate");
  if (format.frame_rate <= 0) format.frame_rate = positive(metadata, "videoframerate");
}

void add_metadata(AudioFormat& format, const amf::Object& metadata) {
  fill(format.sample_rate, positive(metadata, "audiosamplerate"));
  fill(format.channels, positive(metadata, "audiochannels"));
  if (const amf::Value* stereo = metadata.find("stereo"); stereo && format.channels == 0)
    format.channels = stereo->boolean().value_or(false) ? 2 : 1;
}

}  // namespace rtmp::media
