// RTMP's 32-bit milliseconds on a 64-bit time line.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

namespace rtmp {

// The time nearest to `reference` whose low 32 bits are `low`. Senders that know FLV's 31 bits only
// wrap at 2^31 (from 0x7FFFFFFF to 0): that is a step forward too (docs/protocol/timestamps.md).
std::int64_t unwrap_timestamp(std::uint32_t low, std::int64_t reference);

// The time line of one message stream: every timestamp is unwrapped next to the one before.
class TimestampUnwrapper {
 public:
  std::int64_t operator()(std::uint32_t low) {
    last_ = last_ ? unwrap_timestamp(low, *last_) : std::int64_t{low};
    return *last_;
  }

 private:
  std::optional<std::int64_t> last_;
};

}  // namespace rtmp
