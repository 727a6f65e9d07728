// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/media_format.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "records.h"
#include "support.h"

namespace rtmp::media {
namespace {

const std::map<std::string, Codec> codecs = {
    {"h264", Codec::h264}, {"h265", Codec::h265}, {"av1", Codec::av1},  {"vp8", Codec::vp8},
    {"aac", Codec::aac},   {"opus", Codec::opus}, {"flac", Codec::flac}};

bool is_audio(Codec codec) {
  return codec == Codec::aac || codec == Codec::opus || codec == Codec::flac;
}

// "High 3 640x360", "LC 48000 2"
std::string describe(Codec codec, Bytes configuration) {
  std::ostringstream text;
  if (is_audio(codec)) {
    const AudioFormat format = audio_format(codec, configuration);
    text << format.profile << ' ' << format.sample_rate << ' ' << format.channels;
  } else {
    const VideoFormat format = video_format(codec, configuration);
    text << format.profile << ' ' << format.level << ' ' << format.width << 'x' << format.height;
  }
  return text.str();
}

struct Sample {
  Codec codec;
  std::vector<std::uint8_t> configuration;
  std::string meaning;
};

std::vector<Sample> samples() {
  std::vector<Sample> found;
  for (const test::Record& record : test::read_records("media/configurations.txt"))
    found.push_back({codecs.at(test::field(record, "codec")),
                     test::from_hex(test::field(record, "configuration")),
                     test::field(record, "format")});
  return found;
}

TEST(MediaFormat, ReadsConfigurations) {
  ASSERT_FALSE(samples().empty());
  for (const Sample& sample : samples())
    EXPECT_EQ(describe(sample.codec, sample.configuration), sample.meaning);
}

TEST(MediaFormat, ReadsTheSizeOrNothingOfTheBeginningOfAConfiguration) {
  for (const Sample& sample : samples()) {
    const Bytes bytes = sample.configuration;
    const unsigned whole = video_format(sample.codec, bytes).width;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const unsigned width = video_format(sample.codec, bytes.first(size)).width;
      EXPECT_TRUE(width == 0 || width == whole) << sample.meaning << ": " << width;
    }
  }
}

TEST(MediaFormat, TakesRateAndChannelsOfLegacySoundFromItsFirstByte) {
  const AudioFormat mp3 = legacy_audio_format(Codec::mp3, 0x2F);
  EXPECT_EQ(mp3.sample_rate, 44'100u);
  EXPECT_EQ(mp3.channels, 2u);
  EXPECT_EQ(legacy_audio_format(Codec::adpcm, 0x16).sample_rate, 11'025u);
  EXPECT_EQ(legacy_audio_format(Codec::speex, 0xBF).sample_rate, 16'000u);
  EXPECT_EQ(legacy_audio_format(Codec::speex, 0xBF).channels, 1u);
  EXPECT_EQ(legacy_audio_format(Codec::g711_alaw, 0x72).sample_rate, 8'000u);
}

TEST(MediaFormat, TakesFromMetadataWhatHeadersDoNotSay) {
  const amf::Object metadata{{"width", 1920}, {"height", 1080}, {"framerate", 29.97}};
  VideoFormat format;
  format.width = 1280;
  format.height = 720;
  add_metadata(format, metadata);
  EXPECT_EQ(format.width, 1280u);
  EXPECT_DOUBLE_EQ(format.frame_rate, 29.97);
  format = {};
  add_metadata(format, metadata);
  EXPECT_EQ(format.height, 1080u);
}

TEST(MediaFormat, TakesChannelsFromMetadataInBothForms) {
  AudioFormat stereo, surround;
  add_metadata(stereo, {{"stereo", true}, {"audiosamplerate", 44'100}});
  EXPECT_EQ(stereo.channels, 2u);
  EXPECT_EQ(stereo.sample_rate, 44'100u);
  add_metadata(surround, {{"audiochannels", 6}, {"stereo", true}});
  EXPECT_EQ(surround.channels, 6u);
}

TEST(MediaFormat, BelievesNoMetadataBeyondReason) {
  VideoFormat format;
  add_metadata(format, {{"width", -1}, {"height", 1e300}, {"framerate", "fast"}});
  EXPECT_EQ(format, VideoFormat{});
}

}  // namespace
}  // namespace rtmp::media
