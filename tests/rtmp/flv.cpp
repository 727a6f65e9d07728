// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/flv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "records.h"
#include "rtmp/media.h"

namespace rtmp::flv {
namespace {

using test::from_hex;
using test::to_hex;

Buffer buffer_of(const char* hex) { return Buffer::adopt(from_hex(hex)); }

// "audio @1000 af01": a message on one line.
std::string describe(const Message& message) {
  const char* type = message.type == MessageType::audio   ? "audio"
                     : message.type == MessageType::video ? "video"
                     : message.type == MessageType::data  ? "data"
                                                          : "data_amf3";
  return std::string(type) + " @" + std::to_string(message.timestamp) + " " +
         to_hex(message.payload);
}

using Lines = std::vector<std::string>;

Lines describe(const std::vector<Message>& messages) {
  Lines lines;
  for (const Message& message : messages) lines.push_back(describe(message));
  return lines;
}

void take_all(Reader& reader, std::vector<Message>& messages) {
  for (;;) {
    auto message = reader.next();
    ASSERT_TRUE(message) << message.error().message();
    if (!*message) return;
    messages.push_back(std::move(**message));
  }
}

std::vector<Message> read_in_pieces(Reader& reader, Bytes bytes, std::size_t piece_size) {
  std::vector<Message> messages;
  while (!bytes.empty()) {
    const std::size_t size = std::min(piece_size, bytes.size());
    reader.receive(bytes.first(size));
    take_all(reader, messages);
    bytes = bytes.subspan(size);
  }
  return messages;
}

std::vector<Message> read_whole(Reader& reader, Bytes bytes) {
  return read_in_pieces(reader, bytes, bytes.size());
}

// What a reader makes of `hex`, whole and byte by byte.
Lines read_both_ways(const char* hex) {
  const std::vector<std::uint8_t> bytes = from_hex(hex);
  Reader reader;
  Reader slow_reader;
  const Lines lines = describe(read_whole(reader, bytes));
  EXPECT_EQ(describe(read_in_pieces(slow_reader, bytes, 1)), lines);
  EXPECT_EQ(slow_reader.skipped_tags(), reader.skipped_tags());
  return lines;
}

std::vector<std::uint8_t> file_of(const std::vector<Message>& messages, FileHeader header) {
  const auto start = write_file_header(header);
  std::vector<std::uint8_t> file(start.begin(), start.end());
  for (const Message& message : messages) {
    const auto tag = write_tag(message);
    file.insert(file.end(), tag.begin(), tag.end());
  }
  return file;
}

TEST(FlvFile, StartsWithItsHeaderAndABackPointer) {
  EXPECT_EQ(to_hex(write_file_header({true, true})), "464c5601050000000900000000");
  EXPECT_EQ(to_hex(write_file_header({true, false})), "464c5601040000000900000000");
  EXPECT_EQ(to_hex(write_file_header({})), "464c5601000000000900000000");
}

TEST(FlvTag, CarriesTheTimestampsTopByteApart) {
  const Message message{MessageType::audio, 1, 0x01020304, buffer_of("af0121")};
  EXPECT_EQ(to_hex(write_tag(message)), "0800000302030401000000af01210000000e");
}

TEST(FlvTag, WritesTheLow32BitsOfATimestamp) {
  const Message message{MessageType::video, 0, 0x1'8000'0001, {}};
  EXPECT_EQ(to_hex(write_tag(message)), "09000000000001800000000000000b");
}

TEST(FlvTag, HeaderReadsAsWritten) {
  const TagHeader header{MessageType::data_amf3, true, 0x123456, 0xFEDCBA98};
  const TagHeader again = read_tag_header(write_tag_header(header));
  EXPECT_EQ(again.type, header.type);
  EXPECT_TRUE(again.filtered);
  EXPECT_EQ(again.size, header.size);
  EXPECT_EQ(again.timestamp, header.timestamp);
}

TEST(FlvTag, IgnoresReservedBitsOfItsType) {
  const auto bytes = from_hex("c8 000000 000000 00 000000");
  const TagHeader header = read_tag_header(Bytes(bytes).first<tag_header_size>());
  EXPECT_EQ(header.type, MessageType::audio);
  EXPECT_FALSE(header.filtered);
}

TEST(FlvTag, ReadsWithoutCopyingItsPayload) {
  const Buffer tag = buffer_of("08 000003 020304 01 000000 af0121 0000000e");
  const Message message = read_tag(tag).value().value();
  EXPECT_EQ(describe(message), "audio @16909060 af0121");
  EXPECT_EQ(message.payload.data(), tag.data() + tag_header_size);
  EXPECT_EQ(message.payload.owner(), tag.owner());
}

TEST(FlvTag, ReadsWithoutItsBackPointer) {
  EXPECT_EQ(describe(read_tag(buffer_of("12 000001 000005 00 000000 02")).value().value()),
            "data @5 02");
}

TEST(FlvTag, IsTruncatedWhereHeaderOrBodyEnd) {
  const Buffer tag = buffer_of("08 000003 000000 00 000000 af0121");
  for (std::size_t size = 0; size < tag.size(); ++size)
    EXPECT_EQ(read_tag(tag.slice(0, size)).error(), Error::truncated) << size;
}

TEST(FlvTag, IsNothingWhereFilteredOrOfAnUnknownType) {
  EXPECT_FALSE(read_tag(buffer_of("28 000001 000000 00 000000 af")).value());
  EXPECT_FALSE(read_tag(buffer_of("0a 000001 000000 00 000000 af")).value());
}

TEST(FlvReader, ReadsASmallFile) {
  Reader reader;
  const auto bytes = from_hex(
      "464c56010400000009 00000000"
      "12 000003 000000 00 000000 020000 0000000e"
      "08 000004 000000 00 000000 af001210 0000000f");
  EXPECT_EQ(describe(read_whole(reader, bytes)), (Lines{"data @0 020000", "audio @0 af001210"}));
  ASSERT_TRUE(reader.header());
  EXPECT_TRUE(reader.header()->has_audio);
  EXPECT_FALSE(reader.header()->has_video);
}

TEST(FlvReader, GivesATagAsSoonAsItsBodyIsThere) {
  EXPECT_EQ(read_both_ways("464c56010500000009 00000000 08 000001 000007 00 000000 2f"),
            Lines{"audio @7 2f"});
}

TEST(FlvReader, StartsAtATagWhereTheFileHeaderIsMissing) {
  EXPECT_EQ(read_both_ways("09 000002 000007 00 000000 12aa 0000000d"
                           "08 000001 000008 00 000000 2f 0000000c"),
            (Lines{"video @7 12aa", "audio @8 2f"}));
}

TEST(FlvReader, PassesOverWhatALargerFileHeaderHolds) {
  EXPECT_EQ(read_both_ways("464c5601050000000c aabbcc 00000000 08 000001 000007 00 000000 2f"),
            Lines{"audio @7 2f"});
}

TEST(FlvReader, TakesATooSmallHeaderSizeForNine) {
  EXPECT_EQ(read_both_ways("464c56010500000000 00000000 08 000001 000007 00 000000 2f"),
            Lines{"audio @7 2f"});
}

TEST(FlvReader, DoesNotLookAtBackPointers) {
  EXPECT_EQ(read_both_ways("464c56010500000009 deadbeef"
                           "08 000001 000007 00 000000 2f 00000000"
                           "08 000001 000008 00 000000 2f ffffffff"),
            (Lines{"audio @7 2f", "audio @8 2f"}));
}

TEST(FlvReader, CountsFilteredAndUnknownTagsAndReadsOn) {
  const auto bytes = from_hex(
      "464c56010500000009 00000000"
      "28 000002 000001 00 000000 af01 0000000d"
      "0a 000000 000002 00 000000 0000000b"
      "08 000001 000003 00 000000 2f 0000000c");
  for (const std::size_t piece_size : {std::size_t{1}, bytes.size()}) {
    Reader reader;
    EXPECT_EQ(describe(read_in_pieces(reader, bytes, piece_size)), Lines{"audio @3 2f"});
    EXPECT_EQ(reader.skipped_tags(), 2u);
  }
}

TEST(FlvReader, ReadsAnEmptyTag) {
  EXPECT_EQ(read_both_ways("08 000000 000007 00 000000 0000000b"), Lines{"audio @7 "});
}

TEST(FlvReader, RefusesWhatIsNoFlv) {
  for (const char* hex : {"474554202f20485454", "000000186674797069", "464c580105000000 09",
                          "0800000100000700ff", "88000001000007000000"}) {
    Reader reader;
    reader.receive(from_hex(hex));
    EXPECT_EQ(reader.next().error(), Error::bad_flv_header) << hex;
  }
}

TEST(FlvReader, WaitsForAWholeFileHeader) {
  Reader reader;
  reader.receive(from_hex("464c560105000000"));
  EXPECT_FALSE(reader.next().value());
  EXPECT_FALSE(reader.header());
  reader.receive(from_hex("09"));
  EXPECT_FALSE(reader.next().value());
  EXPECT_TRUE(reader.header());
}

TEST(FlvReader, RefusesATagAboveTheLimitBeforeItsBodyComes) {
  Reader reader(1000);
  reader.receive(from_hex("08 0003e8 000000 00 000000"));
  EXPECT_FALSE(reader.next().value());
  Reader strict_reader(999);
  strict_reader.receive(from_hex("08 0003e8 000000 00 000000"));
  EXPECT_EQ(strict_reader.next().error(), Error::message_too_large);
}

TEST(FlvReader, RefusesAFilteredTagAboveTheLimit) {
  Reader reader(999);
  reader.receive(from_hex("28 0003e8 000000 00 000000"));
  EXPECT_EQ(reader.next().error(), Error::message_too_large);
}

TEST(FlvReader, ReadsManyTagsThroughOneSmallWindow) {
  const Random random = test::test_random();
  Reader reader;
  std::vector<Message> messages;
  for (std::uint32_t i = 0; i < 3000; ++i) {
    std::vector<std::uint8_t> body(1 + i % 777);
    random(body);
    body[0] = 0x2F;
    const Message message{MessageType::audio, 0, i, Buffer::copy_of(body)};
    const auto tag = write_tag(message);
    for (const std::size_t cut = i % tag.size();
         const Bytes piece : {Bytes(tag).first(cut), Bytes(tag).subspan(cut)}) {
      reader.receive(piece);
      take_all(reader, messages);
    }
    ASSERT_EQ(messages.size(), i + 1);
    ASSERT_EQ(describe(messages.back()), describe(message));
  }
}

std::string tag_hex(const char* type, std::uint32_t timestamp, const char* body_hex) {
  const auto header =
      write_tag_header({static_cast<MessageType>(from_hex(type)[0]), false,
                        static_cast<std::uint32_t>(from_hex(body_hex).size()), timestamp});
  return to_hex(header) + to_hex(from_hex(body_hex)) + "00000000";
}

TEST(FlvReader, CountsTimeOnPast32Bits) {
  const std::string hex =
      tag_hex("08", 0xFFFFFFF0, "2f") + tag_hex("08", 0x10, "2f") + tag_hex("08", 0x20, "2f");
  EXPECT_EQ(read_both_ways(hex.c_str()),
            (Lines{"audio @4294967280 2f", "audio @4294967312 2f", "audio @4294967328 2f"}));
}

TEST(FlvReader, LetsOnlyFramesStartTheTimeLine) {
  const std::string hex = tag_hex("12", 0, "0200") + tag_hex("08", 0, "af001210") +
                          tag_hex("08", 0xFFFFFFF0, "af0121") + tag_hex("08", 5, "af0121");
  EXPECT_EQ(read_both_ways(hex.c_str()),
            (Lines{"data @0 0200", "audio @0 af001210", "audio @4294967280 af0121",
                   "audio @4294967301 af0121"}));
}

TEST(FlvReader, DoesNotLetASequenceEndMoveTheTimeLine) {
  const std::string hex = tag_hex("09", 0xF0000000, "91 61763031 aa") +
                          tag_hex("09", 0, "92 61763031") + tag_hex("09", 0xF0000001, "12aa");
  EXPECT_EQ(read_both_ways(hex.c_str()),
            (Lines{"video @4026531840 9161763031aa", "video @4294967296 9261763031",
                   "video @4026531841 12aa"}));
}

Message aggregate_of(const char* hex) { return {MessageType::aggregate, 3, 5000, buffer_of(hex)}; }

constexpr const char* aggregate_hex =
    "08 000003 000064 00 000000 af0141 0000000e"
    "09 000006 000064 00 000000 170100000056 00000011"
    "08 000003 00007b 00 000000 af0142";

TEST(Aggregate, SplitsIntoPartsOnItsOwnTime) {
  EXPECT_EQ(describe(split_aggregate(aggregate_of(aggregate_hex))),
            (Lines{"audio @5000 af0141", "video @5000 170100000056", "audio @5023 af0142"}));
}

TEST(Aggregate, GivesItsPartsItsStreamAndItsMemory) {
  const Message aggregate = aggregate_of(aggregate_hex);
  for (const Message& part : split_aggregate(aggregate)) {
    EXPECT_EQ(part.stream_id, 3u);
    EXPECT_EQ(part.payload.owner(), aggregate.payload.owner());
  }
}

TEST(Aggregate, StopsAtATruncatedPart) {
  const Message aggregate = aggregate_of(aggregate_hex);
  for (std::size_t size = 0; size < aggregate.payload.size(); ++size) {
    Message cut = aggregate;
    cut.payload = aggregate.payload.slice(0, size);
    const std::size_t complete = size < 14 ? 0 : size < 35 ? 1 : 2;
    EXPECT_EQ(split_aggregate(cut).size(), complete) << size;
  }
}

TEST(Aggregate, MasksTypesAndPassesOverUnknownOnes) {
  EXPECT_EQ(describe(split_aggregate(aggregate_of("c8 000001 000000 00 000000 2f 0000000c"
                                                  "16 000001 000000 00 000000 2f 0000000c"
                                                  "12 000001 000001 00 000000 02 0000000c"))),
            (Lines{"audio @5000 2f", "data @5001 02"}));
}

TEST(Aggregate, RebasesAcrossTheWrapAndBackwards) {
  EXPECT_EQ(describe(split_aggregate(aggregate_of("08 000000 fffff0 ff 000000 0000000b"
                                                  "08 000000 000010 00 000000 0000000b"
                                                  "08 000000 ffffe0 ff 000000 0000000b"))),
            (Lines{"audio @5000 ", "audio @5032 ", "audio @4984 "}));
}

TEST(Aggregate, HasALimitedNumberOfParts) {
  const std::vector<std::uint8_t> part = from_hex("08 000000 000000 00 000000 0000000b");
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < 2 * max_aggregate_parts; ++i)
    bytes.insert(bytes.end(), part.begin(), part.end());
  EXPECT_EQ(split_aggregate({MessageType::aggregate, 1, 0, Buffer::adopt(bytes)}).size(),
            max_aggregate_parts);
}

// Real files, and what another reader found in them: tests/vectors/flv/manifest.txt.

using KindCounts = std::map<std::string, int>;

struct RealFile {
  std::string name;
  std::size_t tags = 0;
  std::uint32_t first_timestamp = 0;
  std::uint32_t last_timestamp = 0;
  int bad_back_pointers = 0;
  KindCounts kinds;

