// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_audio_caps.h"

#include <gst/audio/audio.h>
#include <gst/pbutils/pbutils.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace {

using rtmp::ByteReader;
using rtmp::Bytes;
using rtmp::media::Codec;
using rtmp::media::LegacyAudioFlags;
using rtmp::media::MultichannelConfig;

struct Sound {
  int rate = 0;  // 0: not known
  int channels = 0;
};

void set_sound(GstCaps* caps, const Sound& sound) {
  if (sound.rate > 0) gst_caps_set_simple(caps, "rate", G_TYPE_INT, sound.rate, nullptr);
  if (sound.channels > 0)
    gst_caps_set_simple(caps, "channels", G_TYPE_INT, sound.channels, nullptr);
}

Sound sound_of(const LegacyAudioFlags& flags) {
  static constexpr int rates[] = {5512, 11025, 22050, 44100};
  return {rates[static_cast<std::size_t>(flags.rate)], flags.stereo ? 2 : 1};
}

Sound sound_of(const TrackHints& hints) {
  return {hints.rate.value_or(0), hints.channels.value_or(0)};
}

GstBuffer* to_buffer(Bytes bytes) { return gst_buffer_new_memdup(bytes.data(), bytes.size()); }

// Takes the buffers.
void set_stream_header(GstCaps* caps, std::initializer_list<GstBuffer*> buffers) {
  GValue array = G_VALUE_INIT;
  g_value_init(&array, GST_TYPE_ARRAY);
  for (GstBuffer* buffer : buffers) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, GST_TYPE_BUFFER);
    gst_value_take_buffer(&value, buffer);
    gst_value_array_append_and_take_value(&array, &value);
  }
  gst_caps_set_value(caps, "streamheader", &array);
  g_value_unset(&array);
}

// --- channel layouts ---

// E-RTMP's AudioChannel numbers as GStreamer's positions, which are the bits of a channel-mask.
constexpr GstAudioChannelPosition positions[] = {
    GST_AUDIO_CHANNEL_POSITION_FRONT_LEFT,
    GST_AUDIO_CHANNEL_POSITION_FRONT_RIGHT,
    GST_AUDIO_CHANNEL_POSITION_FRONT_CENTER,
    GST_AUDIO_CHANNEL_POSITION_LFE1,
    GST_AUDIO_CHANNEL_POSITION_REAR_LEFT,
    GST_AUDIO_CHANNEL_POSITION_REAR_RIGHT,
    GST_AUDIO_CHANNEL_POSITION_FRONT_LEFT_OF_CENTER,
    GST_AUDIO_CHANNEL_POSITION_FRONT_RIGHT_OF_CENTER,
    GST_AUDIO_CHANNEL_POSITION_REAR_CENTER,
    GST_AUDIO_CHANNEL_POSITION_SIDE_LEFT,
    GST_AUDIO_CHANNEL_POSITION_SIDE_RIGHT,
    GST_AUDIO_CHANNEL_POSITION_TOP_CENTER,
    GST_AUDIO_CHANNEL_POSITION_TOP_FRONT_LEFT,
    GST_AUDIO_CHANNEL_POSITION_TOP_FRONT_CENTER,
    GST_AUDIO_CHANNEL_POSITION_TOP_FRONT_RIGHT,
    GST_AUDIO_CHANNEL_POSITION_TOP_REAR_LEFT,
    GST_AUDIO_CHANNEL_POSITION_TOP_REAR_CENTER,
    GST_AUDIO_CHANNEL_POSITION_TOP_REAR_RIGHT,
    GST_AUDIO_CHANNEL_POSITION_LFE2,
    GST_AUDIO_CHANNEL_POSITION_TOP_SIDE_LEFT,
    GST_AUDIO_CHANNEL_POSITION_TOP_SIDE_RIGHT,
    GST_AUDIO_CHANNEL_POSITION_BOTTOM_FRONT_CENTER,
    GST_AUDIO_CHANNEL_POSITION_BOTTOM_FRONT_LEFT,
    GST_AUDIO_CHANNEL_POSITION_BOTTOM_FRONT_RIGHT,
};

