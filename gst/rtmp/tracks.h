// The tracks of a stream that a player asked for.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <bitset>
#include <optional>
#include <string_view>
#include <vector>

#include "rtmp/error.h"
#include "rtmp/message.h"

namespace rtmp {

using TrackSet = std::bitset<256>;  // by track id
std::optional<std::uint8_t> first_track(const TrackSet& tracks);

struct TrackChoice {
  std::optional<TrackSet> video, audio;  // without one: every track

  // Null for every track; data has no choice.
  const TrackSet* of(MessageType type) const;

  bool operator==(const TrackChoice&) const = default;
};

// From a play request's query: "video=1&audio=0,2" names tracks by their ids, "audio=none" takes
// none of a kind, and what is not named comes whole. Other keys are somebody else's. An id that is
// no number from 0 to 255 is bad_url.
Result<TrackChoice> read_track_choice(std::string_view query);

// Of an enhanced message the wanted tracks, each as a message of one track (Multitrack OneTrack),
// in their order. Nothing of a message that cannot be read.
std::vector<Message> chosen_tracks(const Message& message, const TrackSet& wanted);

}  // namespace rtmp
