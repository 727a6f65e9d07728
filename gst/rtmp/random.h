// Randomness as an argument: the core never draws it itself.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace rtmp {

// Fills the span with bytes that a peer cannot guess. Called on the thread of the one who asks.
using Random = std::function<void(std::span<std::uint8_t>)>;

}  // namespace rtmp