// 0 where the channels have no positions that GStreamer could name.
guint64 channel_mask(const MultichannelConfig& config) {
  guint64 mask = 0;
  const auto add = [&mask](std::size_t channel) {
    if (channel < std::size(positions)) mask |= guint64{1} << positions[channel];
  };
  if (config.order == MultichannelConfig::Order::native)
    for (std::size_t i = 0; i < 32; ++i)
      if (config.mask >> i & 1) add(i);
  if (config.order == MultichannelConfig::Order::custom)
    for (const std::uint8_t channel : config.mapping) add(channel);
  return std::popcount(mask) == config.channels ? mask : 0;
}

void set_channels(GstCaps* caps, const MultichannelConfig& config) {
  if (config.channels == 0) return;
  gst_caps_set_simple(caps, "channels", G_TYPE_INT, int{config.channels}, nullptr);
  const guint64 mask = channel_mask(config);
  if (mask != 0 && config.channels > 1)
    gst_caps_set_simple(caps, "channel-mask", GST_TYPE_BITMASK, mask, nullptr);
}

// --- codecs ---

GstCaps* aac_caps(Bytes config) {
  GstCaps* caps =
      gst_caps_new_simple("audio/mpeg", "mpegversion", G_TYPE_INT, 4, "stream-format",
                          G_TYPE_STRING, "raw", "framed", G_TYPE_BOOLEAN, TRUE, nullptr);
  const auto size = static_cast<guint>(config.size());
  set_sound(caps, {static_cast<int>(gst_codec_utils_aac_get_sample_rate(config.data(), size)),
                   static_cast<int>(gst_codec_utils_aac_get_channels(config.data(), size))});
  gst_codec_utils_aac_caps_set_level_and_profile(caps, config.data(), size);
  GstBuffer* codec_data = to_buffer(config);
  gst_caps_set_simple(caps, "codec_data", GST_TYPE_BUFFER, codec_data, nullptr);
  gst_buffer_unref(codec_data);
  return caps;
}

struct MpegAudio {
  Sound sound;
  int layer = 3;
  int version = 1;  // mpegaudioversion: 1, 2, or 3 for MPEG-2.5
};

// ISO 11172-3 §2.4.1.3
std::optional<MpegAudio> read_mpeg_audio(Bytes frame) {
  ByteReader in(frame);
  const std::uint32_t header = in.u32();
  if (!in.ok() || header >> 21 != 0x7FF) return std::nullopt;
  const auto version = header >> 19 & 3, layer = header >> 17 & 3, rate = header >> 10 & 3;
  if (version == 1 || layer == 0 || rate == 3) return std::nullopt;
  static constexpr int rates[] = {44100, 48000, 32000};
  static constexpr int shifts[] = {2, 0, 1, 0};  // of MPEG-2.5, none, MPEG-2, MPEG-1
  static constexpr int versions[] = {3, 0, 2, 1};
  const bool mono = (header >> 6 & 3) == 3;
  return MpegAudio{{rates[rate] >> shifts[version], mono ? 1 : 2},
                   4 - static_cast<int>(layer),
                   versions[version]};
}

GstCaps* mp3_caps(const TrackFormat& format, Bytes frame) {
  const auto header = read_mpeg_audio(frame);
  const MpegAudio audio = header.value_or(MpegAudio());
  GstCaps* caps =
      gst_caps_new_simple("audio/mpeg", "mpegversion", G_TYPE_INT, 1, "layer", G_TYPE_INT,
                          audio.layer, "parsed", G_TYPE_BOOLEAN, TRUE, nullptr);
  if (header) {
    gst_caps_set_simple(caps, "mpegaudioversion", G_TYPE_INT, audio.version, nullptr);
    set_sound(caps, audio.sound);
  } else if (format.flags) {
    // The flags of MP3 8 kHz cannot say what its id says.
    Sound sound = sound_of(*format.flags);
    if (format.codec == Codec::mp3_8k) sound.rate = 8000;
    set_sound(caps, sound);
  } else {
    set_sound(caps, sound_of(format.hints));
  }
  return caps;
}

// RFC 7845 §5.1; GStreamer's own reader takes it as an error of the program if this is not so.
bool is_opus_head(Bytes config) {
  constexpr std::size_t plain_size = 19, mapping_at = 21;
  if (config.size() < plain_size || std::memcmp(config.data(), "OpusHead", 8) != 0) return false;
  const int channels = config[9], family = config[18];
  if (family == 0) return channels == 1 || channels == 2;
  if (channels == 0 || config.size() < mapping_at + channels) return false;
  const int streams = config[19], coupled = config[20];
  if (family == 1 && channels > 8) return false;
  if (streams == 0 || coupled > streams || streams + coupled > 255) return false;
  constexpr int silence = 255;
  return std::ranges::all_of(config.subspan(mapping_at, channels), [&](int channel) {
    return channel == silence || channel < streams + coupled;
  });
}

