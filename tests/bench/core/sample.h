// What the benchmarks of gst/rtmp work on.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "rtmp/bytes.h"
#include "rtmp/message.h"

namespace rtmp::bench {

constexpr std::size_t frame_size = 10'000;   // of 2.5 Mbit/s at 30 pictures a second
constexpr std::size_t packet_size = 370;     // of 128 kbit/s AAC
constexpr std::size_t keyed_size = 100'000;  // a key frame

// A benchmark of what fails says nothing.
inline void require(bool good) {
  if (!good) std::abort();
}

inline std::vector<std::uint8_t> some_bytes(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : bytes)
    byte = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

// A legacy H.264 frame or a raw AAC packet of that size.
inline Message some_media(MessageType type, std::size_t size, std::int64_t timestamp = 0) {
  std::vector<std::uint8_t> payload = some_bytes(size);
  payload[0] = type == MessageType::video ? 0x27 : 0xAF;
  payload[1] = 1;
  return {type, 1, timestamp, Buffer::adopt(std::move(payload))};
}

}  // namespace rtmp::bench
