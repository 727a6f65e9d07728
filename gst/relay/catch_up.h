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
// How long after its decoding a picture is shown is said inside its payload: where that changes, as
// it does with B-frames, the payload is a copy. Nothing where it cannot be said, in messages of
// several tracks, or where a payload cannot be read.
std::vector<FramePtr> catch_up(std::span<const FramePtr> gop, std::uint32_t chunk_size);

}  // namespace relay
