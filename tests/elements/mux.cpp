// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <set>

#include "elements/muxing.h"
#include "rtmp/color_info.h"

namespace rtmp::test {
namespace {

using Strings = std::vector<std::string>;
using Times = std::vector<std::int64_t>;
using media::four_cc;
using media::PacketType;

const std::string avc_start = std::string("1700000000") + avcc;

// The payloads of audio and video that one packet on one pad makes.
Strings write(const std::string& pad, const std::string& caps, const Frame& frame,
              const char* properties = "") {
  return Muxer(properties).caps(pad, caps).push(pad, frame).finish().payloads();
}

media::Packet packet(const Message& message) {
  const auto packet = media::read(message);
  EXPECT_TRUE(packet) << to_hex(message.payload);
  return packet ? *packet : media::Packet();
}

// The packets of frames alone.
std::vector<media::Packet> frames(const Written& written) {
  std::vector<media::Packet> all;
  for (const Message& message : written.messages)
    if (is_media(message.type) && packet(message).type == PacketType::coded_frames)
      all.push_back(packet(message));
  return all;
}

Times composition_times(const Written& written) {
  Times all;
  for (const auto& frame : frames(written)) all.push_back(frame.tracks.at(0).composition_time);
  return all;
}

Times frame_times(const Written& written) {
  Times all;
  for (const Message& message : written.messages)
    if (is_media(message.type) && packet(message).type == PacketType::coded_frames)
      all.push_back(message.timestamp);
  return all;
}

std::string refused(const std::string& pad, const std::string& caps, const char* properties = "") {
  Muxer mux(properties);
  mux.caps(pad, caps);
  mux.push(pad, Frame{"00"});
  return mux.error();
}

// --- codecs

struct Form {
  const char* name;
  const char* pad;
  std::string caps;
  Frame frame;
  Strings payloads;
  const char* properties = "";
};

void PrintTo(const Form& form, std::ostream* out) { *out << form.name; }

const std::string opus_head = "4f707573486561640102380180bb0000000000";
const std::string stream_info =
    "10001000000000000000"
    "0bb802f000000000"
    "00000000000000000000000000000000";

const Form forms[] = {
    {"H264",
     "video",
     h264_caps(),
     {"0000000265b8", 0, 40 * ms},
     {avc_start, "17010000280000000265b8"}},
    {"H264Fourcc",
     "video",
     h264_caps(),
     {"0000000265b8", 0, 40 * ms},
     {std::string("9061766331") + avcc, "91617663310000280000000265b8"},
     "enhanced=always"},
    {"H264Inter",
     "video",
     h264_caps(),
     {"00000002419a", 80 * ms, 40 * ms, false},
     {avc_start, "2701ffffd800000002419a"}},
    {"H265",
     "video",
     hevc_caps,
     {"000000022601", 0, 40 * ms},
     {"906876633101016000", "9168766331000028000000022601"}},
    {"H265X",
     "video",
     hevc_caps,
     {"000000022601"},
     {"906876633101016000", "9368766331000000022601"}},
    {"H266",
     "video",
     "video/x-h266,stream-format=vvc1,alignment=au,codec_data=(buffer)ff00",
     {"00000002aabb"},
     {"9076766331ff00", "937676633100000002aabb"}},
    {"Av1",
     "video",
     "video/x-av1,stream-format=obu-stream,alignment=tu,codec_data=(buffer)81000c00",
     {"0a01aa", 0, 40 * ms},
     {"906176303181000c00", "91617630310a01aa"}},
    {"Vp9",
     "video",
     "video/x-vp9,profile=(string)0,chroma-format=4:2:0,bit-depth-luma=(uint)8",
     {"8201"},
     {"907670303901000000"
      "00008202"
      "02020000",
      "91767030398201"}},
    {"Vp9HighDepth",
     "video",
     "video/x-vp9,profile=(string)2,chroma-format=4:2:0,"
     "bit-depth-luma=(uint)10",
     {"8201"},
     {"907670303901000000"
      "0200a202"
      "02020000"
      "",
      "91767030398201"}},
    {"Vp8",
     "video",
     "video/x-vp8",
     {"9001"},
     {"907670303801000000"
      "00008202"
      "02020000"
      "",
      "91767030389001"}},
    {"Sorenson", "video", "video/x-flash-video,flvversion=1", {"000084"}, {"12000084"}},
    {"ScreenVideo", "video", "video/x-flash-screen", {"aa"}, {"13aa"}},
    {"ScreenVideo2", "video", "video/x-flash-screen2", {"aa"}, {"16aa"}},
    {"Vp6", "video", "video/x-vp6-flash,codec_data=(buffer)80", {"aabb"}, {"1480aabb"}},
    {"Vp6Alpha", "video", "video/x-vp6-alpha", {"000002aabb"}, {"1500000002aabb"}},
    {"Aac", "audio", aac_caps, {"2100"}, {"af001210", "af012100"}},
    {"AacFourcc",
     "audio",
     aac_caps,
     {"2100"},
     {"906d7034611210", "916d7034612100"},
     "enhanced=always"},
    {"Mp3",
     "audio",
     "audio/mpeg,mpegversion=1,layer=3,parsed=true,rate=44100,channels=2",
     {"fffb9064"},
     {"2ffffb9064"}},
    {"Mp3Mono22k",
     "audio",
     "audio/mpeg,mpegversion=1,layer=3,parsed=true,rate=22050,channels=1",
     {"fff3"},
     {"2afff3"}},
    {"Mp3At8k",
     "audio",
     "audio/mpeg,mpegversion=1,layer=3,parsed=true,rate=8000,channels=1",
     {"ffe3"},
     {"e2ffe3"}},
    {"Mp3At48k",
     "audio",
     "audio/mpeg,mpegversion=1,layer=3,parsed=true,rate=48000,channels=2",
     {"fffb"},
     {"902e6d7033", "912e6d7033fffb"}},
    {"Opus",
     "audio",
     "audio/x-opus,channel-mapping-family=0,channels=2,rate=48000,"
     "streamheader=(buffer)<4f707573486561640102380180bb0000000000>",
     {"fc"},
     {"904f707573" + opus_head, "914f707573fc"}},
    {"OpusWithoutHeader",
     "audio",
     "audio/x-opus,channel-mapping-family=0,channels=2,rate=48000",
     {"fc"},
     {"904f707573"
      "4f707573486561640102000080bb0000000000",
      "914f707573fc"}},
    {"Flac",
     "audio",
     "audio/x-flac,framed=true,rate=48000,channels=2,streamheader=(buffer)<664c6143,00000022" +
         stream_info + ">",
     {"fff8"},
     {"90664c6143"
      "664c614380000022" +
          stream_info,
      "91664c6143fff8"}},
    {"FlacOfOgg",
     "audio",
     "audio/x-flac,framed=true,rate=48000,channels=2,"
     "streamheader=(buffer)<7f464c41430100000166"
     "4c614300000022" +
         stream_info + ">",
     {"fff8"},
     {"90664c6143"
      "664c614380000022" +
          stream_info,
      "91664c6143fff8"}},
    {"Ac3",
     "audio",
     "audio/x-ac3,framed=true,alignment=frame,rate=48000,channels=2",
     {"0b77"},
     {"9061632d33", "9161632d330b77"}},
    {"Eac3",
     "audio",
     "audio/x-eac3,framed=true,alignment=frame,rate=48000,channels=2",
     {"0b77"},
     {"9065632d33", "9165632d330b77"}},
    {"Speex", "audio", "audio/x-speex,rate=16000,channels=1", {"00"}, {"b200"}},
    {"Alaw", "audio", "audio/x-alaw,rate=8000,channels=1", {"d5"}, {"72d5"}},
    {"Mulaw", "audio", "audio/x-mulaw,rate=8000,channels=2", {"ff"}, {"83ff"}},
    {"Nellymoser16k", "audio", "audio/x-nellymoser,rate=16000,channels=1", {"01"}, {"4201"}},
    {"Nellymoser8k", "audio", "audio/x-nellymoser,rate=8000,channels=1", {"01"}, {"5201"}},
    {"Nellymoser44k", "audio", "audio/x-nellymoser,rate=44100,channels=2", {"01"}, {"6f01"}},
    {"Adpcm", "audio", "audio/x-adpcm,layout=swf,rate=11025,channels=1", {"01"}, {"1601"}},
    {"Pcm16",
     "audio",
     "audio/x-raw,format=S16LE,layout=interleaved,rate=44100,channels=2",
     {"01000100"},
     {"3f01000100"}},
    {"Pcm8",
     "audio",
     "audio/x-raw,format=U8,layout=interleaved,rate=11025,channels=1",
     {"80"},
     {"0480"}},
    {"Track1OfH264",
     "video_1",
     h264_caps(),
     {"4e414c", 0, 33 * ms},
     {std::string("96006176633101") + avcc, "960161766331010000214e414c"}},
    {"Track2OfAac", "audio_2", aac_caps, {"2100"}, {"95006d703461021210", "95016d703461022100"}},
    {"Opus51",
     "audio",
     "audio/x-opus,channel-mapping-family=1,channels=6,rate=48000,channel-mask=(bitmask)0x3f,"
     "streamheader=(buffer)<4f707573486561640102380180bb0000000000>",
     {"fc"},
     {"904f707573" + opus_head, "944f70757301060000003f", "914f707573fc"}},
    {"Aac51",
     "audio",
     "audio/mpeg,mpegversion=4,stream-format=raw,rate=48000,channels=6,"
     "channel-mask=(bitmask)0x3f,codec_data=(buffer)11b0",
     {"2100"},
     {"af0011b0", "946d70346101060000003f", "af012100"}},
    {"Aac51Never",
     "audio",
     "audio/mpeg,mpegversion=4,stream-format=raw,rate=48000,channels=6,codec_data=(buffer)11b0",
     {"2100"},
     {"af0011b0", "af012100"},
     "enhanced=never"},
    {"Nanoseconds",
     "video",
     hevc_caps,
     {"4e414c", 123456, 123456},
     {"906876633101016000",
      "97"
      "0201e240"
      "03"
      "687663314e414c"},
     "nanosecond-timestamps=true"},
};

class EachForm : public testing::TestWithParam<Form> {};

TEST_P(EachForm, IsWrittenAsTheSpecificationsSay) {
  const Form& form = GetParam();
  EXPECT_EQ(write(form.pad, form.caps, form.frame, form.properties), form.payloads);
}

INSTANTIATE_TEST_SUITE_P(RtmpMux, EachForm, testing::ValuesIn(forms),
                         [](const auto& form) { return std::string(form.param.name); });

TEST(RtmpMux, FindsTheConfigurationOfAv1InThePacket) {
  // A temporal delimiter, then a sequence header of 384x216, profile 0, level 2.0, 8 bits, 4:2:0.
  const std::string sequence_header = "0a0b000000043dff5c02f80040";
  const auto payloads = write("video", "video/x-av1,stream-format=obu-stream,alignment=tu",
                              {"1200" + sequence_header + "3201aa"});
  ASSERT_EQ(payloads.size(), 2u);
  EXPECT_EQ(payloads[0],
            "9061763031"
            "81000c00" +
                sequence_header);
}

TEST(RtmpMux, NamesTheCodecThatItCannotCarry) {
  EXPECT_NE(refused("video", hevc_caps, "enhanced=never").find("H.265"), std::string::npos);
  EXPECT_NE(refused("video_1", h264_caps(), "enhanced=never").find("H.264"), std::string::npos);
  EXPECT_NE(refused("video", "video/x-h264,stream-format=avc,alignment=au").find("H.264"),
            std::string::npos);
}

// --- metadata

TEST(RtmpMux, TellsUpstreamThatACodecCannotBeCarried) {
  Muxer mux("enhanced=never");
  mux.caps("video", hevc_caps);
  GstFlowReturn flow = GST_FLOW_OK;
  for (int i = 0; i < 5'000 && flow == GST_FLOW_OK; ++i)
    flow = mux.push("video", to_gst(Frame{"aa"}));
  EXPECT_EQ(flow, GST_FLOW_NOT_NEGOTIATED);
}

TEST(RtmpMux, WritesFourCcNumbersBigEndian) {
  const auto metadata = Muxer().caps("video", hevc_caps).push("video", {"aa"}).finish().metadata();
  ASSERT_EQ(metadata.size(), 1u);
  EXPECT_EQ(number(metadata[0], "videocodecid"), 1752589105);
}

TEST(RtmpMux, CountsKilobitsInThousands) {
  Muxer mux;
  mux.caps("video", h264_caps());
  mux.event("video",
            gst_event_new_tag(gst_tag_list_new(GST_TAG_NOMINAL_BITRATE, 2'048'000u, nullptr)));
  const auto metadata = mux.push("video", {"aa"}).finish().metadata();
  ASSERT_EQ(metadata.size(), 1u);
  EXPECT_EQ(number(metadata[0], "videodatarate"), 2048);
}

TEST(RtmpMux, NamesTheEncoderOfTheFirstTrackWhicheverTagComesFirst) {
  Muxer mux;
  mux.caps("audio", aac_caps).caps("video", h264_caps());
  mux.event("audio", gst_event_new_tag(gst_tag_list_new(GST_TAG_ENCODER, "of sound", nullptr)));
  mux.push("audio", {"cc"});
  mux.event("video", gst_event_new_tag(gst_tag_list_new(GST_TAG_ENCODER, "of light", nullptr)));
  const auto metadata = mux.push("video", {"aa"}).finish().metadata();
  ASSERT_EQ(metadata.size(), 1u);
  EXPECT_EQ(metadata[0].find("encoder")->string(), "of light");
}

TEST(RtmpMux, DoesNotRepeatMetadataForBitrates) {
  Muxer mux;
  mux.caps("video", h264_caps());
  for (int i = 0; i < 20; ++i) {
    mux.event("video", gst_event_new_tag(gst_tag_list_new(GST_TAG_BITRATE, 100'000u + i, nullptr)));
    mux.push("video", {"aa", i * 40 * ms, i * 40 * ms});
  }
  EXPECT_EQ(mux.finish().metadata().size(), 1u);
}

TEST(RtmpMux, RepeatsMetadataThatChanged) {
  Muxer mux;
  mux.caps("video", h264_caps()).push("video", {"aa"});
  mux.event("video", gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "News", nullptr)));
  const auto metadata = mux.push("video", {"bb", 40 * ms, 40 * ms}).finish().metadata();
  ASSERT_EQ(metadata.size(), 2u);
  EXPECT_EQ(metadata[1].find("title")->string(), "News");
}

TEST(RtmpMux, DescribesFurtherTracksByTheirIds) {
  Muxer mux;
  mux.caps("video", h264_caps()).caps("video_1", h264_caps(320)).caps("audio_2", aac_caps);
  mux.push("video", {"aa"}).push("video_1", {"bb"}).push("audio_2", {"cc"});
  const auto metadata = mux.finish().metadata();
  ASSERT_FALSE(metadata.empty());
  const auto& last = metadata.back();
  const amf::Value* video = last.find("videoTrackIdInfoMap");
  const amf::Value* audio = last.find("audioTrackIdInfoMap");
  ASSERT_TRUE(video && audio && video->object()->find("1") && audio->object()->find("2"));
  EXPECT_EQ(number(*video->object()->find("1")->object(), "width"), 320);
  EXPECT_EQ(number(*audio->object()->find("2")->object(), "audiocodecid"), four_cc("mp4a"));
  EXPECT_EQ(number(last, "width"), 640);
}

// --- time

TEST(RtmpMux, KeepsNegativeCompositionTimes) {
  Muxer mux;
  mux.caps("video", h264_caps());
  mux.push("video", {"aa", 100 * ms, 20 * ms}).push("video", {"bb", 140 * ms, 3'000 * ms});
  EXPECT_EQ(composition_times(mux.finish()), (Times{-80, 2'860}));
}

TEST(RtmpMux, WritesNoCompositionTimesWhereTheFormatHasNone) {
  const Frame frame{"0a01aa", 0, 40 * ms};
  EXPECT_EQ(write("video",
                  "video/x-av1,stream-format=obu-stream,alignment=tu,"
                  "codec_data=(buffer)81000c00",
                  frame)[1],
            "91617630310a01aa");
  EXPECT_EQ(write("video", "video/x-vp8", frame)[1], "91767030380a01aa");
}

TEST(RtmpMux, MovesATimelineThatBeginsBeforeZero) {
  Muxer mux;
  mux.caps("video", h264_caps()).caps("audio", aac_caps);
  // As x264enc does: the segment starts at an hour, the first decoding time before it.
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = 3600 * GST_SECOND;
  mux.event("video", gst_event_new_segment(&segment));
  const std::int64_t start = 3600'000 * ms;
  mux.push("video", {"aa", start - 80 * ms, start});
  mux.push("video", {"bb", start - 40 * ms, start + 120 * ms});
  mux.push("audio", {"cc", 0, 0});
  const Written written = mux.finish();
  EXPECT_EQ(frame_times(written), (Times{0, 40, 80}));
  EXPECT_EQ(composition_times(written), (Times{80, 160, 0}));
}

TEST(RtmpMux, BeginsAgainAtZeroPast32Bits) {
  Muxer mux;
  mux.caps("video", h264_caps());
  const std::int64_t wrap = std::int64_t{1} << 32;
  mux.push("video", {"aa", (wrap - 20) * ms, (wrap - 20) * ms});
  mux.push("video", {"bb", (wrap + 20) * ms, (wrap + 60) * ms});
  const Written written = mux.finish();
  EXPECT_EQ(frame_times(written), (Times{wrap - 20, 20}));
  EXPECT_EQ(composition_times(written), (Times{0, 40}));
}

TEST(RtmpMux, InterleavesByDecodingTime) {
  Muxer mux;
  mux.caps("video", h264_caps()).caps("audio", aac_caps);
  mux.push("video", {"aa", 0, 80 * ms}).push("video", {"bb", 40 * ms, 40 * ms});
  mux.push("audio", {"cc", 20 * ms, 20 * ms}).push("audio", {"dd", 60 * ms, 60 * ms});
  EXPECT_EQ(frame_times(mux.finish()), (Times{0, 20, 40, 60}));
}

TEST(RtmpMux, DropsWhatIsBehindOtherTracksIfAsked) {
  Muxer mux("skip-backwards-streams=true");
  mux.caps("video", h264_caps());
  mux.push("video", {"aa", 100 * ms, 100 * ms}).push("video", {"bb", 60 * ms, 60 * ms});
  EXPECT_EQ(frame_times(mux.finish()), (Times{100}));
}

// --- changes

TEST(RtmpMux, WritesAGapAsNothing) {
  Muxer mux;
  mux.caps("video", h264_caps()).push("video", {"aa"});
  mux.event("video", gst_event_new_gap(40 * GST_MSECOND, 40 * GST_MSECOND));
  mux.push("video", {"bb", 80 * ms, 80 * ms});
  EXPECT_EQ(mux.finish().payloads(), (Strings{avc_start, "1701000000aa", "1701000000bb"}));
}

TEST(RtmpMux, WritesAGapOfAnEnhancedTrackAsNothing) {
  Muxer mux;
  mux.caps("audio", "audio/x-ac3,framed=true,alignment=frame").push("audio", {"0b77"});
  mux.event("audio", gst_event_new_gap(40 * GST_MSECOND, 40 * GST_MSECOND));
  mux.push("audio", {"0b78", 80 * ms, 80 * ms});
  EXPECT_EQ(mux.finish().payloads(), (Strings{"9061632d33", "9161632d330b77", "9161632d330b78"}));
}

TEST(RtmpMux, WritesNoHeadersForNewCapsOfACodecWithoutAny) {
  const auto caps = [](int rate) {
    return "audio/mpeg,mpegversion=1,layer=3,parsed=true,channels=2,rate=" + std::to_string(rate);
  };
  Muxer mux;
  mux.caps("audio", caps(44100)).push("audio", {"fffb"});
  mux.caps("audio", caps(22050)).push("audio", {"fff3", 40 * ms, 40 * ms});
  const Written written = mux.finish();
  EXPECT_EQ(written.payloads(), (Strings{"2ffffb", "2bfff3"}));
  ASSERT_EQ(written.metadata().size(), 2u);
  EXPECT_EQ(number(written.metadata()[1], "audiosamplerate"), 22050);
}

TEST(RtmpMux, WritesNewHeadersForNewCaps) {
  Muxer mux;
  mux.caps("video", h264_caps()).push("video", {"aa"});
  mux.caps("video", h264_caps(320)).push("video", {"bb", 40 * ms, 40 * ms});
  const Written written = mux.finish();
  EXPECT_EQ(written.payloads(), (Strings{avc_start, "1701000000aa", avc_start, "1701000000bb"}));
  ASSERT_EQ(written.metadata().size(), 2u);
  EXPECT_EQ(number(written.metadata()[1], "width"), 320);
}

TEST(RtmpMux, SaysColoursBeforeTheFramesAndTakesThemBack) {
  const std::string hdr =
      std::string(hevc_caps) +
      ",colorimetry=bt2100-pq,content-light-level=(string)1000:400,"
      "mastering-display-info=(string)35400:14600:8500:39850:6550:2300:15635:16450:10000000:50";
  Muxer mux;
  mux.caps("video", hdr).push("video", {"aa"});
  mux.caps("video", hevc_caps).push("video", {"bb", 40 * ms, 40 * ms});
  std::vector<media::ColorInfo> said;
  for (const Message& message : mux.finish().messages) {
    if (message.type != MessageType::video || packet(message).type != PacketType::metadata)
      continue;
    EXPECT_EQ(message.payload.data()[0], 0xD4);
    const auto track = packet(message).tracks.at(0);
    const auto info =
        media::read_color_info(message.payload.bytes().subspan(track.offset, track.size));
    said.push_back(info->value());
  }
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].config.transfer_characteristics, 16u);
  EXPECT_EQ(said[0].config.color_primaries, 9u);
  EXPECT_EQ(said[0].content_light->max_cll, 1000);
  EXPECT_EQ(said[0].mastering_display->red.x, 0.708);
  EXPECT_EQ(said[0].mastering_display->min_luminance, 0.005);
  EXPECT_EQ(said[1], media::ColorInfo());
}

TEST(RtmpMux, ChangesNothingForTheSameCaps) {
  Muxer mux;
  mux.caps("audio", aac_caps).push("audio", {"aa"});
  mux.caps("audio", aac_caps).push("audio", {"bb", 40 * ms, 40 * ms});
  EXPECT_EQ(mux.finish().payloads(), (Strings{"af001210", "af01aa", "af01bb"}));
}

TEST(RtmpMux, DeclaresAPadThatComesLate) {
  Muxer mux;
  mux.caps("video", h264_caps()).push("video", {"aa"});
  gst_buffer_unref(gst_harness_pull(mux.out()));  // the file's header: the first packet is written
  mux.caps("audio", aac_caps);
  mux.push("audio", {"cc", 20 * ms, 20 * ms}).push("video", {"bb", 40 * ms, 40 * ms});
  const Written written = mux.finish();
  EXPECT_EQ(written.payloads(),
            (Strings{avc_start, "1701000000aa", "af001210", "af01cc", "1701000000bb"}));
  ASSERT_EQ(written.metadata().size(), 2u);
  EXPECT_EQ(number(written.metadata()[1], "audiocodecid"), 10);
  EXPECT_EQ(number(written.metadata()[1], "videocodecid"), 7);
  EXPECT_NE(written.caps.back().find("464c560105"), std::string::npos) << "flags of both kinds";
}

TEST(RtmpMux, AnnouncesAPadOfWhichNothingIsKnownYet) {
  Muxer mux;
  // Before the other ends: the end of all pads there are is the muxer's.
  mux.caps("video", h264_caps());
  GstPad* audio = gst_element_request_pad_simple(mux.element(), "audio");
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_send_event(audio, gst_event_new_stream_start("audio"));
  gst_pad_send_event(audio, gst_event_new_segment(&segment));
  gst_pad_send_event(audio, gst_event_new_gap(0, GST_SECOND));
  gst_pad_send_event(audio, gst_event_new_eos());
  gst_object_unref(audio);
  mux.push("video", {"aa"});
  const auto metadata = mux.finish().metadata();
  ASSERT_EQ(metadata.size(), 1u);
  ASSERT_TRUE(metadata[0].find("hasAudio"));
  EXPECT_FALSE(metadata[0].find("hasVideo")) << "its codec says so";
}

TEST(RtmpMux, GoesOnWhenOnePadEnds) {
  Muxer mux;
  mux.caps("video", h264_caps()).caps("audio", aac_caps);
  mux.push("video", {"aa"}).push("audio", {"cc"}).event("audio", gst_event_new_eos());
  mux.push("video", {"bb", 5'000 * ms, 5'000 * ms});
  EXPECT_EQ(mux.finish().times(MessageType::video), (Times{0, 0, 5'000}));
}

TEST(RtmpMux, WaitsForALatePadNoLongerThanTheLatencyWhenLive) {
  Muxer mux;
  mux.caps("video", h264_caps()).caps("audio", aac_caps);
  g_object_set(mux.element(), "latency", 20 * GST_MSECOND, nullptr);
  mux.push("video", {"aa"});
  ASSERT_TRUE(gst_harness_wait_for_clock_id_waits(mux.out(), 1, 10));
  gst_harness_set_time(mux.out(), GST_SECOND);
  gst_harness_crank_single_clock_wait(mux.out());
  // The file's header, the metadata, two sequence headers, the packet.
  for (int i = 0; i < 5; ++i) gst_buffer_unref(gst_harness_pull(mux.out()));
}

TEST(RtmpMux, GoesOnAfterAFlushWithTheHeadersAgain) {
  Muxer mux;
  mux.caps("video", h264_caps()).push("video", {"aa"});
  for (int i = 0; i < 4; ++i) gst_buffer_unref(gst_harness_pull(mux.out()));
  mux.event("video", gst_event_new_flush_start());
  mux.event("video", gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  mux.event("video", gst_event_new_segment(&segment));
  mux.push("video", {"bb", 40 * ms, 40 * ms});
  EXPECT_EQ(mux.finish().payloads(), (Strings{avc_start, "1701000000bb"}));
}

// --- the stream

TEST(RtmpMux, WritesOneTagPerBuffer) {
  Muxer mux;
  mux.caps("video", h264_caps()).caps("audio", aac_caps);
  mux.push("video", {"aa"}).push("audio", {"cc"});
  const Written written = mux.finish();
  EXPECT_TRUE(written.one_tag_each);
  EXPECT_EQ(written.messages.size(), 5u);
}

TEST(RtmpMux, SharesThePayload) {
  Muxer mux;
  mux.caps("video", hevc_caps);
  GstBuffer* buffer = test::to_gst(Bytes(std::vector<std::uint8_t>(1000)));
  GstMemory* payload = gst_memory_ref(gst_buffer_peek_memory(buffer, 0));
  mux.push("video", buffer);
  for (int i = 0; i < 3; ++i) gst_buffer_unref(gst_harness_pull(mux.out()));
  GstBuffer* tag = gst_harness_pull(mux.out());
  ASSERT_EQ(gst_buffer_n_memory(tag), 3u);
  EXPECT_EQ(gst_buffer_peek_memory(tag, 1), payload);
  gst_buffer_unref(tag);
  gst_memory_unref(payload);
}

// filesink 1.22 loses bytes of buffers that together have more than 1024 memories.
TEST(RtmpMux, WritesSmallPacketsAsOneMemory) {
  Muxer mux;
  mux.caps("video", hevc_caps).push("video", {"0011223344"});
  for (int i = 0; i < 3; ++i) gst_buffer_unref(gst_harness_pull(mux.out()));
  GstBuffer* tag = gst_harness_pull(mux.out());
  EXPECT_EQ(gst_buffer_n_memory(tag), 1u);
  gst_buffer_unref(tag);
}

TEST(RtmpMux, ShowsAllHeadersInTheCaps) {
  Muxer mux;
  mux.caps("video", h264_caps()).caps("audio", aac_caps);
  mux.push("video", {"aa"}).push("audio", {"cc"});
  const Written written = mux.finish();
  ASSERT_EQ(written.caps.size(), 1u);
  for (const std::string& part : {std::string("464c560105"), to_hex(as_bytes("onMetaData")),
                                  avc_start, std::string("af001210")})
    EXPECT_NE(written.caps[0].find(part), std::string::npos) << part;
}

TEST(RtmpMux, FlagsTheKindsThatHavePads) {
  EXPECT_NE(
      Muxer().caps("audio", aac_caps).push("audio", {"aa"}).finish().caps[0].find("464c560104"),
      std::string::npos);
  EXPECT_NE(
      Muxer().caps("video", h264_caps()).push("video", {"aa"}).finish().caps[0].find("464c560101"),
      std::string::npos);
}

TEST(RtmpMux, MarksKeyFramesAsPlacesToBegin) {
  Muxer mux;
  mux.caps("video", h264_caps()).caps("audio", aac_caps);
  mux.push("video", {"aa"}).push("audio", {"cc", 10 * ms, 10 * ms});
  mux.push("video", {"bb", 20 * ms, 20 * ms, false});
  const Written written = mux.finish();
  std::vector<bool> delta;
  for (std::size_t i = 3; i < written.flags.size(); ++i)
    delta.push_back(written.flags[i] & GST_BUFFER_FLAG_DELTA_UNIT);
  EXPECT_EQ(delta, (std::vector<bool>{false, true, true}));
}

TEST(RtmpMux, WritesTextAndRawData) {
  Muxer mux;
  mux.caps("data_0", "text/x-raw,format=utf8").push("data_0", {to_hex(as_bytes("hello"))});
  mux.caps("data_1", "application/x-rtmp-data").push("data_1", {"02000161", 10 * ms, 10 * ms});
  const Written written = mux.finish();
  ASSERT_EQ(written.messages.size(), 3u);
  const auto text = read_data(written.messages[1]);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->name, "onTextData");
  EXPECT_EQ(text->values[0].object()->find("text")->string(), "hello");
  EXPECT_EQ(to_hex(written.messages[2].payload), "02000161");
}

TEST(RtmpMux, NamesDataByTheirMetaWhereTheValuesAloneAreThere) {
  Muxer mux;
  mux.caps("data_0", "application/x-rtmp-data");
  GstBuffer* buffer = to_gst(Frame{"05"});
  GstCustomMeta* meta = gst_buffer_add_custom_meta(buffer, "GstRtmpDataMeta");
  gst_structure_set(gst_custom_meta_get_structure(meta), "name", G_TYPE_STRING, "onCue", nullptr);
  mux.push("data_0", buffer);
  const Written written = mux.finish();
  ASSERT_EQ(written.messages.size(), 2u);
  EXPECT_EQ(to_hex(written.messages[1].payload), "020005" + to_hex(as_bytes("onCue")) + "05");
}

TEST(RtmpMux, LeavesOutDataWithoutAName) {
  Muxer mux;
  mux.caps("data_0", "application/x-rtmp-data").caps("video", h264_caps());
  mux.push("data_0", {"05"}).push("video", {"aa"});
  EXPECT_EQ(mux.finish().messages.size(), 3u);
}

TEST(RtmpMux, TakesTheKindOfAPadWithoutANameFromItsCaps) {
  Muxer mux;
  mux.caps("sink_0", aac_caps).caps("sink_1", h264_caps()).caps("sink_2", "text/x-raw,format=utf8");
  mux.push("sink_0", {"cc"}).push("sink_1", {"aa"}).push("sink_2", {"61"});
  const Written written = mux.finish();
  EXPECT_EQ(std::set<std::string>({"af001210", avc_start, "af01cc", "1701000000aa"}), [&] {
    const auto all = written.payloads();
    return std::set(all.begin(), all.end());
  }());
  EXPECT_EQ(written.messages.size(), 6u);
}

TEST(RtmpMux, GivesAPadWithoutANameTheNextTrackOfItsKind) {
  Muxer mux;
  mux.caps("audio", aac_caps).caps("sink_0", aac_caps);
  mux.push("audio", {"cc"}).push("sink_0", {"dd", 10 * ms, 10 * ms});
  const Written written = mux.finish();
  EXPECT_EQ(packet(written.messages.back()).tracks[0].track_id, 1);
}

TEST(RtmpMux, RefusesTheNameOfATrackThatAPadWithoutANameHas) {
  Muxer mux;
  mux.caps("sink_0", aac_caps);
  EXPECT_EQ(gst_element_request_pad_simple(mux.element(), "audio"), nullptr);
}

TEST(RtmpMux, KnowsTrack0ByItsOwnNameAlone) {
  Muxer mux;
  GstElement* element = mux.element();
  EXPECT_EQ(gst_element_request_pad_simple(element, "video_0"), nullptr);
  EXPECT_EQ(gst_element_request_pad_simple(element, "video_256"), nullptr);
  GstPad* pad = gst_element_request_pad_simple(element, "video_%u");
  ASSERT_NE(pad, nullptr);
  EXPECT_STREQ(GST_PAD_NAME(pad), "video_1");
  gst_element_release_request_pad(element, pad);
  gst_object_unref(pad);
}

// --- pipelines

// Whatever a fakesink's `sink` was given, as messages.
class Recorder {
 public:
  explicit Recorder(GstElement* sink) {
    g_object_set(sink, "signal-handoffs", TRUE, nullptr);
    g_signal_connect(sink, "handoff",
                     G_CALLBACK(+[](GstElement*, GstBuffer* buffer, GstPad*, gpointer data) {
                       static_cast<Recorder*>(data)->take(buffer);
                     }),
                     this);
  }
  // Waits until there are so many of the type.
  std::vector<Message> wait(MessageType type, std::size_t count) {
    std::unique_lock lock(mutex_);
    const auto found = [&] { return of(type); };
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return found().size() >= count; });
    return found();
  }

 private:
  void take(GstBuffer* buffer) {
    const auto bytes = Buffer::adopt(to_bytes(buffer));
    const auto tag = flv::read_tag(bytes);
    if (as_text(bytes).starts_with("FLV") || !tag || !*tag) return;
    const std::lock_guard lock(mutex_);
    messages_.push_back(**tag);
    changed_.notify_all();
  }
  std::vector<Message> of(MessageType type) const {
    std::vector<Message> found;
    for (const Message& message : messages_)
      if (message.type == type) found.push_back(message);
    return found;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Message> messages_;
};

std::vector<Message> messages_of(const std::string& path, MessageType type) {
  flv::Reader reader;
  reader.receive(read_file(path));
  std::vector<Message> messages;
  for (;;) {
    const auto message = reader.next();
    if (!message || !*message) return messages;
    if ((**message).type == type) messages.push_back(**message);
  }
}

// Without the headers and ends of sequences.
Strings frames(const std::vector<Message>& messages) {
  Strings frames;
  for (const Message& message : messages)
    if (packet(message).type == PacketType::coded_frames) frames.push_back(to_hex(message.payload));
  return frames;
}

TEST(RtmpMuxPipeline, CarriesScriptDataOfADemuxerOn) {
  const std::string path = shared_path("media/h264_aac_text.flv");
  if (access(path.c_str(), R_OK) != 0) GTEST_SKIP() << "no " << path;
  Pipeline pipeline("filesrc location=" + path +
                    " ! rtmpdemux name=d  rtmpmux name=m streamable=true ! fakesink name=out"
                    "  d.data_0 ! queue ! m.  d.audio ! queue ! m.  d.video ! queue ! m.");
  Recorder recorder(pipeline["out"]);
  pipeline.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(pipeline.wait_eos());
  Strings sent, carried;
  for (const Message& message : messages_of(path, MessageType::data))
    if (read_data(message)->name != "onMetaData") sent.push_back(to_hex(message.payload));
  for (const Message& message : recorder.wait(MessageType::data, sent.size() + 1))
    if (read_data(message)->name != "onMetaData") carried.push_back(to_hex(message.payload));
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(carried, sent);
  EXPECT_FALSE(recorder.wait(MessageType::audio, 1).empty());
  EXPECT_FALSE(recorder.wait(MessageType::video, 1).empty());
}

TEST(RtmpMuxPipeline, NeedsNoQueuesBehindADemuxer) {
  const std::string path = shared_path("media/h264_aac_bframes.flv");
  if (access(path.c_str(), R_OK) != 0) GTEST_SKIP() << "no " << path;
  Pipeline pipeline("filesrc location=" + path +
                    " ! rtmpdemux name=d  rtmpmux name=m streamable=true ! fakesink name=out"
                    "  d.audio ! m.audio  d.video ! m.video");
  Recorder recorder(pipeline["out"]);
  pipeline.set_state(GST_STATE_PLAYING);
  ASSERT_TRUE(pipeline.wait_eos());
  for (MessageType type : {MessageType::audio, MessageType::video})
    EXPECT_EQ(frames(recorder.wait(type, 1)), frames(messages_of(path, type)));
}

TEST(RtmpMuxPipeline, DoesNotWaitForData) {
  Pipeline pipeline(
      "rtmpmux name=m ! fakesink name=out async=false"
      "  appsrc name=v format=time caps=\"" +
      h264_caps() +
      "\" ! m.video  appsrc name=t format=time caps=\"text/x-raw,format=utf8\" ! m.data_0");
  Recorder recorder(pipeline["out"]);
  pipeline.set_state(GST_STATE_PLAYING);
  for (int i = 0; i < 3; ++i) pipeline.push("v", to_gst(Frame{"aa", i * 40 * ms, i * 40 * ms}));
  EXPECT_EQ(recorder.wait(MessageType::video, 4).size(), 4u);
  // When video is over, data may still come, and the end is theirs.
  pipeline.end("v");
  pipeline.push("t", to_gst(Frame{"61", 200 * ms, 200 * ms}));
  EXPECT_EQ(recorder.wait(MessageType::data, 2).size(), 2u);
  pipeline.end("t");
  EXPECT_TRUE(pipeline.wait_eos());
}

// --- files

// Two seconds of video with a key frame in each, written where the muxer can seek.
std::vector<std::uint8_t> write_file(const char* properties = "") {
  gchar* path = g_strdup_printf("%s/rtmpmux-%d.flv", g_get_tmp_dir(), getpid());
  Pipeline pipeline("appsrc name=in format=time caps=\"" + h264_caps() + "\" ! rtmpmux " +
                    properties + " ! filesink location=" + path);
  pipeline.set_state(GST_STATE_PLAYING);
  for (int i = 0; i < 50; ++i) {
    GstBuffer* buffer = to_gst(Frame{"aabbcc", i * 40 * ms, i * 40 * ms, i % 25 == 0});
    GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
    pipeline.push("in", buffer);
  }
  pipeline.end("in");
  EXPECT_TRUE(pipeline.wait_eos());
  pipeline.set_state(GST_STATE_NULL);
  auto bytes = read_file(path);
  std::remove(path);
  g_free(path);
  return bytes;
}

amf::Object metadata_of(const std::vector<std::uint8_t>& file) {
  flv::Reader reader;
  reader.receive(file);
  const auto message = reader.next();
  EXPECT_TRUE(message && *message);
  const auto data = read_data(**message, {.nodes = 65536});
  EXPECT_TRUE(data && data->name == "onMetaData");
  return *data->values.at(0).object();
}

TEST(RtmpMux, WritesDurationSizeAndAnIndexIntoFiles) {
  const auto file = write_file();
  const auto metadata = metadata_of(file);
  EXPECT_EQ(number(metadata, "duration"), 2.0);
  EXPECT_EQ(number(metadata, "filesize"), static_cast<double>(file.size()));
  ASSERT_NE(metadata.find("keyframes"), nullptr);
  const amf::Object& index = *metadata.find("keyframes")->object();
  const auto& positions = index.find("filepositions")->get_if<amf::StrictArray>()->values;
  const auto& times = index.find("times")->get_if<amf::StrictArray>()->values;
  ASSERT_EQ(positions.size(), 2u);
  EXPECT_EQ(times.at(1).number(), 1.0);
  const auto tag = flv::read_tag(
      Buffer::copy_of(Bytes(file).subspan(static_cast<std::size_t>(*positions[1].number()))));
  ASSERT_TRUE(tag && *tag);
  EXPECT_EQ((*tag)->timestamp, 1000);
  EXPECT_EQ(to_hex((*tag)->payload), "1701000000aabbcc");
}

TEST(RtmpMux, WritesNothingOfTheEndIntoStreams) {
  const auto metadata = metadata_of(write_file("streamable=true"));
  EXPECT_EQ(metadata.find("duration"), nullptr);
  EXPECT_EQ(metadata.find("keyframes"), nullptr);
}

}  // namespace
}  // namespace rtmp::test