// The streams and mapping of RFC 7845 §5.1.1.2, in Vorbis's order of channels.
GstCaps* default_opus_caps(guint8 channels) {
  static constexpr guint8 streams[] = {1, 1, 2, 2, 3, 4, 4, 5};
  static constexpr guint8 coupled[] = {0, 1, 1, 2, 2, 2, 3, 3};
  static constexpr guint8 mappings[][8] = {{0},
                                           {0, 1},
                                           {0, 2, 1},
                                           {0, 1, 2, 3},
                                           {0, 4, 1, 2, 3},
                                           {0, 4, 1, 2, 3, 5},
                                           {0, 4, 1, 2, 3, 5, 6},
                                           {0, 6, 1, 2, 3, 4, 5, 7}};
  if (channels < 1 || channels > 8) channels = 2;
  const std::size_t i = channels - 1u;
  if (channels <= 2)
    return gst_codec_utils_opus_create_caps(48000, channels, 0, 1, coupled[i], nullptr);
  return gst_codec_utils_opus_create_caps(48000, channels, 1, streams[i], coupled[i], mappings[i]);
}

GstCaps* opus_caps(const TrackFormat& format) {
  GstCaps* caps = nullptr;
  if (is_opus_head(format.config)) {
    GstBuffer* header = to_buffer(format.config);
    caps = gst_codec_utils_opus_create_caps_from_header(header, nullptr);
    gst_buffer_unref(header);
  }
  if (caps) return caps;
  return default_opus_caps(format.channels ? format.channels->channels : guint8{2});
}

// Either "fLaC" and its first block, or that block's 34 bytes alone.
Bytes flac_stream_info(Bytes config) {
  constexpr std::size_t marker_and_block_header = 8, stream_info_size = 34;
  if (config.size() >= 4 && std::memcmp(config.data(), "fLaC", 4) == 0)
    config = config.subspan(std::min(config.size(), marker_and_block_header));
  return config.size() >= stream_info_size ? config.first(stream_info_size) : Bytes();
}

GstCaps* flac_caps(const TrackFormat& format) {
  GstCaps* caps = gst_caps_new_simple("audio/x-flac", "framed", G_TYPE_BOOLEAN, TRUE, nullptr);
  const Bytes info = flac_stream_info(format.config);
  if (info.empty()) {
    set_sound(caps, sound_of(format.hints));
    return caps;
  }
  ByteReader in(info.subspan(10));
  const std::uint32_t packed = in.u32();  // 20 bits rate, 3 bits channels - 1, 5 bits depth - 1
  set_sound(caps, {static_cast<int>(packed >> 12), static_cast<int>(packed >> 9 & 7) + 1});
  // As Ogg has it, with a second header without any comment: muxers of GStreamer ask for both.
  rtmp::ByteWriter first, comments;
  first.u8(0x7F).text("FLAC").u8(1).u8(0).u16(1);
  first.text("fLaC").u8(0).u24(static_cast<std::uint32_t>(info.size())).bytes(info);
  comments.u8(0x84).u24(8).u32_le(0).u32_le(0);
  set_stream_header(caps, {to_buffer(first.view()), to_buffer(comments.view())});
  return caps;
}

// ATSC A/52 §5.3 and annex E §E.1.2
Sound read_ac3(Bytes frame) {
  constexpr int rates[] = {48000, 44100, 32000};
  constexpr int channels[] = {2, 1, 2, 3, 3, 4, 4, 5};
  constexpr int eac3_from = 11;  // bsid
  if (frame.size() < 7 || frame[0] != 0x0B || frame[1] != 0x77) return {};
  const int bsid = frame[5] >> 3;
  const int rate_code = frame[4] >> 6;
  if (bsid >= eac3_from) {
    const int rate = rate_code == 3 ? 0 : rates[rate_code];
    return {rate, channels[frame[4] >> 1 & 7] + (frame[4] & 1)};
  }
  if (rate_code == 3) return {};
  // Before the bit of the low frequencies come mixing levels, as the mode has need of them.
  const int mode = frame[6] >> 5;
  int lfe_bit = 3;
  if ((mode & 1) && mode != 1) lfe_bit += 2;
  if (mode & 4) lfe_bit += 2;
  if (mode == 2) lfe_bit += 2;
  const int lfe = frame[6] >> (7 - lfe_bit) & 1;
  return {rates[rate_code], channels[mode] + lfe};
}