  std::vector<std::uint8_t> read() const {
    return test::read_file(test::shared_path("media/" + name));
  }
};

void PrintTo(const RealFile& file, std::ostream* out) { *out << file.name; }

std::vector<RealFile> real_files() {
  std::vector<RealFile> files;
  for (const test::Record& record : test::read_records("flv/manifest.txt")) {
    RealFile file;
    std::istringstream in(test::field(record, "file"));
    in >> file.name >> file.tags >> file.first_timestamp >> file.last_timestamp >>
        file.bad_back_pointers;
    const auto [first, last] = record.equal_range("kind");
    for (auto kind = first; kind != last; ++kind) {
      std::istringstream line(kind->second);
      int count = 0;
      std::string name;
      line >> count >> name;
      file.kinds[name] = count;
    }
    files.push_back(file);
  }
  return files;
}

std::string packet_type_name(const media::Packet& packet) {
  switch (packet.type) {
    case media::PacketType::sequence_start:
      return "SequenceStart";
    case media::PacketType::coded_frames:
      return packet.coded_frames_x ? "CodedFramesX" : "CodedFrames";
    case media::PacketType::sequence_end:
      return "SequenceEnd";
    case media::PacketType::metadata:
      return "Metadata";
    case media::PacketType::multichannel_config:
      return "MultichannelConfig";
    case media::PacketType::command:
      return "Command";
  }
  return "?";
}

std::string four_cc_text(media::FourCc four_cc) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(four_cc >> shift);
  return text;
}

