// The data messages that go on to players.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "rtmp/message.h"

namespace relay {

// Metadata goes on in a form that no player stumbles over; data that cannot be read goes nowhere,
// nor does what servers say for themselves.
std::optional<rtmp::Message> clean_data(rtmp::Message message);

}  // namespace relay
