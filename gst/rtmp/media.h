// What an audio or video payload is: codec, key frame, sequence header; legacy FLV and Enhanced
// RTMP v2. It reads headers, never a codec's own bitstream. docs/protocol/media.md has the tables.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "rtmp/error.h"
#include "rtmp/message.h"

namespace rtmp::media {

// Four characters in wire order, as a big-endian number: four_cc("avc1") == 0x61766331.
using FourCc = std::uint32_t;
constexpr FourCc four_cc(std::string_view text) {
  return FourCc{static_cast<std::uint8_t>(text[0])} << 24 |
         FourCc{static_cast<std::uint8_t>(text[1])} << 16 |
         FourCc{static_cast<std::uint8_t>(text[2])} << 8 | static_cast<std::uint8_t>(text[3]);
}

enum class Codec {
  unknown,
  // video
  sorenson_h263,
  screen_video,
  vp6,
  vp6_alpha,
  screen_video_2,
  h264,
  h263,
  mpeg4,
  h265,
  h266,
  av1,
  vp8,
  vp9,
  // audio
  pcm_platform,
  adpcm,
  mp3,
  pcm_le,
  nellymoser_16k,
  nellymoser_8k,
  nellymoser,
  g711_alaw,
  g711_mulaw,
  aac,
  speex,
  opus,
  mp3_8k,
  device_specific,
  flac,
  ac3,
  eac3,
};

std::string_view to_string(Codec codec);  // "H.264", "AAC", ... for people
std::optional<FourCc> four_cc_of(Codec codec);
Codec codec_of_video_four_cc(FourCc four_cc);
Codec codec_of_audio_four_cc(FourCc four_cc);

// FLV 10.1 E.4.3.1; 0 is written by nobody who should, but it is seen.
enum class FrameType : std::uint8_t {
  none = 0,
  key = 1,
  inter = 2,
  disposable_inter = 3,
  generated_key = 4,
  command = 5,
};

// Legacy packets are described by the same words: AVCPacketType 0, 1, 2 are sequence_start,
// coded_frames, sequence_end; codecs without packet types only have coded_frames.
enum class PacketType {
  sequence_start,
  coded_frames,
  sequence_end,
  metadata,
  multichannel_config,
  command,
};

enum class SampleRate : std::uint8_t { khz_5_5 = 0, khz_11 = 1, khz_22 = 2, khz_44 = 3 };
struct LegacyAudioFlags {
  SampleRate rate = SampleRate::khz_44;
  bool bits_16 = true;
  bool stereo = true;

  bool operator==(const LegacyAudioFlags&) const = default;
};

// One track's part of a message. Without Multitrack there is one, track 0.
struct TrackPacket {
  std::uint8_t track_id = 0;
  Codec codec = Codec::unknown;
  FourCc four_cc = 0;                 // 0 in legacy packets
  std::int32_t composition_time = 0;  // ms, signed 24 bits
  std::size_t offset = 0;             // of the body in the payload: what decoders are given
  std::size_t size = 0;

  bool operator==(const TrackPacket&) const = default;
};

struct Packet {
  bool video = false;
  bool enhanced = false;
  FrameType frame_type = FrameType::none;  // video; audio packets are all sync points
  PacketType type = PacketType::coded_frames;
  std::uint32_t nanoseconds = 0;                // ModEx TimestampOffsetNano, 0 .. 999999
  std::optional<std::uint8_t> multitrack;       // the MultitrackType, if there is one
  std::optional<LegacyAudioFlags> audio_flags;  // legacy audio
  std::uint8_t command = 0;     // with PacketType::command: 0 start seek, 1 end seek
  bool coded_frames_x = false;  // coded_frames sent as CodedFramesX: no composition time field
  bool mpeg2ts_start = false;   // sequence_start in the AV1 video descriptor form
  std::uint8_t vp6_adjust = 0;  // legacy VP6: pixels to crop, width in the high nibble
  // Empty: silence, or an enhanced command. A legacy command has one, for its codec.
  std::vector<TrackPacket> tracks;

  bool operator==(const Packet&) const = default;
};

// Reads the whole header. An empty audio payload is silence (no tracks); an empty video payload,
// like every payload that ends inside its header, is bad_media_payload, as are reserved packet
// types and more tracks than there are ids; a codec id or FourCC that nobody knows is
// unsupported_codec. What `packet` was before does not matter, what it is after an error neither.
Result<void> read_audio(Bytes payload, Packet& packet);
Result<void> read_video(Bytes payload, Packet& packet);
Result<Packet> read_audio(Bytes payload);
Result<Packet> read_video(Bytes payload);
Result<Packet> read(const Message& message);  // audio or video by the message's type

// The body of a multichannel_config track.
struct MultichannelConfig {
  enum class Order : std::uint8_t { unspecified = 0, native = 1, custom = 2 };
  Order order = Order::unspecified;
  std::uint8_t channels = 0;
  std::uint32_t mask = 0;             // native: bit n is AudioChannel n
  std::vector<std::uint8_t> mapping;  // custom: the AudioChannel of each; 0xFE unused, 0xFF unknown

  bool operator==(const MultichannelConfig&) const = default;
};
Result<MultichannelConfig> read_multichannel_config(Bytes body);

// All that a relay needs, without allocation. Payloads that cannot be read relay as `other`, those
// of codecs that nobody knows yet by their kind.
struct Summary {
  enum class Kind : std::uint8_t {
    sequence_start,
    description,  // MultichannelConfig, Metadata: late players need the last of each, too
    key_frame,
    inter_frame,
    disposable_frame,
    audio,
    other,
  };
  Kind kind = Kind::other;
  bool enhanced = false;
  std::uint8_t track_id = 0;  // of OneTrack and plain packets; 0 for ManyTracks
  bool many_tracks = false;
  Codec codec = Codec::unknown;
};
Summary summarize(const Message& message);
// SequenceEnd: nothing of some track follows.
bool ends_a_track(const Message& message);

// The other way: headers to put before a body, for packets of one track: legacy, or with FourCC,
// alone or as OneTrack. What was read is written byte for byte, except that ModEx types other than
// the nanoseconds are left out; reading it gives the same packet.
std::vector<std::uint8_t> write_audio_header(const Packet& packet);
std::vector<std::uint8_t> write_video_header(const Packet& packet);

}  // namespace rtmp::media
