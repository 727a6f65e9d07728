// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/legacy.h"

#include <algorithm>

#include "rtmp/media.h"

namespace rtmp {
namespace {

using media::Codec;
using media::Packet;
using media::PacketType;
using media::TrackPacket;

bool has_legacy_form(const Packet& packet, const TrackPacket& track) {
  const bool sayable = packet.type == PacketType::sequence_start ||
                       packet.type == PacketType::coded_frames ||
                       packet.type == PacketType::sequence_end;
  if (packet.video) return sayable && track.codec == Codec::h264;
  if (track.codec == Codec::aac) return sayable && packet.type != PacketType::sequence_end;
  return track.codec == Codec::mp3 && packet.type == PacketType::coded_frames;
}

Packet as_legacy(const Packet& packet, const TrackPacket& track) {
  Packet legacy;
  legacy.video = packet.video;
  legacy.type = packet.type;
  legacy.frame_type = packet.frame_type;
  if (!packet.video) legacy.audio_flags.emplace();
  TrackPacket& only = legacy.tracks.emplace_back();
  only.codec = track.codec;
  only.composition_time = track.composition_time;
  return legacy;
}

}  // namespace

std::optional<Message> legacy_form(const Message& message, std::uint8_t track_id) {
  const Result<Packet> packet = media::read(message);
  if (!packet) return std::nullopt;
  if (!packet->enhanced) return message;
  const auto track =
      std::find_if(packet->tracks.begin(), packet->tracks.end(),
                   [=](const TrackPacket& candidate) { return candidate.track_id == track_id; });
  if (track == packet->tracks.end() || !has_legacy_form(*packet, *track)) return std::nullopt;
  const Packet legacy = as_legacy(*packet, *track);
  const std::vector<std::uint8_t> header =
      packet->video ? media::write_video_header(legacy) : media::write_audio_header(legacy);
  BufferBuilder payload(header.size() + track->size);
  payload.append(header);
  payload.append(message.payload.bytes().subspan(track->offset, track->size));
  Message converted = message;
  converted.payload = std::move(payload).take();
  return converted;
}

}  // namespace rtmp
