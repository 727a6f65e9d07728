// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/timestamp.h"

namespace rtmp {

std::int64_t unwrap_timestamp(std::uint32_t low, std::int64_t reference) {
  constexpr std::int64_t half_range = std::int64_t{1} << 31;
  constexpr std::int64_t quarter_range = std::int64_t{1} << 30;
  const auto reference_low = static_cast<std::uint32_t>(reference);
  const std::int64_t step = static_cast<std::int32_t>(low - reference_low);
  const bool may_be_31_bits = low < half_range;
  if (may_be_31_bits && step < -quarter_range) return reference + step + half_range;
  // After the wrap at 2^31 such a sender is half a range behind the time line, and may step back.
  if (may_be_31_bits && reference_low >= half_range && step > quarter_range)
    return reference + step - half_range;
  return reference + step;
}

}  // namespace rtmp
