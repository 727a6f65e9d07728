// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_metadata.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace {

namespace amf = rtmp::amf;

constexpr double max_plausible = 1e9;  // of any width, rate, bitrate or time in seconds

// A number above 0: many writers put 0 where they know nothing.
std::optional<double> positive(const amf::Object& object, std::string_view name) {
  const amf::Value* value = object.find(name);
  const auto number = value ? value->number() : std::nullopt;
  const bool is_known = number && std::isfinite(*number) && *number > 0;
  return is_known && *number <= max_plausible ? number : std::nullopt;
}

std::optional<double> positive(const amf::Object& object, std::string_view name,
                               std::string_view other_name) {
  const auto number = positive(object, name);
  return number ? number : positive(object, other_name);
}

std::optional<int> integer(std::optional<double> number) {
  return number && *number >= 1 ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

std::optional<guint> bits(std::optional<double> kilobits) {
  constexpr double max_kilobits = 4'000'000;
  if (!kilobits || *kilobits > max_kilobits) return std::nullopt;
  return static_cast<guint>(*kilobits * 1000);
}

std::string text(const amf::Object& object, std::string_view name) {
  const amf::Value* value = object.find(name);
  const auto found = value ? value->string() : std::nullopt;
  if (!found || found->empty()) return {};
  return g_utf8_validate(found->data(), static_cast<gssize>(found->size()), nullptr)
             ? std::string(*found)
             : std::string();
}

std::string text(const amf::Object& object, std::string_view name, std::string_view other_name) {
  const std::string found = text(object, name);
  return found.empty() ? text(object, other_name) : found;
}

bool is_true(const amf::Object& object, std::string_view name) {
  const amf::Value* value = object.find(name);
  return value && value->boolean().value_or(false);
}

// A codec id is there; its 0 is PCM in audio and nothing in video.
bool announces_codec(const amf::Object& object, std::string_view name) {
  const amf::Value* value = object.find(name);
  return value && ((value->number() && !std::isnan(*value->number())) ||
                   !value->string().value_or("").empty());
}

TrackHints video_hints(const amf::Object& object) {
  TrackHints hints;
  hints.width = integer(positive(object, "width"));
  hints.height = integer(positive(object, "height"));
  hints.framerate = positive(object, "framerate", "fps");
  hints.bitrate = bits(positive(object, "videodatarate"));
  hints.language = text(object, "language", "lang");
  return hints;
}

TrackHints audio_hints(const amf::Object& object) {
  TrackHints hints;
  hints.rate = integer(positive(object, "audiosamplerate", "samplerate"));
  hints.channels = integer(positive(object, "audiochannels", "channels"));
  if (const amf::Value* stereo = object.find("stereo"); stereo && !hints.channels)
    hints.channels = stereo->boolean().value_or(true) ? 2 : 1;
  hints.bitrate = bits(positive(object, "audiodatarate"));
  hints.language = text(object, "language", "lang");
  return hints;
}

// audioTrackIdInfoMap and videoTrackIdInfoMap: track ids as decimal text.
template <typename Read>
void read_tracks(const amf::Object& object, std::string_view name,
                 std::map<std::uint8_t, TrackHints>& tracks, Read read) {
  const amf::Value* value = object.find(name);
  const amf::Object* map = value ? value->object() : nullptr;
  if (!map) return;
  for (const auto& [key, description] : map->properties) {
    unsigned id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    const bool is_id = error == std::errc() && end == key.data() + key.size() && id <= 0xFF;
    if (is_id && description.object())
      tracks[static_cast<std::uint8_t>(id)] = read(*description.object());
  }
}

std::vector<double> numbers(const amf::Object& object, std::string_view name) {
  std::vector<double> numbers;
  const amf::Value* value = object.find(name);
  const auto* array = value ? value->get_if<amf::StrictArray>() : nullptr;
  if (!array) return numbers;
  for (const amf::Value& entry : array->values) {
    const double number = entry.number().value_or(-1);
    numbers.push_back(std::isfinite(number) ? number : -1);
  }
  return numbers;
}

std::vector<Metadata::KeyFrame> read_key_frames(const amf::Object& metadata) {
  std::vector<Metadata::KeyFrame> key_frames;
  const amf::Value* value = metadata.find("keyframes");
  const amf::Object* index = value ? value->object() : nullptr;
  if (!index) return key_frames;
  const auto times = numbers(*index, "times");
  const auto positions = numbers(*index, "filepositions");
  constexpr double max_position = 9e15;  // as far as a double counts bytes
  for (std::size_t i = 0; i < std::min(times.size(), positions.size()); ++i) {
    if (times[i] < 0 || times[i] > max_plausible) continue;
    if (positions[i] <= 0 || positions[i] > max_position) continue;
    // Milliseconds, as the tags have them.
    const auto ms = static_cast<guint64>(std::llround(times[i] * 1000));
    key_frames.push_back({ms * GST_MSECOND, static_cast<guint64>(positions[i])});
  }
  return key_frames;
}

void add(GstTagList* tags, const char* tag, const std::string& value) {
  if (!value.empty()) gst_tag_list_add(tags, GST_TAG_MERGE_REPLACE, tag, value.c_str(), nullptr);
}

}  // namespace

Metadata read_metadata(const amf::Object& object) {
  Metadata metadata;
  if (const auto seconds = positive(object, "duration"))
    metadata.duration = static_cast<GstClockTime>(*seconds * GST_SECOND);
  if (is_true(object, "hasVideo") || announces_codec(object, "videocodecid"))
    metadata.video[0] = video_hints(object);
  if (is_true(object, "hasAudio") || announces_codec(object, "audiocodecid"))
    metadata.audio[0] = audio_hints(object);
  read_tracks(object, "videoTrackIdInfoMap", metadata.video, video_hints);
  read_tracks(object, "audioTrackIdInfoMap", metadata.audio, audio_hints);
  metadata.key_frames = read_key_frames(object);
  metadata.title = text(object, "title");
  metadata.artist = text(object, "artist", "author");
  metadata.comment = text(object, "comment", "description");
  metadata.encoder = text(object, "encoder", "metadatacreator");
  metadata.date = text(object, "creationdate");
  return metadata;
}

GstTagList* to_tags(const Metadata& metadata) {
  GstTagList* tags = gst_tag_list_new_empty();
  gst_tag_list_set_scope(tags, GST_TAG_SCOPE_GLOBAL);
  add(tags, GST_TAG_TITLE, metadata.title);
  add(tags, GST_TAG_ARTIST, metadata.artist);
  add(tags, GST_TAG_COMMENT, metadata.comment);
  add(tags, GST_TAG_ENCODER, metadata.encoder);
  if (GstDateTime* date = metadata.date.empty()
                              ? nullptr
                              : gst_date_time_new_from_iso8601_string(metadata.date.c_str())) {
    gst_tag_list_add(tags, GST_TAG_MERGE_REPLACE, GST_TAG_DATE_TIME, date, nullptr);
    gst_date_time_unref(date);
  }
  if (gst_tag_list_is_empty(tags)) {
    gst_tag_list_unref(tags);
    return nullptr;
  }
  return tags;
}