GstCaps* ac3_caps(const char* name, const TrackFormat& format, Bytes frame) {
  GstCaps* caps = gst_caps_new_simple(name, "framed", G_TYPE_BOOLEAN, TRUE, "alignment",
                                      G_TYPE_STRING, "frame", nullptr);
  const Sound sound = read_ac3(frame);
  set_sound(caps, sound.channels > 0 ? sound : sound_of(format.hints));
  return caps;
}

// FLV's Speex is 16 kHz mono without the header that decoders ask for.
GstCaps* speex_caps() {
  constexpr int rate = 16000;
  constexpr std::size_t header_size = 80;
  rtmp::ByteWriter header;
  header.text("Speex   ").text("1.1.12");
  while (header.size() < 28) header.u8(0);
  // version id, header size, rate, mode (wide band), its version, channels, bit rate, frame size,
  // variable bit rate, frames per packet
  for (const std::uint32_t field : {1u, 80u, unsigned{rate}, 1u, 4u, 1u, 0xFFFFFFFFu, 320u, 0u, 1u})
    header.u32_le(field);
  while (header.size() < header_size) header.u8(0);
  rtmp::ByteWriter comment;
  comment.u32_le(7).text("No tags").u32_le(0).u8(1);
  GstCaps* caps = gst_caps_new_simple("audio/x-speex", "rate", G_TYPE_INT, rate, "channels",
                                      G_TYPE_INT, 1, nullptr);
  set_stream_header(caps, {to_buffer(header.view()), to_buffer(comment.view())});
  return caps;
}

GstCaps* pcm_caps(const LegacyAudioFlags& flags) {
  GstCaps* caps =
      gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING, flags.bits_16 ? "S16LE" : "U8",
                          "layout", G_TYPE_STRING, "interleaved", nullptr);
  set_sound(caps, sound_of(flags));
  return caps;
}

GstCaps* simple_caps(const char* name, const Sound& sound) {
  GstCaps* caps = gst_caps_new_empty_simple(name);
  set_sound(caps, sound);
  return caps;
}

GstCaps* adpcm_caps(const LegacyAudioFlags& flags) {
  GstCaps* caps = simple_caps("audio/x-adpcm", sound_of(flags));
  gst_caps_set_simple(caps, "layout", G_TYPE_STRING, "swf", nullptr);
  return caps;
}

GstCaps* codec_caps(const TrackFormat& format, Bytes frame) {
  const LegacyAudioFlags flags = format.flags.value_or(LegacyAudioFlags());
  switch (format.codec) {
    case Codec::aac:
      return format.config.empty() ? nullptr : aac_caps(format.config);
    case Codec::mp3:
    case Codec::mp3_8k:
      return mp3_caps(format, frame);
    case Codec::opus:
      return opus_caps(format);
    case Codec::flac:
      return flac_caps(format);
    case Codec::ac3:
      return ac3_caps("audio/x-ac3", format, frame);
    case Codec::eac3:
      return ac3_caps("audio/x-eac3", format, frame);
    case Codec::speex:
      return speex_caps();
    case Codec::nellymoser_16k:
      return simple_caps("audio/x-nellymoser", {16000, 1});
    case Codec::nellymoser_8k:
      return simple_caps("audio/x-nellymoser", {8000, 1});
    case Codec::nellymoser:
      return simple_caps("audio/x-nellymoser", sound_of(flags));
    case Codec::g711_alaw:
      return simple_caps("audio/x-alaw", {8000, sound_of(flags).channels});
    case Codec::g711_mulaw:
      return simple_caps("audio/x-mulaw", {8000, sound_of(flags).channels});
    case Codec::adpcm:
      return adpcm_caps(flags);
    case Codec::pcm_platform:
    case Codec::pcm_le:
      return pcm_caps(flags);
    default:
      return nullptr;
  }
}

}  // namespace

GstCaps* audio_caps_for(const TrackFormat& format, Bytes frame) {
  GstCaps* caps = codec_caps(format, frame);
  if (caps && format.channels) set_channels(caps, *format.channels);
  return caps;
}
