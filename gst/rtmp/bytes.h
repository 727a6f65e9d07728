// Reading and writing the big-endian fields of which RTMP is made.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace rtmp {

// Borrowed bytes: valid as long as their owner says.
using Bytes = std::span<const std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A cursor over borrowed bytes. Reading past the end yields zeros and makes ok() false for good, so
// that a caller reads all the fields of a structure and asks once.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian<1>()); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian<2>()); }
  std::uint32_t u24() { return static_cast<std::uint32_t>(big_endian<3>()); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian<4>()); }
  std::uint64_t u64() { return big_endian<8>(); }
  std::int32_t s24();
  std::uint32_t u32_le();
  double f64();

  // The next `count` bytes, borrowed; empty when there are fewer.
  Bytes bytes(std::size_t count) {
    if (count > remaining()) return fail();
    const Bytes found = bytes_.subspan(position_, count);
    position_ += count;
    return found;
  }
  std::string_view text(std::size_t count) { return as_text(bytes(count)); }
  // All that is left.
  Bytes rest() { return bytes(remaining()); }
  void skip(std::size_t count) { bytes(count); }

  std::size_t remaining() const { return bytes_.size() - position_; }
  std::size_t position() const { return position_; }
  bool at_end() const { return remaining() == 0; }
  bool ok() const { return ok_; }
  // What u8() would give, without moving; 0 at the end.
  std::uint8_t peek() const { return at_end() ? std::uint8_t{0} : bytes_[position_]; }

 private:
  // Inline, as bytes() is: every header of every message is read by them.
  template <std::size_t count>
  std::uint64_t big_endian() {
    std::uint64_t value = 0;
    for (std::uint8_t byte : bytes(count)) value = value << 8 | byte;
    return value;
  }
  Bytes fail();

  Bytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

// Appends fields to memory that it owns.
template <typename Memory>
class BasicByteWriter {
 public:
  BasicByteWriter& u8(std::uint32_t value) { return big_endian<1>(value); }
  BasicByteWriter& u16(std::uint32_t value) { return big_endian<2>(value); }
  BasicByteWriter& u24(std::uint32_t value) { return big_endian<3>(value); }
  BasicByteWriter& u32(std::uint32_t value) { return big_endian<4>(value); }
  BasicByteWriter& u64(std::uint64_t value) { return big_endian<8>(value); }
  BasicByteWriter& s24(std::int32_t value) { return u24(static_cast<std::uint32_t>(value)); }
  BasicByteWriter& u32_le(std::uint32_t value) { return u32(__builtin_bswap32(value)); }
  BasicByteWriter& f64(double value) { return u64(std::bit_cast<std::uint64_t>(value)); }
  BasicByteWriter& bytes(Bytes bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  BasicByteWriter& text(std::string_view text) { return bytes(as_bytes(text)); }

  std::size_t size() const { return out_.size(); }
  Bytes view() const { return out_; }
  Memory take() { return std::move(out_); }

 private:
  template <std::size_t count>
  BasicByteWriter& big_endian(std::uint64_t value) {
    // Most of what is written is short, and takes one allocation.
    if (out_.capacity() == 0) out_.reserve(first_capacity);
    for (std::size_t left = count; left > 0; --left)
      out_.push_back(static_cast<std::uint8_t>(value >> (8 * (left - 1))));
    return *this;
  }

  static constexpr std::size_t first_capacity = 32;

  Memory out_;
};

// Of any size.
using ByteWriter = BasicByteWriter<std::vector<std::uint8_t>>;

}  // namespace rtmp
