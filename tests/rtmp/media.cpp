// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/media.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "records.h"

namespace rtmp::media {
namespace {

using test::from_hex;
using test::to_hex;
using Kind = Summary::Kind;

std::string name_of(PacketType type) {
  switch (type) {
    case PacketType::sequence_start:
      return "sequence_start";
    case PacketType::coded_frames:
      return "coded_frames";
    case PacketType::sequence_end:
      return "sequence_end";
    case PacketType::metadata:
      return "metadata";
    case PacketType::multichannel_config:
      return "multichannel_config";
    case PacketType::command:
      return "command";
  }
  return "?";
}

std::string number(const char* name, std::int64_t value) {
  return std::string(" ") + name + "=" + std::to_string(value);
}

// A packet in the words of tests/vectors/media.
std::string describe(const Packet& packet, Bytes payload) {
  std::string text = packet.video ? "video" : "audio";
  text += packet.enhanced ? " enhanced" : " legacy";
  if (packet.video) text += number("frame", static_cast<int>(packet.frame_type));
  if (const auto flags = packet.audio_flags)
    text += number("rate", static_cast<int>(flags->rate)) +
            number("bits", flags->bits_16 ? 16 : 8) + number("channels", flags->stereo ? 2 : 1);
  text += packet.type == PacketType::command ? number("command", packet.command)
                                             : " " + name_of(packet.type);
  if (packet.coded_frames_x) text += " x";
  if (packet.mpeg2ts_start) text += " mpeg2ts";
  if (packet.vp6_adjust) text += number("adjust", packet.vp6_adjust);
  if (packet.nanoseconds) text += number("nano", packet.nanoseconds);
  if (packet.multitrack) text += number("multitrack", *packet.multitrack);
  for (const TrackPacket& track : packet.tracks) {
    const Bytes body = payload.subspan(track.offset, track.size);
    text += " | " + std::to_string(track.track_id) + " " + std::string(to_string(track.codec)) +
            number("cts", track.composition_time) + " " + (body.empty() ? "-" : to_hex(body));
  }
  return text;
}

Result<Packet> read_payload(bool video, Bytes payload) {
  return video ? read_video(payload) : read_audio(payload);
}

Result<Packet> read_video_hex(const char* hex) { return read_video(from_hex(hex)); }
Result<Packet> read_audio_hex(const char* hex) { return read_audio(from_hex(hex)); }

std::vector<std::uint8_t> write_header(const Packet& packet) {
  return packet.video ? write_video_header(packet) : write_audio_header(packet);
}

Message message_of(MessageType type, Bytes payload) {
  return {type, 1, 0, Buffer::copy_of(payload)};
}

Summary summary_of_video(const char* hex) {
  return summarize(message_of(MessageType::video, from_hex(hex)));
}
Summary summary_of_audio(const char* hex) {
  return summarize(message_of(MessageType::audio, from_hex(hex)));
}

Kind video_kind(const char* hex) { return summary_of_video(hex).kind; }
Kind audio_kind(const char* hex) { return summary_of_audio(hex).kind; }

struct MediaVector {
  bool video;
  bool writable;
  std::vector<std::uint8_t> payload;
  std::string expected;
};

std::vector<MediaVector> vectors() {
  std::vector<MediaVector> all;
  for (const bool video : {true, false})
    for (const test::Record& record :
         test::read_records(video ? "media/video.txt" : "media/audio.txt")) {
      const bool writable = record.contains("both");
      all.push_back({video, writable, from_hex(test::field(record, writable ? "both" : "in")),
                     test::field(record, "out")});
    }
  return all;
}

TEST(Media, ReadsTheVectors) {
  ASSERT_GT(vectors().size(), 80u);
  for (const MediaVector& vector : vectors()) {
    const auto packet = read_payload(vector.video, vector.payload);
    ASSERT_TRUE(packet) << to_hex(vector.payload) << packet.error().message();
    EXPECT_EQ(describe(*packet, vector.payload), vector.expected) << to_hex(vector.payload);
  }
}

TEST(Media, WritesWhatItReadByteForByte) {
  for (const MediaVector& vector : vectors()) {
    if (!vector.writable) continue;
    const Packet packet = read_payload(vector.video, vector.payload).value();
    std::vector<std::uint8_t> written = write_header(packet);
    if (!packet.tracks.empty()) {
      const TrackPacket& track = packet.tracks.front();
      const Bytes body = Bytes(vector.payload).subspan(track.offset, track.size);
      written.insert(written.end(), body.begin(), body.end());
    }
    EXPECT_EQ(to_hex(written), to_hex(vector.payload));
    EXPECT_EQ(read_payload(vector.video, written).value(), packet) << to_hex(written);
  }
}

TEST(Media, LeavesOtherModExTypesOutWhenItWrites) {
  const Packet packet = read_video_hex("97 00ee17 0201e240 06 03 68766331 01").value();
  EXPECT_EQ(to_hex(write_video_header(packet)), "970201e24006036876633101");
}

TEST(Media, CutsOfVectorsAreReadOrRefusedAndNeverOverread) {
  for (const MediaVector& vector : vectors())
    for (std::size_t size = 0; size < vector.payload.size(); ++size) {
      // A block of exactly this size, so that a sanitizer sees what is read past it.
      const std::vector<std::uint8_t> cut(vector.payload.begin(),
                                          vector.payload.begin() + static_cast<long>(size));
      const auto packet = read_payload(vector.video, cut);
      const auto type = vector.video ? MessageType::video : MessageType::audio;
      const Summary summary = summarize(message_of(type, cut));
      if (!packet) {
        EXPECT_EQ(packet.error(), Error::bad_media_payload) << to_hex(cut);
        continue;
      }
      EXPECT_EQ(summary.enhanced, packet->enhanced) << to_hex(cut);
      for (const TrackPacket& track : packet->tracks)
        EXPECT_LE(track.offset + track.size, size) << to_hex(cut);
    }
}

TEST(Media, RandomPayloadsThatCanBeReadCanBeWritten) {
  const Random random = test::test_random();
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::uint8_t> payload(static_cast<std::size_t>(i % 24));
    random(payload);
    // Enhanced headers would rarely name a codec by chance.
    if (payload.size() > 8 && i % 2)
      std::ranges::copy(as_bytes(i % 4 == 1 ? "hvc1" : "mp4a"), payload.begin() + 1 + i % 3);
    for (const bool video : {true, false}) {
      const auto packet = read_payload(video, payload);
      if (!packet || packet->multitrack > 0) continue;
      std::vector<std::uint8_t> written = write_header(*packet);
      std::size_t body_size = packet->tracks.empty() ? 0 : packet->tracks.front().size;
      written.resize(written.size() + body_size);
      const auto again = read_payload(video, written);
      ASSERT_TRUE(again) << to_hex(payload);
      EXPECT_EQ(write_header(*again), write_header(*packet)) << to_hex(payload);
    }
  }
}

TEST(Media, RefusesMultitrackInsideMultitrack) {
  EXPECT_EQ(read_video_hex("96 06 61766331 00").error(), Error::bad_media_payload);
  EXPECT_EQ(read_audio_hex("95 05 6d703461 00").error(), Error::bad_media_payload);
}

TEST(Media, RefusesModExInsideMultitrack) {
  EXPECT_EQ(read_video_hex("96 07 61766331 00").error(), Error::bad_media_payload);
}

TEST(Media, RefusesReservedMultitrackTypes) {
  EXPECT_EQ(read_video_hex("96 31 61766331 00").error(), Error::bad_media_payload);
}

TEST(Media, RefusesReservedPacketTypes) {
  for (const char* hex : {"98 61766331 00", "9f 61766331 00"})
    EXPECT_EQ(read_video_hex(hex).error(), Error::bad_media_payload) << hex;
  for (const char* hex : {"93 6d703461 00", "96 016d703461 00", "98 6d703461 00"})
    EXPECT_EQ(read_audio_hex(hex).error(), Error::bad_media_payload) << hex;
}

TEST(Media, RefusesATrackThatIsLargerThanTheRest) {
  EXPECT_EQ(read_video_hex("96 13 68766331 00 000009 616161").error(), Error::bad_media_payload);
}

TEST(Media, RefusesATrackThatIsSmallerThanItsCompositionTime) {
  EXPECT_EQ(read_video_hex("96 11 68766331 00 000002 616161").error(), Error::bad_media_payload);
}

TEST(Media, RefusesManyTracksWithoutAnyTrack) {
  EXPECT_EQ(read_video_hex("96 13 68766331").error(), Error::bad_media_payload);
}

TEST(Media, RefusesACutFourCc) {
  EXPECT_EQ(read_video_hex("90 61").error(), Error::bad_media_payload);
}

TEST(Media, RefusesNanosecondsOfTwoBytes) {
  EXPECT_EQ(read_video_hex("97 01 0000 01 68766331").error(), Error::bad_media_payload);
}

TEST(Media, RefusesAModExLargerThanTheRest) {
  EXPECT_EQ(read_audio_hex("97 fe 01").error(), Error::bad_media_payload);
  EXPECT_EQ(read_audio_hex("97 ff ffff 01").error(), Error::bad_media_payload);
}

TEST(Media, RefusesAvcPayloadsThatEndInsideTheirHeader) {
  for (const char* hex : {"17", "1701", "17010000", "1c010000", "1d", "1901"})
    EXPECT_EQ(read_video_hex(hex).error(), Error::bad_media_payload) << hex;
}

TEST(Media, RefusesAnAvcPacketTypeThatIsNotDefined) {
  EXPECT_EQ(read_video_hex("1703000000").error(), Error::bad_media_payload);
}

TEST(Media, RefusesAacWithoutPacketType) {
  EXPECT_EQ(read_audio_hex("af").error(), Error::bad_media_payload);
  EXPECT_EQ(read_audio_hex("af02").error(), Error::bad_media_payload);
}

TEST(Media, RefusesVp6WithoutItsAdjustment) {
  EXPECT_EQ(read_video_hex("14").error(), Error::bad_media_payload);
}

TEST(Media, RefusesAnEmptyVideoPayload) {
  EXPECT_EQ(read_video({}).error(), Error::bad_media_payload);
}

TEST(Media, RefusesACommandThatDoesNotSayWhich) {
  EXPECT_EQ(read_video_hex("57").error(), Error::bad_media_payload);
  EXPECT_EQ(read_video_hex("d1").error(), Error::bad_media_payload);
}

TEST(Media, NamesCodecsThatNobodyKnowsUnsupported) {
  EXPECT_EQ(read_video_hex("11 00").error(), Error::unsupported_codec);
  EXPECT_EQ(read_video_hex("1a 00").error(), Error::unsupported_codec);
  EXPECT_EQ(read_audio_hex("c0 00").error(), Error::unsupported_codec);
  EXPECT_EQ(read_video_hex("91 61616161 00").error(), Error::unsupported_codec);
  EXPECT_EQ(read_audio_hex("91 00000000 00").error(), Error::unsupported_codec);
}

TEST(Media, DoesNotTakeAnAudioFourCcForVideo) {
  EXPECT_EQ(read_video_hex("91 6d703461 00").error(), Error::unsupported_codec);
  EXPECT_EQ(read_audio_hex("91 61766331 00").error(), Error::unsupported_codec);
}

TEST(Media, TakesAnEmptyAudioPayloadForSilence) {
  const Packet packet = read_audio({}).value();
  EXPECT_TRUE(packet.tracks.empty());
  EXPECT_EQ(packet.type, PacketType::coded_frames);
  EXPECT_TRUE(write_audio_header(packet).empty());
}

TEST(Media, LimitsNanosecondsToAMillisecond) {
  EXPECT_EQ(read_audio_hex("97 02 ffffff 01 4f707573 fc")->nanoseconds, 999999u);
}

TEST(Media, TakesFrameTypeFiveForACommandWhateverTheCodec) {
  for (const char* hex : {"5000", "5200", "5700", "5c00"})
    EXPECT_EQ(read_video_hex(hex)->type, PacketType::command) << hex;
}

TEST(Media, RefusesMoreTracksThanThereAreIds) {
  std::vector<std::uint8_t> payload = from_hex("96 13 68766331");
  payload.resize(payload.size() + 256 * 4);
  EXPECT_EQ(read_video(payload)->tracks.size(), 256u);
  payload.resize(payload.size() + 4);
  EXPECT_EQ(read_video(payload).error(), Error::bad_media_payload);
}

TEST(Media, ReadsALongModExChainInOnePass) {
  std::vector<std::uint8_t> payload = from_hex("97");
  for (int i = 0; i < 1'000'000; ++i)
    for (const std::uint8_t byte : {0x00, 0xEE, 0x17}) payload.push_back(byte);
  for (const std::uint8_t byte : from_hex("00ee13 68766331 aa")) payload.push_back(byte);
  EXPECT_EQ(read_video(payload)->tracks.front().size, 1u);
}

TEST(Media, ReadsTheMessagesTypeAsWell) {
  EXPECT_TRUE(read(message_of(MessageType::video, from_hex("1700000000")))->video);
  EXPECT_FALSE(read(message_of(MessageType::audio, from_hex("af001210")))->video);
}

TEST(Media, KnowsEachFourCcBothWays) {
  for (const std::string_view text : {"avc1", "hvc1", "vvc1", "av01", "vp08", "vp09"})
    EXPECT_EQ(four_cc_of(codec_of_video_four_cc(four_cc(text))), four_cc(text)) << text;
  for (const std::string_view text : {"mp4a", "Opus", "fLaC", "ac-3", "ec-3", ".mp3"})
    EXPECT_EQ(four_cc_of(codec_of_audio_four_cc(four_cc(text))), four_cc(text)) << text;
}

TEST(Media, WritesFourCcsInTheOrderOfTheirText) {
  EXPECT_EQ(four_cc("avc1"), 1635148593u);
  EXPECT_EQ(four_cc(".mp3"), 778924083u);
}

TEST(Media, HasNoFourCcForLegacyOnlyCodecs) {
  EXPECT_FALSE(four_cc_of(Codec::speex));
  EXPECT_FALSE(four_cc_of(Codec::unknown));
  EXPECT_EQ(codec_of_video_four_cc(0), Codec::unknown);
}

TEST(Media, WritesLegacyAudioFlagsAsForAacWhereNoneAreGiven) {
  Packet packet;
  packet.type = PacketType::sequence_start;
  packet.tracks = {{.codec = Codec::aac}};
  EXPECT_EQ(to_hex(write_audio_header(packet)), "af00");
}

TEST(MultichannelConfig, ReadsANativeMask) {
  const auto config = read_multichannel_config(from_hex("01 06 0000003f")).value();
  EXPECT_EQ(config.order, MultichannelConfig::Order::native);
  EXPECT_EQ(config.channels, 6);
  EXPECT_EQ(config.mask, 0x3Fu);
}

TEST(MultichannelConfig, ReadsACustomMapping) {
  const auto config = read_multichannel_config(from_hex("02 02 01 00")).value();
  EXPECT_EQ(config.order, MultichannelConfig::Order::custom);
  EXPECT_EQ(config.mapping, (std::vector<std::uint8_t>{1, 0}));
}

TEST(MultichannelConfig, ReadsAnUnspecifiedOrder) {
  const auto config = read_multichannel_config(from_hex("00 04")).value();
  EXPECT_EQ(config.order, MultichannelConfig::Order::unspecified);
  EXPECT_EQ(config.channels, 4);
}

TEST(MultichannelConfig, RefusesWhatIsCutOrReserved) {
  for (const char* hex : {"", "00", "01 06 000000", "02 02 01", "03 02"})
    EXPECT_EQ(read_multichannel_config(from_hex(hex)).error(), Error::bad_media_payload) << hex;
}

TEST(Summary, AgreesWithTheWholeReader) {
  for (const MediaVector& vector : vectors()) {
    const Packet packet = read_payload(vector.video, vector.payload).value();
    const auto type = vector.video ? MessageType::video : MessageType::audio;
    const Summary summary = summarize(message_of(type, vector.payload));
    EXPECT_EQ(summary.enhanced, packet.enhanced) << to_hex(vector.payload);
    EXPECT_EQ(summary.many_tracks, packet.multitrack > 0) << to_hex(vector.payload);
    if (packet.tracks.empty()) continue;
    EXPECT_EQ(summary.codec, packet.tracks.front().codec) << to_hex(vector.payload);
    const auto id = summary.many_tracks ? std::uint8_t{0} : packet.tracks.front().track_id;
    EXPECT_EQ(summary.track_id, id) << to_hex(vector.payload);
  }
}

TEST(Summary, TellsKindsOfLegacyVideoApart) {
  EXPECT_EQ(video_kind("1700000000 01"), Kind::sequence_start);
  EXPECT_EQ(video_kind("2700000000 01"), Kind::sequence_start);
  EXPECT_EQ(video_kind("1701000000 aa"), Kind::key_frame);
  EXPECT_EQ(video_kind("4701000000 aa"), Kind::key_frame);
  EXPECT_EQ(video_kind("2701000000 aa"), Kind::inter_frame);
  EXPECT_EQ(video_kind("3701000000 aa"), Kind::disposable_frame);
  EXPECT_EQ(video_kind("32 aa"), Kind::disposable_frame);
  EXPECT_EQ(video_kind("12 aa"), Kind::key_frame);
  EXPECT_EQ(video_kind("1702000000"), Kind::other);
  EXPECT_EQ(video_kind("5700"), Kind::other);
}

TEST(Summary, TellsKindsOfEnhancedVideoApart) {
  EXPECT_EQ(video_kind("90 68766331 01"), Kind::sequence_start);
  EXPECT_EQ(video_kind("95 61763031 80"), Kind::sequence_start);
  EXPECT_EQ(video_kind("93 68766331 aa"), Kind::key_frame);
  EXPECT_EQ(video_kind("a1 68766331 000000 aa"), Kind::inter_frame);
  EXPECT_EQ(video_kind("b1 68766331 000000 aa"), Kind::disposable_frame);
  EXPECT_EQ(video_kind("83 61763031 aa"), Kind::inter_frame);
  EXPECT_EQ(video_kind("92 68766331"), Kind::other);
  EXPECT_EQ(video_kind("d1 00"), Kind::other);
}

TEST(Summary, TellsKindsOfAudioApart) {
  EXPECT_EQ(audio_kind("af00 1210"), Kind::sequence_start);
  EXPECT_EQ(audio_kind("af01 21"), Kind::audio);
  EXPECT_EQ(audio_kind("2f ff"), Kind::audio);
  EXPECT_EQ(audio_kind("90 4f707573 aa"), Kind::sequence_start);
  EXPECT_EQ(audio_kind("91 4f707573 aa"), Kind::audio);
  EXPECT_EQ(audio_kind("92 4f707573"), Kind::other);
}

TEST(Summary, NamesWhatLatePlayersNeedBesideSequenceHeaders) {
  EXPECT_EQ(video_kind("d4 68766331 02"), Kind::description);
  EXPECT_EQ(video_kind("84 68766331 02"), Kind::description);
  EXPECT_EQ(audio_kind("94 4f707573 01 06 0000003f"), Kind::description);
}

TEST(Summary, RelaysSilenceAsAudio) { EXPECT_EQ(audio_kind(""), Kind::audio); }

TEST(Summary, NeverLetsAnEmptyLegacyHeaderReplaceAGoodOne) {
  EXPECT_EQ(video_kind("1700000000"), Kind::other);
  EXPECT_EQ(audio_kind("af00"), Kind::other);
}

TEST(Summary, RelaysCutPayloadsAsOther) {
  for (const char* hex : {"", "17", "1701", "90", "90 6876", "97 ff", "96", "96 01 61766331"})
    EXPECT_EQ(video_kind(hex), Kind::other) << hex;
  for (const char* hex : {"af", "90", "97 fe 01"}) EXPECT_EQ(audio_kind(hex), Kind::other) << hex;
}

TEST(Summary, KnowsTheKindOfCodecsThatNobodyKnows) {
  const Summary summary = summary_of_video("90 78787878 01");
  EXPECT_EQ(summary.kind, Kind::sequence_start);
  EXPECT_EQ(summary.codec, Codec::unknown);
}

TEST(Summary, NamesTheTrackOfOneTrack) {
  const Summary summary = summary_of_video("96 00 61766331 03 01");
  EXPECT_EQ(summary.kind, Kind::sequence_start);
  EXPECT_EQ(summary.track_id, 3);
  EXPECT_FALSE(summary.many_tracks);
}

TEST(Summary, TakesTheFirstCodecOfManyTracks) {
  const Summary summary = summary_of_video("a6 21 61766331 05 000004 00000041");
  EXPECT_TRUE(summary.many_tracks);
  EXPECT_EQ(summary.track_id, 0);
  EXPECT_EQ(summary.codec, Codec::h264);
  EXPECT_EQ(summary.kind, Kind::inter_frame);
}

TEST(Summary, CallsEverythingElseOther) {
  EXPECT_EQ(summarize(message_of(MessageType::data, from_hex("020001"))).kind, Kind::other);
  EXPECT_EQ(summarize(message_of(MessageType::command, from_hex("1701000000aa"))).kind,
            Kind::other);
}

}  // namespace
}  // namespace rtmp::media
