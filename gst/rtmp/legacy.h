// Enhanced RTMP for players that know legacy FLV alone.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "rtmp/message.h"

namespace rtmp {

// One track of an audio or video message in legacy form, where there is one: H.264, AAC and MP3.
// Nothing for other tracks, other codecs, and what legacy FLV cannot say (HDR metadata, channel
// layouts). A message that is legacy already comes back as it is: it is all of track 0.
std::optional<Message> legacy_form(const Message& message, std::uint8_t track_id = 0);

}  // namespace rtmp
