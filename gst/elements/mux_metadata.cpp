// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_metadata.h"

#include <algorithm>

#include "rtmp/amf0.h"

namespace mux {
namespace {

using rtmp::amf::Object;
using rtmp::amf::StrictArray;
using rtmp::amf::Value;
using rtmp::media::Codec;

constexpr double bits_per_kilobit = 1000;

// The id that stands in the first byte of the legacy packets, or the FourCC as a number.
double codec_number(const TrackDescription& track) {
  const Format& format = *track.format;
  if (format.enhanced) return *rtmp::media::four_cc_of(format.codec);
  rtmp::media::Packet packet;
  packet.video = track.kind == Kind::video;
  packet.tracks.resize(1);
  packet.tracks[0].codec = format.codec;
  return packet.video ? rtmp::media::write_video_header(packet)[0] & 0xF
                      : rtmp::media::write_audio_header(packet)[0] >> 4;
}

void set_known(Object& object, const char* name, double value) {
  if (value > 0) object.set(name, value);
}

void describe_video(Object& object, const TrackDescription& track) {
  set_known(object, "width", track.format->width);
  set_known(object, "height", track.format->height);
  set_known(object, "framerate", track.format->framerate);
  set_known(object, "videodatarate", track.bitrate / bits_per_kilobit);
  object.set("videocodecid", codec_number(track));
}

void describe_audio(Object& object, const TrackDescription& track) {
  const Format& format = *track.format;
  set_known(object, "audiodatarate", track.bitrate / bits_per_kilobit);
  set_known(object, "audiosamplerate", format.rate);
  object.set("audiosamplesize", format.codec == Codec::pcm_platform ? 8 : 16);
  set_known(object, "audiochannels", format.channels);
  object.set("stereo", format.channels == 2);
  object.set("audiocodecid", codec_number(track));
}

// The first track of a kind stands at the top, the others in a map by their ids.
void describe_kind(Object& metadata, const std::vector<TrackDescription>& tracks, Kind kind) {
  const bool video = kind == Kind::video;
  Object map;
  for (const TrackDescription& track : tracks) {
    if (track.kind != kind) continue;
    Object own;
    Object& target = track.id == 0 ? metadata : own;
    if (track.format)
      video ? describe_video(target, track) : describe_audio(target, track);
    else if (track.id == 0)
      metadata.set(video ? "hasVideo" : "hasAudio", true);
    if (track.id != 0) map.set(std::to_string(track.id), std::move(own));
  }
  if (!map.properties.empty())
    metadata.set(video ? "videoTrackIdInfoMap" : "audioTrackIdInfoMap", std::move(map));
}

void describe_index(Object& metadata, const std::vector<KeyFrame>& index) {
  StrictArray positions, times;
  for (const KeyFrame& key_frame : index) {
    positions.values.emplace_back(static_cast<double>(key_frame.position));
    times.values.emplace_back(key_frame.seconds);
  }
  metadata.set("hasKeyframes", !index.empty());
  if (!index.empty())
    metadata.set("keyframes",
                 Object{{"filepositions", std::move(positions)}, {"times", std::move(times)}});
}

void set_text(Object& object, const char* name, const std::string& text) {
  if (!text.empty()) object.set(name, text);
}

}  // namespace

Object describe(const std::vector<TrackDescription>& tracks, const Labels& labels,
                const FileDescription* file) {
  Object metadata;
  if (file) {
    metadata.set("duration", file->seconds);
    metadata.set("filesize", static_cast<double>(file->size));
  }
  describe_kind(metadata, tracks, Kind::video);
  describe_kind(metadata, tracks, Kind::audio);
  set_text(metadata, "title", labels.title);
  // Players know one or the other.
  set_text(metadata, "artist", labels.artist);
  set_text(metadata, "creator", labels.artist);
  set_text(metadata, "encoder", labels.encoder);
  set_text(metadata, "metadatacreator", labels.metadatacreator);
  if (file) describe_index(metadata, file->index);
  return metadata;
}

Object without_rates(Object metadata) {
  for (auto& [name, value] : metadata.properties) {
    if (name == "videodatarate" || name == "audiodatarate") value = true;
    if (Object* inner = value.get_if<Object>()) *inner = without_rates(std::move(*inner));
  }
  return metadata;
}

std::vector<std::uint8_t> write_metadata(const Object& metadata) {
  return rtmp::amf0::write_all({"onMetaData", rtmp::amf::EcmaArray{metadata, {}}});
}

std::vector<std::uint8_t> write_metadata(Object metadata, std::size_t size) {
  // FFmpeg gives up at longer strings, and shows those that are not inside an object.
  constexpr std::size_t longest = 1000;
  metadata.set("filler", Object());
  const std::size_t used = write_metadata(metadata).size();
  if (used > size) return {};
  Object filler;
  std::size_t left = size - used;
  for (int number = 10; left > 0; ++number) {
    const std::string name = std::to_string(number);
    const std::size_t overhead = 2 + name.size() + 3;  // lengths and marker
    if (left < overhead) return {};
    std::size_t text = std::min(left - overhead, longest);
    const std::size_t rest = left - overhead - text;
    if (rest > 0 && rest < overhead) text -= overhead;
    filler.set(name, std::string(text, ' '));
    left -= overhead + text;
  }
  metadata.set("filler", std::move(filler));
  return write_metadata(metadata);
}

}  // namespace mux
