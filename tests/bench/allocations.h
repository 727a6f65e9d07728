// Counts what this program and its libraries allocate.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace rtmp::bench {

// By malloc and its kin and by GSlice, in all threads, since the start.
std::uint64_t allocations();

}  // namespace rtmp::bench
