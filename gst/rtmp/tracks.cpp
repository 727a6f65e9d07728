// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/tracks.h"

#include <algorithm>
#include <charconv>

#include "rtmp/media.h"

namespace rtmp {
namespace {

using media::Packet;
using media::TrackPacket;

constexpr std::uint8_t one_track = 0;  // MultitrackType

// Takes the text before the separator away, and the separator with it.
std::string_view take_part(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

std::optional<std::uint8_t> read_track_id(std::string_view text) {
  std::uint8_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return id;
}

Result<TrackSet> read_track_set(std::string_view list) {
  TrackSet tracks;
  if (list == "none") return tracks;
  do {
    const auto id = read_track_id(take_part(list, ','));
    if (!id) return Error::bad_url;
    tracks.set(*id);
  } while (!list.empty());
  return tracks;
}

Message message_of(const Message& message, Packet packet, const TrackPacket& track) {
  packet.multitrack = one_track;
  // Metadata may be said in a command frame, but Multitrack there is a command.
  if (packet.frame_type == media::FrameType::command) packet.frame_type = media::FrameType::key;
  packet.tracks = {track};
  const std::vector<std::uint8_t> header =
      packet.video ? media::write_video_header(packet) : media::write_audio_header(packet);
  BufferBuilder payload(header.size() + track.size);
  payload.append(header);
  payload.append(message.payload.bytes().subspan(track.offset, track.size));
  return {message.type, message.stream_id, message.timestamp, std::move(payload).take()};
}

}  // namespace

std::optional<std::uint8_t> first_track(const TrackSet& tracks) {
  for (std::size_t id = 0; id < tracks.size(); ++id)
    if (tracks.test(id)) return static_cast<std::uint8_t>(id);
  return std::nullopt;
}

const TrackSet* TrackChoice::of(MessageType type) const {
  if (type == MessageType::video && video) return &*video;
  if (type == MessageType::audio && audio) return &*audio;
  return nullptr;
}

Result<TrackChoice> read_track_choice(std::string_view query) {
  TrackChoice choice;
  while (!query.empty()) {
    std::string_view value = take_part(query, '&');
    const std::string_view key = take_part(value, '=');
    if (key != "video" && key != "audio") continue;
    const Result<TrackSet> tracks = read_track_set(value);
    if (!tracks) return tracks.error();
    (key == "video" ? choice.video : choice.audio) = *tracks;
  }
  return choice;
}

std::vector<Message> chosen_tracks(const Message& message, const TrackSet& wanted) {
  std::vector<Message> messages;
  const Result<Packet> packet = media::read(message);
  if (!packet) return messages;
  for (const TrackPacket& track : packet->tracks)
    if (wanted.test(track.track_id)) messages.push_back(message_of(message, *packet, track));
  return messages;
}

}  // namespace rtmp
