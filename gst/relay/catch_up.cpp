// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/catch_up.h"

#include <algorithm>
#include <optional>

namespace relay {
namespace {

using rtmp::media::Codec;
using rtmp::media::PacketType;

// How long after its decoding a picture is shown.
std::int64_t delay_in(const rtmp::media::Packet& packet) {
  return packet.tracks.empty() ? 0 : packet.tracks.front().composition_time;
}

struct Picture {
  FramePtr frame;
  rtmp::media::Packet packet;
  std::int64_t decoded = 0, shown = 0;  // ms
};

std::optional<std::vector<Picture>> read_pictures(std::span<const FramePtr> gop) {
  std::vector<Picture> pictures;
  for (const FramePtr& frame : gop) {
    if (!frame->is_video()) continue;
    rtmp::media::Packet packet;
    if (!rtmp::media::read_video(frame->encoded.payload, packet)) return std::nullopt;
    const std::int64_t shown = frame->timestamp + delay_in(packet);
    pictures.push_back({frame, std::move(packet), frame->timestamp, shown});
  }
  return pictures;
}

// How many of the times there are from this one on, which is among them.
std::int64_t count_from(std::int64_t time, const std::vector<std::int64_t>& sorted) {
  return sorted.end() - std::ranges::lower_bound(sorted, time);
}

// A millisecond for each, so that all are through at the time of the newest one. What is shown
// later than that, with pictures that are still to come, stays where it is. Decoding begins as much
// earlier as no picture must be shown before it is decoded.
void hurry(std::vector<Picture>& pictures) {
  const std::int64_t first = pictures.front().decoded, now = pictures.back().decoded;
  std::vector<std::int64_t> past;
  for (const Picture& picture : pictures)
    if (picture.shown < now) past.push_back(picture.shown);
  std::ranges::sort(past);

  std::int64_t lead = 0, behind = std::ssize(pictures);
  for (Picture& picture : pictures) {
    --behind;
    if (picture.shown < now) picture.shown = now - count_from(picture.shown, past);
    lead = std::max(lead, now - behind - picture.shown);
  }
  behind = std::ssize(pictures);
  for (Picture& picture : pictures)
    if (--behind > 0) picture.decoded = std::max(first, now - behind - lead);
}

// Whether the header of the payload has room for that.
bool may_be_delayed(const rtmp::media::Packet& packet) {
  if (packet.tracks.size() != 1) return false;
  const Codec codec = packet.tracks.front().codec;
  return codec == Codec::h264 || codec == Codec::h265 || codec == Codec::h266;
}

rtmp::Buffer with_delay(const rtmp::Buffer& payload, rtmp::media::Packet packet,
                        std::int64_t delay) {
  auto& track = packet.tracks.front();
  track.composition_time = static_cast<std::int32_t>(delay);
  packet.coded_frames_x = packet.coded_frames_x && delay == 0;
  const auto header = rtmp::media::write_video_header(packet);
  rtmp::BufferBuilder changed(header.size() + track.size);
  changed.append(header);
  changed.append(payload.bytes().subspan(track.offset, track.size));
  return std::move(changed).take();
}

// Null if its header has no room for how late it is shown.
FramePtr write(const Picture& picture, std::uint32_t chunk_size) {
  rtmp::Message message = picture.frame->message(shared_stream_id);
  message.timestamp = picture.decoded;
  const std::int64_t delay = picture.shown - picture.decoded;
  if (delay != delay_in(picture.packet) && picture.packet.type == PacketType::coded_frames) {
    if (!may_be_delayed(picture.packet)) return nullptr;
    message.payload = with_delay(message.payload, picture.packet, delay);
  }
  return make_frame(std::move(message), picture.frame->sequence, chunk_size);
}

}  // namespace

std::vector<FramePtr> catch_up(std::span<const FramePtr> gop, std::uint32_t chunk_size) {
  auto pictures = read_pictures(gop);
  if (!pictures || pictures->empty()) return {};
  hurry(*pictures);
  std::vector<FramePtr> frames;
  for (const Picture& picture : *pictures) {
    frames.push_back(write(picture, chunk_size));
    if (!frames.back()) return {};
  }
  return frames;
}

}  // namespace relay
