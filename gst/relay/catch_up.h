// What brings a player that comes late to the present at once.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <vector>

#include "relay/frame.h"

namespace relay {

// The pictures of a GOP with times that lead up to the newest one's in steps of a millisecond: a
// player that shows them at their times is through with them in no time. Their sound is left out.
//
// Nothing where pictures are not shown in the order in which they come (B-frames): by how much is
// said inside the payload, which is everybody's.
std::vector<FramePtr> catch_up(std::span<const FramePtr> gop, std::uint32_t chunk_size);

}  // namespace relay
