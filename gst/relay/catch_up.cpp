// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/catch_up.h"

#include <algorithm>
#include <optional>

namespace relay {
namespace {

// Whether all are shown as long after their time as the first one.
bool in_order(std::span<const FramePtr> pictures) {
  std::optional<std::int32_t> delay;
  rtmp::media::Packet packet;
  for (const FramePtr& picture : pictures) {
    if (!rtmp::media::read_video(picture->encoded.payload, packet)) return false;
    for (const auto& track : packet.tracks) {
      if (delay && delay != track.composition_time) return false;
      delay = track.composition_time;
    }
  }
  return true;
}

FramePtr at(const Frame& frame, std::int64_t timestamp, std::uint32_t chunk_size) {
  rtmp::Message message = frame.message(shared_stream_id);
  message.timestamp = timestamp;
  return make_frame(std::move(message), frame.sequence, chunk_size);
}

}  // namespace

std::vector<FramePtr> catch_up(std::span<const FramePtr> gop, std::uint32_t chunk_size) {
  std::vector<FramePtr> pictures;
  std::ranges::copy_if(gop, std::back_inserter(pictures),
                       [](const FramePtr& frame) { return frame->is_video(); });
  if (pictures.empty() || !in_order(pictures)) return {};
  const std::int64_t first = pictures.front()->timestamp;
  std::int64_t time = pictures.back()->timestamp - static_cast<std::int64_t>(pictures.size());
  for (FramePtr& picture : pictures) picture = at(*picture, std::max(first, ++time), chunk_size);
  return pictures;
}

}  // namespace relay
