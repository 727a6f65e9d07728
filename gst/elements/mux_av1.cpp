// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_av1.h"

namespace mux {
namespace {

using rtmp::ByteReader;
using rtmp::Bytes;

// Past the end come zeros and ok() is false, as with ByteReader.
class BitReader {
 public:
  explicit BitReader(Bytes bytes) : bytes_(bytes) {}

  std::uint32_t bits(std::size_t count) {
    std::uint32_t value = 0;
    for (; count > 0; --count, ++position_) {
      const std::size_t byte = position_ / 8;
      ok_ = ok_ && byte < bytes_.size();
      value = value << 1 | (ok_ ? bytes_[byte] >> (7 - position_ % 8) & 1u : 0u);
    }
    return value;
  }
  bool flag() { return bits(1) != 0; }
  void skip(std::size_t count) { bits(count); }
  void skip_uvlc() {
    std::size_t zeros = 0;
    while (ok_ && zeros < 32 && !flag()) ++zeros;
    skip(zeros);
  }
  bool ok() const { return ok_; }

 private:
  Bytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

// The fields of AV1 §5.5 that av1C repeats.
struct SequenceHeader {
  std::uint32_t profile = 0, level = 0, tier = 0;
  bool high_bitdepth = false, twelve_bit = false, monochrome = false;
  bool subsampling_x = true, subsampling_y = true;
  std::uint32_t chroma_sample_position = 0;
};

struct DecoderModel {
  bool present = false;
  std::size_t delay_bits = 0;
};

// §5.5.3 and §5.5.4
DecoderModel read_timing(BitReader& in) {
  DecoderModel model;
  if (!in.flag()) return model;
  in.skip(32 + 32);               // units of a tick, time scale
  if (in.flag()) in.skip_uvlc();  // ticks of a picture
  model.present = in.flag();
  if (!model.present) return model;
  model.delay_bits = in.bits(5) + 1;
  in.skip(32 + 5 + 5);
  return model;
}

void read_operating_points(BitReader& in, SequenceHeader& header) {
  const DecoderModel model = read_timing(in);
  const bool display_delays = in.flag();
  const std::uint32_t count = in.bits(5) + 1;
  for (std::uint32_t i = 0; i < count; ++i) {
    in.skip(12);
    const std::uint32_t level = in.bits(5);
    const std::uint32_t tier = level > 7 ? in.bits(1) : 0;
    if (model.present && in.flag()) in.skip(2 * model.delay_bits + 1);
    if (display_delays && in.flag()) in.skip(4);
    if (i > 0) continue;
    header.level = level;
    header.tier = tier;
  }
}

void skip_frame_size(BitReader& in) {
  const std::uint32_t width_bits = in.bits(4) + 1, height_bits = in.bits(4) + 1;
  in.skip(width_bits + height_bits);
}

void skip_inter_tools(BitReader& in) {
  in.skip(4);  // interintra, masked, warped, dual filter
  const bool order_hint = in.flag();
  if (order_hint) in.skip(2);
  const bool screen_content = in.flag() || in.flag();  // chosen for each frame, or forced
  if (screen_content && !in.flag()) in.skip(1);        // integer motion vectors
  if (order_hint) in.skip(3);
}

// §5.5.2
void read_color(BitReader& in, SequenceHeader& header) {
  constexpr std::uint32_t srgb = 1 << 16 | 13 << 8 | 0;
  header.high_bitdepth = in.flag();
  if (header.profile == 2 && header.high_bitdepth) header.twelve_bit = in.flag();
  if (header.profile != 1) header.monochrome = in.flag();
  const std::uint32_t description = in.flag() ? in.bits(24) : 0;
  if (header.monochrome) return;
  if (description == srgb) {
    header.subsampling_x = header.subsampling_y = false;
    return;
  }
  in.skip(1);  // range
  if (header.profile == 1) {
    header.subsampling_x = header.subsampling_y = false;
  } else if (header.profile == 2) {
    header.subsampling_x = !header.twelve_bit || in.flag();
    header.subsampling_y = header.twelve_bit && header.subsampling_x && in.flag();
  }
  if (header.subsampling_x && header.subsampling_y) header.chroma_sample_position = in.bits(2);
}

// §5.5.1
std::optional<SequenceHeader> read_sequence_header(Bytes payload) {
  BitReader in(payload);
  SequenceHeader header;
  header.profile = in.bits(3);
  in.skip(1);  // still picture
  const bool reduced = in.flag();
  if (reduced)
    header.level = in.bits(5);
  else
    read_operating_points(in, header);
  skip_frame_size(in);
  if (!reduced && in.flag()) in.skip(4 + 3);  // lengths of frame ids
  in.skip(3);                                 // superblocks, intra tools
  if (!reduced) skip_inter_tools(in);
  in.skip(3);  // superres, cdef, restoration
  read_color(in, header);
  if (!in.ok() || header.profile > 2) return {};
  return header;
}

std::vector<std::uint8_t> write_record(const SequenceHeader& header, Bytes obu) {
  rtmp::ByteWriter out;
  out.u8(0x81).u8(header.profile << 5 | header.level);
  out.u8(header.tier << 7 | std::uint32_t{header.high_bitdepth} << 6 |
         std::uint32_t{header.twelve_bit} << 5 | std::uint32_t{header.monochrome} << 4 |
         std::uint32_t{header.subsampling_x} << 3 | std::uint32_t{header.subsampling_y} << 2 |
         header.chroma_sample_position);
  return out.u8(0).bytes(obu).take();
}

std::size_t read_leb128(ByteReader& in) {
  std::size_t value = 0;
  for (std::size_t shift = 0; shift < 32; shift += 7) {
    const std::uint8_t byte = in.u8();
    value |= std::size_t{byte & 0x7Fu} << shift;
    if (!(byte & 0x80)) break;
  }
  return value;
}

}  // namespace

std::optional<std::vector<std::uint8_t>> av1_configuration(Bytes temporal_unit) {
  constexpr std::uint32_t sequence_header = 1;
  ByteReader in(temporal_unit);
  while (!in.at_end()) {
    const std::size_t start = in.position();
    const std::uint8_t first = in.u8();
    if (first & 4) in.skip(1);    // extension
    if (!(first & 2)) return {};  // no size: §5.3.1
    const Bytes payload = in.bytes(read_leb128(in));
    if (!in.ok()) return {};
    if ((first >> 3 & 0xF) != sequence_header) continue;
    const auto header = read_sequence_header(payload);
    if (!header) return {};
    return write_record(*header, temporal_unit.subspan(start, in.position() - start));
  }
  return {};
}

}  // namespace mux
