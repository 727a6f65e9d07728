// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/bytes.h"

#include <bit>

namespace rtmp {

std::int32_t ByteReader::s24() {
  const std::uint32_t value = u24();
  return static_cast<std::int32_t>(value << 8) >> 8;
}

std::uint32_t ByteReader::u32_le() {
  std::uint32_t value = 0;
  unsigned shift = 0;
  for (std::uint8_t byte : bytes(4)) {
    value |= std::uint32_t{byte} << shift;
    shift += 8;
  }
  return value;
}

double ByteReader::f64() { return std::bit_cast<double>(u64()); }

Bytes ByteReader::fail() {
  ok_ = false;
  position_ = bytes_.size();
  return {};
}

}  // namespace rtmp
