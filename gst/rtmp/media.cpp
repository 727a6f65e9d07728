// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/media.h"

#include <algorithm>
#include <cassert>

namespace rtmp::media {
namespace {

constexpr std::uint8_t no_legacy_id = 0xFF;

struct CodecInfo {
  Codec codec;
  std::string_view name;
  std::uint8_t legacy_id;  // CodecID or SoundFormat
  FourCc four_cc;          // 0: none
};

// Ids 12 to 15 of video and 13 of audio are no part of FLV; Chinese servers and encoders use them.
constexpr CodecInfo video_codecs[] = {
    {Codec::sorenson_h263, "Sorenson H.263", 2, 0},
    {Codec::screen_video, "Screen Video", 3, 0},
    {Codec::vp6, "VP6", 4, 0},
    {Codec::vp6_alpha, "VP6 with alpha", 5, 0},
    {Codec::screen_video_2, "Screen Video 2", 6, 0},
    {Codec::h264, "H.264", 7, four_cc("avc1")},
    {Codec::h263, "H.263", 8, 0},
    {Codec::mpeg4, "MPEG-4 Part 2", 9, 0},
    {Codec::h265, "H.265", 12, four_cc("hvc1")},
    {Codec::h266, "H.266", no_legacy_id, four_cc("vvc1")},
    {Codec::av1, "AV1", 13, four_cc("av01")},
    {Codec::vp8, "VP8", 14, four_cc("vp08")},
    {Codec::vp9, "VP9", 15, four_cc("vp09")},
};

constexpr CodecInfo audio_codecs[] = {
    {Codec::pcm_platform, "PCM", 0, 0},
    {Codec::adpcm, "ADPCM", 1, 0},
    {Codec::mp3, "MP3", 2, four_cc(".mp3")},
    {Codec::pcm_le, "PCM, little endian", 3, 0},
    {Codec::nellymoser_16k, "Nellymoser 16 kHz", 4, 0},
    {Codec::nellymoser_8k, "Nellymoser 8 kHz", 5, 0},
    {Codec::nellymoser, "Nellymoser", 6, 0},
    {Codec::g711_alaw, "G.711 A-law", 7, 0},
    {Codec::g711_mulaw, "G.711 mu-law", 8, 0},
    {Codec::aac, "AAC", 10, four_cc("mp4a")},
    {Codec::speex, "Speex", 11, 0},
    {Codec::opus, "Opus", 13, four_cc("Opus")},
    {Codec::mp3_8k, "MP3 8 kHz", 14, 0},
    {Codec::device_specific, "device specific", 15, 0},
    {Codec::flac, "FLAC", no_legacy_id, four_cc("fLaC")},
    {Codec::ac3, "AC-3", no_legacy_id, four_cc("ac-3")},
    {Codec::eac3, "E-AC-3", no_legacy_id, four_cc("ec-3")},
};

std::span<const CodecInfo> codecs(bool video) {
  if (video) return video_codecs;
  return audio_codecs;
}

const CodecInfo* find_codec(Codec codec, bool video) {
  const auto table = codecs(video);
  const auto found = std::ranges::find(table, codec, &CodecInfo::codec);
  return found == table.end() ? nullptr : &*found;
}

const CodecInfo* find_codec(Codec codec) {
  const CodecInfo* found = find_codec(codec, true);
  return found ? found : find_codec(codec, false);
}

// A table of its own: it is asked for every message.
constexpr auto by_legacy_id(std::span<const CodecInfo> codecs) {
  std::array<Codec, 16> table = {};
  for (const CodecInfo& info : codecs)
    if (info.legacy_id != no_legacy_id) table[info.legacy_id] = info.codec;
  return table;
}

Codec codec_of_legacy_id(std::uint8_t id, bool video) {
  static constexpr auto video_table = by_legacy_id(video_codecs);
  static constexpr auto audio_table = by_legacy_id(audio_codecs);
  return video ? video_table[id] : audio_table[id];
}

Codec codec_of_four_cc(FourCc four_cc, bool video) {
  if (four_cc == 0) return Codec::unknown;
  const auto table = codecs(video);
  const auto found = std::ranges::find(table, four_cc, &CodecInfo::four_cc);
  return found == table.end() ? Codec::unknown : found->codec;
}

// 0 for Codec::unknown: the id that nobody has in video.
std::uint8_t legacy_id_of(Codec codec, bool video) {
  const CodecInfo* info = find_codec(codec, video);
  assert(!info || info->legacy_id != no_legacy_id);
  return info ? info->legacy_id : std::uint8_t{0};
}

// First byte of video payloads: this bit instead of a frame type above 7.
constexpr std::uint8_t is_ex_header = 0x80;
// First byte of audio payloads: this SoundFormat.
constexpr std::uint8_t ex_sound_format = 9;

// VideoPacketType and AudioPacketType, E-RTMP v2.
namespace wire {
constexpr std::uint8_t sequence_start = 0;
constexpr std::uint8_t coded_frames = 1;
constexpr std::uint8_t sequence_end = 2;
constexpr std::uint8_t coded_frames_x = 3;          // video
constexpr std::uint8_t metadata = 4;                // video
constexpr std::uint8_t multichannel_config = 4;     // audio
constexpr std::uint8_t mpeg2ts_sequence_start = 5;  // video
constexpr std::uint8_t mod_ex = 7;
constexpr std::uint8_t multitrack(bool video) { return video ? 6 : 5; }
}  // namespace wire

constexpr std::uint8_t timestamp_offset_nano = 0;  // ModExType
constexpr std::uint32_t max_nanoseconds = 999'999;

// AvMultitrackType
constexpr std::uint8_t one_track = 0;
constexpr std::uint8_t many_tracks = 1;
constexpr std::uint8_t many_tracks_many_codecs = 2;

constexpr std::size_t max_tracks = 256;  // a track id is a byte

std::optional<PacketType> video_packet_type(std::uint8_t type) {
  switch (type) {
    case wire::sequence_start:
    case wire::mpeg2ts_sequence_start:
      return PacketType::sequence_start;
    case wire::coded_frames:
    case wire::coded_frames_x:
      return PacketType::coded_frames;
    case wire::sequence_end:
      return PacketType::sequence_end;
    case wire::metadata:
      return PacketType::metadata;
    default:
      return {};
  }
}

std::optional<PacketType> audio_packet_type(std::uint8_t type) {
  switch (type) {
    case wire::sequence_start:
      return PacketType::sequence_start;
    case wire::coded_frames:
      return PacketType::coded_frames;
    case wire::sequence_end:
      return PacketType::sequence_end;
    case wire::multichannel_config:
      return PacketType::multichannel_config;
    default:
      return {};
  }
}

// As new, but with the memory that it has.
void empty(Packet& packet) {
  Packet fresh;
  fresh.tracks = std::move(packet.tracks);
  fresh.tracks.clear();
  packet = std::move(fresh);
}

// What an enhanced payload says before its first track.
struct EnhancedHeader {
  bool video = false;
  FrameType frame_type = FrameType::none;
  std::uint8_t wire_type = 0;
  PacketType type = PacketType::coded_frames;
  std::uint32_t nanoseconds = 0;
  std::uint8_t command = 0;
  std::optional<std::uint8_t> multitrack;
  FourCc four_cc = 0;  // not with many_tracks_many_codecs: there each track has its own
};

bool read_mod_ex(ByteReader& in, EnhancedHeader& header) {
  while (header.wire_type == wire::mod_ex) {
    std::size_t size = std::size_t{in.u8()} + 1;
    if (size == 256) size = std::size_t{in.u16()} + 1;
    ByteReader data(in.bytes(size));
    const std::uint8_t types = in.u8();
    if (!in.ok()) return false;
    if (types >> 4 == timestamp_offset_nano)
      header.nanoseconds = std::min(data.u24(), max_nanoseconds);
    if (!data.ok()) return false;
    header.wire_type = types & 0xF;
  }
  return true;
}

bool read_multitrack(ByteReader& in, EnhancedHeader& header) {
  if (header.wire_type == wire::multitrack(header.video)) {
    const std::uint8_t types = in.u8();
    header.multitrack = static_cast<std::uint8_t>(types >> 4);
    header.wire_type = types & 0xF;
  }
  return !header.multitrack || *header.multitrack <= many_tracks_many_codecs;
}

// Nothing if the payload ends inside the header or uses what is reserved.
std::optional<EnhancedHeader> read_enhanced_header(ByteReader& in, bool video) {
  EnhancedHeader header;
  header.video = video;
  const std::uint8_t first = in.u8();
  if (video) header.frame_type = static_cast<FrameType>(first >> 4 & 7);
  header.wire_type = first & 0xF;
  if (!read_mod_ex(in, header)) return {};
  if (header.frame_type == FrameType::command && header.wire_type != wire::metadata) {
    header.type = PacketType::command;
    header.command = in.u8();
    if (!in.ok()) return {};
    return header;
  }
  if (!read_multitrack(in, header)) return {};
  const auto type =
      video ? video_packet_type(header.wire_type) : audio_packet_type(header.wire_type);
  if (!type) return {};
  header.type = *type;
  if (header.multitrack != many_tracks_many_codecs) header.four_cc = in.u32();
  if (!in.ok()) return {};
  return header;
}

bool has_composition_time(Codec codec) {
  return codec == Codec::h264 || codec == Codec::h265 || codec == Codec::h266;
}

Result<TrackPacket> read_track(ByteReader& in, const EnhancedHeader& header) {
  TrackPacket track;
  track.four_cc = header.multitrack == many_tracks_many_codecs ? in.u32() : header.four_cc;
  if (header.multitrack) track.track_id = in.u8();
  const bool sized = header.multitrack && header.multitrack != one_track;
  const std::size_t size = sized ? in.u24() : in.remaining();
  track.offset = in.position();
  ByteReader body(in.bytes(size));
  if (!in.ok()) return Error::bad_media_payload;
  track.codec = codec_of_four_cc(track.four_cc, header.video);
  if (track.codec == Codec::unknown) return Error::unsupported_codec;
  if (header.video && header.wire_type == wire::coded_frames && has_composition_time(track.codec))
    track.composition_time = body.s24();
  if (!body.ok()) return Error::bad_media_payload;
  track.offset += body.position();
  track.size = body.remaining();
  return track;
}

Result<void> read_enhanced(ByteReader& in, bool video, Packet& packet) {
  const auto header = read_enhanced_header(in, video);
  if (!header) return Error::bad_media_payload;
  packet.video = video;
  packet.enhanced = true;
  packet.frame_type = header->frame_type;
  packet.type = header->type;
  packet.nanoseconds = header->nanoseconds;
  packet.multitrack = header->multitrack;
  packet.command = header->command;
  if (packet.type == PacketType::command) return {};
  packet.coded_frames_x = video && header->wire_type == wire::coded_frames_x;
  packet.mpeg2ts_start = video && header->wire_type == wire::mpeg2ts_sequence_start;
  do {
    auto track = read_track(in, *header);
    if (!track) return track.error();
    if (packet.tracks.size() == max_tracks) return Error::bad_media_payload;
    packet.tracks.push_back(*track);
  } while (!in.at_end());
  return {};
}

// AVCPacketType and AACPacketType
std::optional<PacketType> legacy_packet_type(std::uint8_t type) {
  switch (type) {
    case 0:
      return PacketType::sequence_start;
    case 1:
      return PacketType::coded_frames;
    case 2:
      return PacketType::sequence_end;
    default:
      return {};
  }
}

std::uint8_t legacy_wire_type(PacketType type) {
  assert(type <= PacketType::sequence_end);
  return static_cast<std::uint8_t>(type);
}

// Codecs whose legacy header goes on with an AVCPacketType and a composition time.
bool has_avc_header(Codec codec) {
  return codec == Codec::h264 || codec == Codec::mpeg4 || codec == Codec::h265 ||
         codec == Codec::av1;
}

bool is_vp6(Codec codec) { return codec == Codec::vp6 || codec == Codec::vp6_alpha; }

void set_body(TrackPacket& track, const ByteReader& in) {
  track.offset = in.position();
  track.size = in.remaining();
}

Result<void> read_legacy_video(ByteReader& in, Packet& packet) {
  packet.video = true;
  const std::uint8_t first = in.u8();
  packet.frame_type = static_cast<FrameType>(first >> 4);
  TrackPacket track;
  track.codec = codec_of_legacy_id(first & 0xF, true);
  std::optional<PacketType> type = PacketType::coded_frames;
  // A command is no picture of any codec, so no codec's header follows.
  if (packet.frame_type == FrameType::command) {
    type = PacketType::command;
    packet.command = in.u8();
  } else if (track.codec == Codec::unknown) {
    return Error::unsupported_codec;
  } else if (has_avc_header(track.codec)) {
    type = legacy_packet_type(in.u8());
    track.composition_time = in.s24();
  } else if (is_vp6(track.codec)) {
    packet.vp6_adjust = in.u8();
  }
  if (!in.ok() || !type) return Error::bad_media_payload;
  packet.type = *type;
  set_body(track, in);
  packet.tracks.push_back(track);
  return {};
}

Result<void> read_legacy_audio(ByteReader& in, Packet& packet) {
  const std::uint8_t first = in.u8();
  packet.audio_flags = {static_cast<SampleRate>(first >> 2 & 3), (first & 2) != 0,
                        (first & 1) != 0};
  TrackPacket track;
  track.codec = codec_of_legacy_id(first >> 4, false);
  if (track.codec == Codec::unknown) return Error::unsupported_codec;
  if (track.codec == Codec::aac) {
    const auto type = legacy_packet_type(in.u8());
    if (!in.ok() || !type || *type == PacketType::sequence_end) return Error::bad_media_payload;
    packet.type = *type;
  }
  set_body(track, in);
  packet.tracks.push_back(track);
  return {};
}

Summary::Kind kind_of_frame(FrameType type) {
  switch (type) {
    case FrameType::key:
    case FrameType::generated_key:
      return Summary::Kind::key_frame;
    case FrameType::disposable_inter:
      return Summary::Kind::disposable_frame;
    case FrameType::command:
      return Summary::Kind::other;
    // Senders that do not know write 0: nothing to start at, nothing to drop.
    default:
      return Summary::Kind::inter_frame;
  }
}

Summary::Kind kind_of_enhanced(const EnhancedHeader& header) {
  switch (header.type) {
    case PacketType::sequence_start:
      return Summary::Kind::sequence_start;
    case PacketType::metadata:
    case PacketType::multichannel_config:
      return Summary::Kind::description;
    case PacketType::coded_frames:
      return header.video ? kind_of_frame(header.frame_type) : Summary::Kind::audio;
    default:
      return Summary::Kind::other;
  }
}

Summary summarize_enhanced(ByteReader& in, bool video) {
  Summary summary;
  summary.enhanced = true;
  const auto header = read_enhanced_header(in, video);
  if (!header || header->type == PacketType::command) return summary;
  summary.many_tracks = header->multitrack && header->multitrack != one_track;
  const bool own_four_cc = header->multitrack == many_tracks_many_codecs;
  summary.codec = codec_of_four_cc(own_four_cc ? in.u32() : header->four_cc, video);
  if (header->multitrack == one_track) summary.track_id = in.u8();
  if (in.ok()) summary.kind = kind_of_enhanced(*header);
  return summary;
}

Summary summarize_legacy_video(ByteReader& in) {
  Summary summary;
  const std::uint8_t first = in.u8();
  const auto frame_type = static_cast<FrameType>(first >> 4);
  summary.codec = codec_of_legacy_id(first & 0xF, true);
  if (!has_avc_header(summary.codec) || frame_type == FrameType::command) {
    summary.kind = kind_of_frame(frame_type);
    return summary;
  }
  const auto type = legacy_packet_type(in.u8());
  in.s24();
  if (!in.ok()) return summary;
  if (type == PacketType::coded_frames) summary.kind = kind_of_frame(frame_type);
  // An empty one must not replace the header that players need.
  if (type == PacketType::sequence_start && !in.at_end())
    summary.kind = Summary::Kind::sequence_start;
  return summary;
}

Summary summarize_legacy_audio(ByteReader& in) {
  Summary summary;
  summary.kind = Summary::Kind::audio;
  if (in.at_end()) return summary;  // silence
  summary.codec = codec_of_legacy_id(in.u8() >> 4, false);
  if (summary.codec != Codec::aac) return summary;
  const auto type = legacy_packet_type(in.u8());
  if (!in.ok()) summary.kind = Summary::Kind::other;
  if (type == PacketType::sequence_start)
    summary.kind = in.at_end() ? Summary::Kind::other : Summary::Kind::sequence_start;
  return summary;
}

std::uint8_t enhanced_wire_type(const Packet& packet) {
  switch (packet.type) {
    case PacketType::sequence_start:
      return packet.mpeg2ts_start ? wire::mpeg2ts_sequence_start : wire::sequence_start;
    case PacketType::coded_frames:
      return packet.coded_frames_x ? wire::coded_frames_x : wire::coded_frames;
    case PacketType::sequence_end:
      return wire::sequence_end;
    case PacketType::metadata:
      return wire::metadata;
    case PacketType::multichannel_config:
      return wire::multichannel_config;
    // Any type but Metadata says command; CodedFrames is what others write.
    case PacketType::command:
      return wire::coded_frames;
  }
  return wire::coded_frames;
}

// `first` is the first byte without its packet type.
std::vector<std::uint8_t> write_enhanced_header(const Packet& packet, std::uint32_t first) {
  assert(!packet.multitrack || packet.multitrack == one_track);
  assert(packet.nanoseconds <= max_nanoseconds);
  ByteWriter out;
  const std::uint8_t type = enhanced_wire_type(packet);
  const std::uint8_t outer_type = packet.multitrack ? wire::multitrack(packet.video) : type;
  if (packet.nanoseconds != 0)
    out.u8(first | wire::mod_ex).u8(3 - 1).u24(packet.nanoseconds).u8(outer_type);
  else
    out.u8(first | outer_type);
  if (packet.type == PacketType::command) return out.u8(packet.command).take();
  assert(packet.tracks.size() == 1);
  const TrackPacket& track = packet.tracks.front();
  if (packet.multitrack) out.u8(type);
  out.u32(track.four_cc);
  if (packet.multitrack) out.u8(track.track_id);
  if (packet.video && type == wire::coded_frames && has_composition_time(track.codec))
    out.s24(track.composition_time);
  return out.take();
}

std::vector<std::uint8_t> write_legacy_video_header(const Packet& packet) {
  assert(packet.tracks.size() == 1);
  const TrackPacket& track = packet.tracks.front();
  ByteWriter out;
  out.u8(static_cast<std::uint32_t>(packet.frame_type) << 4 | legacy_id_of(track.codec, true));
  if (packet.type == PacketType::command)
    out.u8(packet.command);
  else if (has_avc_header(track.codec))
    out.u8(legacy_wire_type(packet.type)).s24(track.composition_time);
  else if (is_vp6(track.codec))
    out.u8(packet.vp6_adjust);
  return out.take();
}

std::vector<std::uint8_t> write_legacy_audio_header(const Packet& packet) {
  if (packet.tracks.empty()) return {};  // silence
  assert(packet.tracks.size() == 1);
  const Codec codec = packet.tracks.front().codec;
  const LegacyAudioFlags flags = packet.audio_flags.value_or(LegacyAudioFlags{});
  ByteWriter out;
  out.u8(std::uint32_t{legacy_id_of(codec, false)} << 4 |
         static_cast<std::uint32_t>(flags.rate) << 2 | std::uint32_t{flags.bits_16} << 1 |
         std::uint32_t{flags.stereo});
  if (codec == Codec::aac) {
    assert(packet.type != PacketType::sequence_end);  // AAC has none
    out.u8(legacy_wire_type(packet.type));
  }
  return out.take();
}

}  // namespace

std::string_view to_string(Codec codec) {
  const CodecInfo* info = find_codec(codec);
  return info ? info->name : "unknown";
}

std::optional<FourCc> four_cc_of(Codec codec) {
  const CodecInfo* info = find_codec(codec);
  if (!info || info->four_cc == 0) return {};
  return info->four_cc;
}

Codec codec_of_video_four_cc(FourCc four_cc) { return codec_of_four_cc(four_cc, true); }
Codec codec_of_audio_four_cc(FourCc four_cc) { return codec_of_four_cc(four_cc, false); }

Result<void> read_audio(Bytes payload, Packet& packet) {
  empty(packet);
  if (payload.empty()) return {};
  ByteReader in(payload);
  return in.peek() >> 4 == ex_sound_format ? read_enhanced(in, false, packet)
                                           : read_legacy_audio(in, packet);
}

Result<void> read_video(Bytes payload, Packet& packet) {
  empty(packet);
  if (payload.empty()) return Error::bad_media_payload;
  ByteReader in(payload);
  return in.peek() & is_ex_header ? read_enhanced(in, true, packet) : read_legacy_video(in, packet);
}

Result<Packet> read_audio(Bytes payload) {
  Packet packet;
  if (const auto read = read_audio(payload, packet); !read) return read.error();
  return packet;
}

Result<Packet> read_video(Bytes payload) {
  Packet packet;
  if (const auto read = read_video(payload, packet); !read) return read.error();
  return packet;
}

Result<Packet> read(const Message& message) {
  assert(is_media(message.type));
  return message.type == MessageType::video ? read_video(message.payload)
                                            : read_audio(message.payload);
}

Result<MultichannelConfig> read_multichannel_config(Bytes body) {
  ByteReader in(body);
  MultichannelConfig config;
  config.order = static_cast<MultichannelConfig::Order>(in.u8());
  config.channels = in.u8();
  if (config.order == MultichannelConfig::Order::native) config.mask = in.u32();
  if (config.order == MultichannelConfig::Order::custom) {
    const Bytes mapping = in.bytes(config.channels);
    config.mapping.assign(mapping.begin(), mapping.end());
  }
  if (!in.ok() || config.order > MultichannelConfig::Order::custom) return Error::bad_media_payload;
  return config;
}

Summary summarize(const Message& message) {
  ByteReader in(message.payload);
  if (message.type == MessageType::audio)
    return in.peek() >> 4 == ex_sound_format ? summarize_enhanced(in, false)
                                             : summarize_legacy_audio(in);
  if (message.type != MessageType::video || in.at_end()) return {};
  return in.peek() & is_ex_header ? summarize_enhanced(in, true) : summarize_legacy_video(in);
}

bool ends_a_track(const Message& message) {
  if (!is_media(message.type)) return false;
  const auto packet = read(message);
  return packet && packet->type == PacketType::sequence_end;
}

std::vector<std::uint8_t> write_audio_header(const Packet& packet) {
  assert(!packet.video);
  return packet.enhanced ? write_enhanced_header(packet, ex_sound_format << 4)
                         : write_legacy_audio_header(packet);
}

std::vector<std::uint8_t> write_video_header(const Packet& packet) {
  assert(packet.video);
  const auto first = is_ex_header | static_cast<std::uint32_t>(packet.frame_type) << 4;
  return packet.enhanced ? write_enhanced_header(packet, first) : write_legacy_video_header(packet);
}

}  // namespace rtmp::media
