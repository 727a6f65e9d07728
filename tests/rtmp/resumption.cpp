// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/resumption.h"

#include <gtest/gtest.h>

#include "rtmp/command.h"
#include "rtmp/support.h"

namespace rtmp::test {
namespace {

Message message(MessageType type, std::int64_t timestamp, std::string_view hex) {
  return {type, 0, timestamp, Buffer::adopt(from_hex(hex))};
}
Message key(std::int64_t timestamp) { return message(MessageType::video, timestamp, "1701000000"); }
Message inter(std::int64_t timestamp) {
  return message(MessageType::video, timestamp, "2701000000");
}
Message video_header(std::string_view end = "01") {
  return message(MessageType::video, 0, "1700000000" + std::string(end));
}
Message audio_header() { return message(MessageType::audio, 0, "af001210"); }
Message audio(std::int64_t timestamp) { return message(MessageType::audio, timestamp, "af0100"); }
Message metadata(double width = 320) {
  return write_data({"onMetaData", {amf::Object{{"width", width}}}}, 0, 0);
}

std::string described(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& each : messages)
    text += std::to_string(static_cast<int>(each.type)) + "@" + std::to_string(each.timestamp) +
            " " + to_hex(each.payload).substr(0, 4) + "; ";
  return text;
}

// --- headers

TEST(StreamHeaders, StandBeforeAFrameAtItsTimeWithTheMetadataFirst) {
  StreamHeaders headers;
  for (const Message& each : {video_header(), audio_header(), key(0), metadata()})
    headers.remember(each);
  EXPECT_EQ(described(headers.before(5000)), "18@0 0200; 8@5000 af00; 9@5000 1700; ");
}

TEST(StreamHeaders, ReplaceThoseOfTheSameTrackAndKind) {
  StreamHeaders headers;
  EXPECT_TRUE(headers.remember(video_header("01")));
  EXPECT_TRUE(headers.remember(video_header("02")));
  ASSERT_EQ(headers.before(0).size(), 1u);
  EXPECT_TRUE(headers.knows(video_header("02")));
  EXPECT_FALSE(headers.knows(video_header("01")));
}

TEST(StreamHeaders, SayWhatIsNoNews) {
  StreamHeaders headers;
  EXPECT_TRUE(headers.remember(metadata(320)));
  EXPECT_FALSE(headers.remember(metadata(320)));
  EXPECT_TRUE(headers.remember(metadata(640)));
  EXPECT_FALSE(headers.remember(key(0)));
}

TEST(StreamHeaders, KeepOneForEachTrack) {
  StreamHeaders headers;
  // Enhanced video, Multitrack, OneTrack, SequenceStart, avc1, tracks 1 and 2.
  headers.remember(message(MessageType::video, 0, "96 00 61766331 01 01"));
  headers.remember(message(MessageType::video, 0, "96 00 61766331 02 01"));
  EXPECT_EQ(headers.before(0).size(), 2u);
}

TEST(StreamHeaders, KnowMetadataThatIsWrapped) {
  StreamHeaders headers;
  EXPECT_TRUE(headers.remember(
      write_data({"@setDataFrame", {"onMetaData", amf::Object{{"width", 320}}}}, 0, 0)));
}

// --- a publisher's stream

// What becomes of the messages, a letter each: sent, withheld, lost.
std::string judged(Resumption& stream, const std::vector<Message>& messages) {
  std::string text;
  for (const Message& each : messages) text += "swl"[static_cast<int>(stream.judge(each))];
  return text;
}

TEST(Resumption, LetsTheFirstConnectionHaveEverything) {
  Resumption stream;
  EXPECT_EQ(judged(stream, {inter(0), audio(0), video_header(), metadata(), key(40)}), "sssss");
}

TEST(Resumption, BeginsAnotherConnectionWithAKeyFrame) {
  Resumption stream;
  judged(stream, {video_header(), audio_header(), key(0), inter(40)});
  stream.begin();
  EXPECT_EQ(judged(stream, {inter(80), audio(80)}), "ll");
  EXPECT_TRUE(stream.waiting());
  EXPECT_EQ(judged(stream, {key(120), inter(160)}), "ss");
  EXPECT_FALSE(stream.waiting());
  EXPECT_EQ(described(stream.headers(120)), "8@120 af00; 9@120 1700; ");
}

TEST(Resumption, BeginsWithSoundWhereThereAreNoPictures) {
  Resumption stream;
  judged(stream, {audio_header(), audio(0)});
  stream.begin();
  EXPECT_EQ(judged(stream, {audio(20)}), "s");
}

TEST(Resumption, TakesHeadersThatChangeMeanwhile) {
  Resumption stream;
  judged(stream, {video_header("01"), key(0)});
  stream.begin();
  EXPECT_EQ(judged(stream, {video_header("02"), metadata(), key(40)}), "wws");
  EXPECT_EQ(described(stream.headers(40)), "18@0 0200; 9@40 1700; ");
  EXPECT_EQ(to_hex(stream.headers(40)[1].payload), to_hex(video_header("02").payload));
}

}  // namespace
}  // namespace rtmp::test
