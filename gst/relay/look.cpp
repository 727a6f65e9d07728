// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/look.h"

#include "rtmp/command.h"

namespace relay {
namespace {

namespace media = rtmp::media;

// What a sequence header is the header of; nothing where there is none, or none that can be read.
rtmp::Bytes configuration_in(const FramePtr& header) {
  if (!header) return {};
  const rtmp::Buffer& payload = header->encoded.payload;
  const auto packet = media::read({header->type, 0, 0, payload});
  if (!packet || packet->tracks.empty() || packet->mpeg2ts_start) return {};
  return payload.bytes().subspan(packet->tracks[0].offset, packet->tracks[0].size);
}

const rtmp::amf::Object* properties_of(const rtmp::Data& metadata) {
  if (metadata.values.empty()) return nullptr;
  const rtmp::amf::Value& value = metadata.values.front();
  if (const auto* array = value.get_if<rtmp::amf::EcmaArray>()) return &array->associative;
  return value.get_if<rtmp::amf::Object>();
}

bool is_enhanced(std::uint8_t audio_start) { return audio_start >> 4 == 9; }

media::AudioFormat audio_of(const Look& look) {
  const bool says_it_itself = look.audio != media::Codec::unknown && !look.audio_header &&
                              look.audio != media::Codec::aac && !is_enhanced(look.audio_start);
  return says_it_itself ? media::legacy_audio_format(look.audio, look.audio_start)
                        : media::audio_format(look.audio, configuration_in(look.audio_header));
}

}  // namespace

void describe(StreamStats& stats, const Look& look) {
  stats.video = media::video_format(look.video, configuration_in(look.video_header));
  stats.audio = audio_of(look);
  if (look.metadata) {
    const auto data = rtmp::read_data(look.metadata->message(shared_stream_id));
    const rtmp::amf::Object* properties = data ? properties_of(*data) : nullptr;
    if (properties && look.video != media::Codec::unknown) add_metadata(stats.video, *properties);
    if (properties && look.audio != media::Codec::unknown) add_metadata(stats.audio, *properties);
  }
  if (look.video != media::Codec::unknown && stats.video.frame_rate <= 0)
    stats.video.frame_rate = stats.frames_per_second;
}

}  // namespace relay
