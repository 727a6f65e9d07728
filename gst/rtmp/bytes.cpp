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

ByteWriter& ByteWriter::big_endian(std::uint64_t value, std::size_t count) {
  // Headers, which are written for every message, take one allocation.
  constexpr std::size_t first_capacity = 32;
  if (out_.capacity() == 0) out_.reserve(first_capacity);
  for (std::size_t left = count; left > 0; --left)
    out_.push_back(static_cast<std::uint8_t>(value >> (8 * (left - 1))));
  return *this;
}

ByteWriter& ByteWriter::u32_le(std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out_.push_back(static_cast<std::uint8_t>(value >> shift));
  return *this;
}

ByteWriter& ByteWriter::f64(double value) { return u64(std::bit_cast<std::uint64_t>(value)); }

ByteWriter& ByteWriter::bytes(Bytes bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return *this;
}

}  // namespace rtmp
