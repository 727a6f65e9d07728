// What the core's tests share: hexadecimal vectors as text.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "rtmp/bytes.h"
#include "rtmp/random.h"

namespace rtmp::test {

// "02 000000 0004" -> bytes; blanks are for the reader.
inline std::vector<std::uint8_t> from_hex(std::string_view text) {
  std::string digits;
  for (char c : text)
    if (std::isxdigit(static_cast<unsigned char>(c))) digits += c;
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

inline std::string to_hex(Bytes bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

// A file below tests/, such as "vectors/amf/amf0.txt".
inline std::string data_path(const std::string& name) {
  const char* root = std::getenv("RTMP_TEST_DATA");
  return std::string(root ? root : "tests") + "/" + name;
}

// A file of the recordings and real streams that a checkout may have beside it; tests skip, visibly,
// where it is absent.
inline std::string shared_path(const std::string& name) {
  const char* root = std::getenv("RTMP_SHARED");
  return std::string(root ? root : "../shared") + "/" + name;
}

inline std::vector<std::uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Bytes that look random and are the same in every run.
inline Random test_random(std::uint32_t seed = 1) {
  return [state = seed](std::span<std::uint8_t> out) mutable {
    for (std::uint8_t& byte : out) {
      state = state * 1664525 + 1013904223;
      byte = static_cast<std::uint8_t>(state >> 24);
    }
  };
}

}  // namespace rtmp::test
