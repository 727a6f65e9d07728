// Audio and video payloads and all that is read from them; the first byte is the message's type.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/media.h"

#include "fuzz.h"
#include "rtmp/color_info.h"
#include "rtmp/legacy.h"
#include "rtmp/tracks.h"

namespace {

using namespace rtmp;
using media::Packet;
using media::PacketType;
using Kind = media::Summary::Kind;

void check_body(const Packet& packet, Bytes body) {
  if (packet.type == PacketType::multichannel_config) (void)media::read_multichannel_config(body);
  if (packet.type != PacketType::metadata) return;
  const auto color = media::read_color_info(body);
  if (!color || !*color) return;
  (void)media::read_color_info(media::write_color_info(**color)).value();
}

void check_summary(const Message& message, const Packet& packet) {
  const media::Summary summary = media::summarize(message);
  LAW(summary.enhanced == packet.enhanced);
  if (packet.tracks.size() == 1 && !summary.many_tracks)
    LAW(summary.track_id == packet.tracks.front().track_id);
  if (packet.type == PacketType::coded_frames) LAW(summary.kind != Kind::sequence_start);
}

// Every track is found again in what is made of it.
void check_tracks(const Message& message, const Packet& packet) {
  TrackSet all;
  all.set();
  const auto parts = chosen_tracks(message, all);
  if (!packet.enhanced) return;
  LAW(parts.size() == packet.tracks.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part = media::read(parts[i]);
    LAW(part && part->tracks.size() == 1);
    LAW(part->type == packet.type && part->nanoseconds == packet.nanoseconds);
    LAW(part->tracks[0].track_id == packet.tracks[i].track_id);
    LAW(part->tracks[0].codec == packet.tracks[i].codec);
    LAW(part->tracks[0].size == packet.tracks[i].size);
  }
}

void check_legacy(const Message& message) {
  const auto legacy = legacy_form(message);
  if (!legacy) return;
  const auto packet = media::read(*legacy);
  LAW(packet && !packet->enhanced);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in(data, size);
  const auto type = static_cast<MessageType>(in.byte());
  if (!is_media(type)) return 0;
  const Message message{type, 1, 0, Buffer::copy_of(in.rest())};
  const auto packet = media::read(message);
  (void)media::summarize(message);
  if (!packet) return 0;
  for (const media::TrackPacket& track : packet->tracks) {
    LAW(track.offset <= message.payload.size());
    LAW(track.size <= message.payload.size() - track.offset);
    check_body(*packet, message.payload.bytes().subspan(track.offset, track.size));
  }
  check_summary(message, *packet);
  check_tracks(message, *packet);
  check_legacy(message);
  return 0;
}