std::string enhanced_kind(const media::Packet& packet) {
  const media::TrackPacket& track = packet.tracks.front();
  std::string kind = packet.multitrack ? "ex:Multitrack:OneTrack:" : "ex:";
  kind += packet_type_name(packet) + ":" + four_cc_text(track.four_cc);
  if (packet.multitrack) kind += ":track" + std::to_string(track.track_id);
  return kind;
}

std::string legacy_kind(const media::Packet& packet) {
  using media::Codec;
  const bool header = packet.type == media::PacketType::sequence_start;
  switch (packet.tracks.front().codec) {
    case Codec::h264:
      return header                                           ? "avc:seqhdr"
             : packet.type == media::PacketType::sequence_end ? "avc:eos"
                                                              : "avc:nalu";
    case Codec::aac:
      return header ? "aac:seqhdr" : "aac:raw";
    case Codec::sorenson_h263:
      return "flv1";
    case Codec::screen_video:
      return "screen";
    case Codec::screen_video_2:
      return "screen2";
    case Codec::adpcm:
      return "adpcm";
    case Codec::mp3:
      return "mp3";
    case Codec::speex:
      return "speex";
    case Codec::nellymoser_16k:
      return "nelly16";
    case Codec::nellymoser_8k:
      return "nelly8";
    case Codec::nellymoser:
      return "nelly";
    case Codec::g711_alaw:
      return "alaw";
    case Codec::g711_mulaw:
      return "ulaw";
    case Codec::pcm_platform:
      return "pcm";
    case Codec::pcm_le:
      return "pcm_le";
    default:
      return "?";
  }
}

