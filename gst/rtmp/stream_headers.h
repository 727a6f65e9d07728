// What a stream needs before its frames: the last metadata, and each track's headers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <vector>

#include "rtmp/media.h"

namespace rtmp {

// Audio or video that is neither header nor anything unknown.
bool is_frame(const Message& message);

class StreamHeaders {
 public:
  // Whether the message is a header or metadata that was not known like that.
  bool remember(const Message& message);
  // Whether it is one that is known.
  bool knows(const Message& message) const;
  // All of them, to stand before a frame of that time; metadata at 0, where servers look for it.
  std::vector<Message> before(std::int64_t timestamp) const;

 private:
  struct Slot {
    MessageType type;
    media::Summary::Kind kind;
    std::uint8_t track_id;
    bool many_tracks;
    auto operator<=>(const Slot&) const = default;
  };
  static std::optional<Slot> slot_of(const Message& message);

  std::map<Slot, Message> messages_;
};

}  // namespace rtmp
