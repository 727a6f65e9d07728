// av1C out of the stream itself: parsers leave it out of the caps.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rtmp/bytes.h"

namespace mux {

// The AV1CodecConfigurationRecord of the first sequence header in a temporal unit whose OBUs have
// sizes.
std::optional<std::vector<std::uint8_t>> av1_configuration(rtmp::Bytes temporal_unit);

}  // namespace mux
