// What the fuzz targets share. A target is LLVMFuzzerTestOneInput(): libFuzzer calls it where there
// is clang, replay.cpp elsewhere.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "rtmp/buffer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace rtmp::fuzz {

// A law that holds for every input.
#define LAW(condition)                                                             \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

// The bytes of one input, of which the first ones steer the target.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {}

  // 0 at the end
  std::uint8_t byte() {
    const std::uint8_t value = bytes_.empty() ? 0 : bytes_.front();
    take(1);
    return value;
  }
  Bytes take(std::size_t count) {
    const Bytes taken = bytes_.first(std::min(count, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }
  Bytes rest() { return take(bytes_.size()); }
  bool empty() const { return bytes_.empty(); }

 private:
  Bytes bytes_;
};

// Calls `use` with the bytes in pieces of that size, 0 for all at once.
template <typename Use>
void in_pieces(Bytes bytes, std::size_t piece, Use use) {
  if (piece == 0) piece = std::max<std::size_t>(bytes.size(), 1);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(piece, bytes.size())))
    use(bytes.first(std::min(piece, bytes.size())));
}

}  // namespace rtmp::fuzz