// As the manifest names kinds: "video:avc:nalu", "script:onMetaData".
std::string kind_of(const Message& message) {
  if (!is_media(message.type)) {
    ByteReader in(message.payload);
    in.skip(1);  // AMF0's marker of a string
    const std::size_t size = in.u16();
    return "script:" + std::string(in.text(size));
  }
  const auto packet = media::read(message);
  if (!packet) return packet.error().message();
  return (packet->video ? "video:" : "audio:") +
         (packet->enhanced ? enhanced_kind(*packet) : legacy_kind(*packet));
}

class RealFiles : public testing::TestWithParam<RealFile> {
 protected:
  void SetUp() override {
    bytes_ = GetParam().read();
    if (bytes_.empty()) GTEST_SKIP() << GetParam().name << " is not here";
  }

  std::vector<std::uint8_t> bytes_;
};

TEST_P(RealFiles, HaveTheTagsThatAnotherReaderFound) {
  Reader reader;
  const std::vector<Message> messages = read_whole(reader, bytes_);
  ASSERT_EQ(messages.size(), GetParam().tags);
  EXPECT_EQ(static_cast<std::uint32_t>(messages.front().timestamp), GetParam().first_timestamp);
  EXPECT_EQ(static_cast<std::uint32_t>(messages.back().timestamp), GetParam().last_timestamp);
  EXPECT_EQ(reader.skipped_tags(), 0u);
  KindCounts kinds;
  for (const Message& message : messages) ++kinds[kind_of(message)];
  EXPECT_EQ(kinds, GetParam().kinds);
}

TEST_P(RealFiles, ReadTheSameInSmallPieces) {
  Reader whole_reader;
  Reader reader;
  const Lines expected = describe(read_whole(whole_reader, bytes_));
  const std::size_t piece_size = bytes_.size() < 64 * 1024 ? 1 : 97;
  EXPECT_EQ(describe(read_in_pieces(reader, bytes_, piece_size)), expected);
}

TEST_P(RealFiles, AreWrittenAgainByteForByte) {
  if (GetParam().bad_back_pointers > 0) GTEST_SKIP() << "the file's back pointers are wrong";
  Reader reader;
  const std::vector<Message> messages = read_whole(reader, bytes_);
  ASSERT_TRUE(reader.header());
  EXPECT_TRUE(file_of(messages, *reader.header()) == bytes_);
}

TEST_P(RealFiles, HaveHeadersThatAreWrittenAgainByteForByte) {
  Reader reader;
  for (const Message& message : read_whole(reader, bytes_)) {
    if (!is_media(message.type)) continue;
    const media::Packet packet = media::read(message).value();
    const auto header =
        packet.video ? media::write_video_header(packet) : media::write_audio_header(packet);
    const Bytes read_header = message.payload.bytes().first(packet.tracks.at(0).offset);
    EXPECT_EQ(to_hex(header), to_hex(read_header));
  }
}

// Time rises through every wrap: audio and video interleave within a second.
TEST_P(RealFiles, HaveFramesThatNeverJump) {
  Reader reader;
  std::optional<std::int64_t> last;
  for (const Message& message : read_whole(reader, bytes_)) {
    const auto kind = media::summarize(message).kind;
    using Kind = media::Summary::Kind;
    if (!is_media(message.type) || kind == Kind::other || kind == Kind::description ||
        kind == Kind::sequence_start)
      continue;
    EXPECT_GE(message.timestamp, 0);
    EXPECT_LT(std::abs(message.timestamp - last.value_or(message.timestamp)), 1000);
    last = message.timestamp;
  }
}

std::string test_name(const testing::TestParamInfo<RealFile>& info) {
  return info.param.name.substr(0, info.param.name.find('.'));
}

INSTANTIATE_TEST_SUITE_P(Flv, RealFiles, testing::ValuesIn(real_files()), test_name);

}  // namespace
}  // namespace rtmp::flv
