// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/chunk.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <sstream>

#include "records.h"
#include "rtmp/control.h"

namespace rtmp {
namespace {

using test::field;
using test::from_hex;
using test::Record;
using test::to_hex;
using Vector = std::vector<std::uint8_t>;

struct Sent {
  std::uint32_t chunk_stream_id = 0;
  Message message;
};

std::string describe(const Message& message) {
  std::ostringstream out;
  out << "type=" << int(message.type) << " stream=" << message.stream_id
      << " ts=" << message.timestamp << " payload=" << to_hex(message.payload);
  return out.str();
}

// What a reader makes of some bytes: messages, then perhaps the error that ended it.
struct Outcome {
  std::vector<std::string> messages;
  boost::system::error_code error = {};
  std::size_t unread = 0;
};

// Reads all of `input`, applying what control messages say as a connection does.
void read_all(ChunkReader& reader, Bytes input, Outcome& outcome) {
  while (true) {
    const Result<std::optional<Message>> message = reader.read(input);
    if (!message) outcome.error = message.error();
    if (!message || !*message) break;
    outcome.messages.push_back(describe(**message));
    const std::uint32_t value = ByteReader((*message)->payload).u32();
    if ((*message)->type == MessageType::set_chunk_size) reader.set_chunk_size(value).value();
    if ((*message)->type == MessageType::abort) reader.abort(value);
  }
  outcome.unread += input.size();
}

Outcome read_in_pieces(ChunkReader reader, Bytes bytes, std::size_t piece) {
  Outcome outcome;
  for (; !bytes.empty() && !outcome.error; bytes = bytes.subspan(std::min(piece, bytes.size())))
    read_all(reader, bytes.first(std::min(piece, bytes.size())), outcome);
  return outcome;
}

Outcome read_hex(std::string_view hex, std::uint32_t chunk_size = default_chunk_size,
                 ChunkLimits limits = {}) {
  ChunkReader reader(limits);
  EXPECT_TRUE(reader.set_chunk_size(chunk_size));
  const Vector bytes = from_hex(hex);
  return read_in_pieces(reader, bytes, std::max<std::size_t>(1, bytes.size()));
}

Vector drain(OutputQueue& queue) {
  Vector bytes;
  std::array<Bytes, 3> spans;
  while (!queue.empty()) {
    const std::size_t filled = queue.gather(spans);
    for (std::size_t i = 0; i < filled; ++i)
      bytes.insert(bytes.end(), spans[i].begin(), spans[i].end());
    std::size_t size = 0;
    for (std::size_t i = 0; i < filled; ++i) size += spans[i].size();
    queue.consume(size);
  }
  return bytes;
}

Vector flatten(const EncodedMessage& encoded) {
  Vector bytes;
  for (const Buffer& segment : encoded.segments)
    bytes.insert(bytes.end(), segment.bytes().begin(), segment.bytes().end());
  return bytes;
}

// --- the vectors ---

// "csid=3 type=20 stream=1 ts=1000 payload=41424344"
Sent parse_sent(const std::string& text) {
  std::istringstream in(text);
  Sent sent;
  for (std::string word; in >> word;) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "csid") sent.chunk_stream_id = static_cast<std::uint32_t>(std::stoul(value));
    if (key == "type") sent.message.type = static_cast<MessageType>(std::stoul(value));
    if (key == "stream") sent.message.stream_id = static_cast<std::uint32_t>(std::stoul(value));
    if (key == "ts") sent.message.timestamp = std::stoll(value);
    if (key == "payload") sent.message.payload = Buffer::adopt(from_hex(value));
  }
  return sent;
}

class ChunkVectors : public testing::TestWithParam<Record> {
 protected:
  ChunkVectors() {
    const auto [in, in_end] = GetParam().equal_range("in");
    for (auto line = in; line != in_end; ++line)
      for (std::uint8_t byte : from_hex(line->second)) bytes_.push_back(byte);
    const auto [out, out_end] = GetParam().equal_range("out");
    for (auto line = out; line != out_end; ++line) {
      sent_.push_back(parse_sent(line->second));
      expected_.push_back(describe(sent_.back().message));
    }
    if (const std::string size = field(GetParam(), "chunk_size"); !size.empty())
      chunk_size_ = static_cast<std::uint32_t>(std::stoul(size));
  }

  ChunkReader reader() const {
    ChunkReader reader;
    EXPECT_TRUE(reader.set_chunk_size(chunk_size_));
    return reader;
  }
  Outcome read(std::size_t piece) const { return read_in_pieces(reader(), bytes_, piece); }

  Vector written() const {
    ChunkWriter writer;
    writer.set_chunk_size(chunk_size_);
    OutputQueue queue;
    for (const Sent& sent : sent_) writer.write(sent.message, sent.chunk_stream_id, queue);
    return drain(queue);
  }

  Vector bytes_;
  std::vector<Sent> sent_;
  std::vector<std::string> expected_;
  std::uint32_t chunk_size_ = default_chunk_size;
};

TEST_P(ChunkVectors, ReadWhole) {
  const Outcome outcome = read(bytes_.size());
  EXPECT_EQ(outcome.messages, expected_);
  EXPECT_FALSE(outcome.error) << outcome.error.message();
  EXPECT_EQ(outcome.unread, 0u);
}

TEST_P(ChunkVectors, ReadByteByByte) {
  const Outcome outcome = read(1);
  EXPECT_EQ(outcome.messages, expected_);
  EXPECT_FALSE(outcome.error) << outcome.error.message();
}

TEST_P(ChunkVectors, ReadInTwoPiecesCutAnywhere) {
  for (std::size_t cut = 1; cut < bytes_.size(); ++cut) {
    ChunkReader cut_reader = reader();
    Outcome outcome;
    read_all(cut_reader, Bytes(bytes_).first(cut), outcome);
    read_all(cut_reader, Bytes(bytes_).subspan(cut), outcome);
    ASSERT_EQ(outcome.messages, expected_) << "cut at " << cut;
  }
}

TEST_P(ChunkVectors, LeaveTrailingBytesToTheNextMessage) {
  Vector more = bytes_;
  for (std::uint8_t byte : from_hex("07 000007 000001 08 07000000 aa")) more.push_back(byte);
  std::vector<std::string> expected = expected_;
  expected.push_back("type=8 stream=7 ts=7 payload=aa");
  EXPECT_EQ(read_in_pieces(reader(), more, more.size()).messages, expected);
}

TEST_P(ChunkVectors, AreWrittenAndReadBack) {
  const Vector bytes = written();
  if (!field(GetParam(), "written_alike").empty()) {
    EXPECT_EQ(to_hex(bytes), to_hex(bytes_));
  }
  EXPECT_EQ(read_in_pieces(reader(), bytes, bytes.size()).messages, expected_);
}

INSTANTIATE_TEST_SUITE_P(All, ChunkVectors,
                         testing::ValuesIn(test::read_records("chunk/messages.txt")),
                         [](const auto& vector) { return field(vector.param, "name"); });

// --- the reader ---

TEST(ChunkReader, RefusesTypeThreeFirst) {
  EXPECT_EQ(read_hex("c4 af01").error, Error::no_first_chunk);
}

TEST(ChunkReader, RefusesAnotherSizeInsideAMessage) {
  EXPECT_EQ(read_hex("06 000064 000008 09 01000000 56565656 46 000000 000009 09", 4).error,
            Error::message_changed);
}

TEST(ChunkReader, RefusesAnotherTypeInsideAMessage) {
  EXPECT_EQ(read_hex("06 000064 000008 09 01000000 56565656 06 000064 000008 08 01000000", 4).error,
            Error::message_changed);
}

TEST(ChunkReader, DropsAnAbortedMessage) {
  const Outcome outcome = read_hex(
      "06 000064 000006 09 01000000 01020304  02 000000 000004 02 00000000 00000006"
      "06 000064 000005 08 01000000 0a0b0c0d  c6 0e",
      4);
  EXPECT_EQ(outcome.messages,
            (std::vector<std::string>{"type=2 stream=0 ts=0 payload=00000006",
                                      "type=8 stream=1 ts=100 payload=0a0b0c0d0e"}));
}

TEST(ChunkReader, KeepsTheHeaderOfAnAbortedMessage) {
  const Outcome outcome = read_hex(
      "06 000064 000006 09 01000000 01020304  02 000000 000004 02 00000000 00000006"
      "86 000005 0a0b0c0d  c6 0e0f",
      4);
  EXPECT_EQ(outcome.messages.at(1), "type=9 stream=1 ts=105 payload=0a0b0c0d0e0f");
}

TEST(ChunkReader, IgnoresTheAbortOfAnUnknownChunkStream) {
  const Outcome outcome = read_hex("02 000000 000004 02 00000000 0000ffff");
  EXPECT_EQ(outcome.messages.size(), 1u);
  EXPECT_FALSE(outcome.error);
}

TEST(ChunkReader, UsesANewChunkSizeForTheRestOfInterleavedMessages) {
  const Outcome outcome = read_hex(
      "06 000064 000009 09 01000000 01020304"
      "02 000000 000004 01 00000000 00000002"
      "c6 0506  c6 0708  c6 09",
      4);
  EXPECT_EQ(outcome.messages.at(1), "type=9 stream=1 ts=100 payload=010203040506070809");
}

TEST(ChunkReader, RefusesTheChunkSizesThatTheDocumentForbids) {
  ChunkReader reader;
  EXPECT_EQ(reader.set_chunk_size(0).error(), Error::bad_chunk_size);
  EXPECT_EQ(reader.set_chunk_size(0x80000000).error(), Error::bad_chunk_size);
  EXPECT_EQ(reader.chunk_size(), default_chunk_size);
}

TEST(ChunkReader, TakesAHugeChunkSizeForTheLargestMessage) {
  ChunkReader reader;
  EXPECT_TRUE(reader.set_chunk_size(0x7FFFFFFF));
  EXPECT_EQ(reader.chunk_size(), max_message_size);
}

TEST(ChunkReader, RefusesAMessageAboveTheLimitByItsHeader) {
  ChunkLimits limits;
  limits.message_size = 10;
  EXPECT_FALSE(read_hex("06 000000 00000a 09 01000000", 128, limits).error);
  EXPECT_EQ(read_hex("06 000000 00000b 09 01000000", 128, limits).error, Error::message_too_large);
}

TEST(ChunkReader, HasNoMoreThan64ChunkStreams) {
  ByteWriter bytes;
  for (std::uint32_t i = 0; i < 64; ++i)
    bytes.bytes(from_hex("00")).u8(i).bytes(from_hex("000000 000000 08 00000000"));
  Outcome outcome = read_hex(to_hex(bytes.view()));
  EXPECT_EQ(outcome.messages.size(), 64u);
  EXPECT_FALSE(outcome.error);
  outcome = read_hex(to_hex(bytes.view()) + "02 000000 000000 08 00000000");
  EXPECT_EQ(outcome.error, Error::too_many_chunk_streams);
}

TEST(ChunkReader, HoldsNoMoreThanItsLimitInUnfinishedMessages) {
  ChunkLimits limits;
  limits.partial_bytes = 8;
  const std::string two =
      "04 000000 000005 08 01000000 01020304  05 000000 000005 08 01000000 01020304";
  EXPECT_FALSE(read_hex(two, 4, limits).error);
  EXPECT_EQ(read_hex(two + "06 000000 000005 08 01000000", 4, limits).error,
            Error::too_many_partial_bytes);
}

TEST(ChunkReader, CountsBytesOfUnfinishedMessagesOnly) {
  ChunkReader reader;
  Outcome outcome;
  Vector bytes(200, 0xAA);
  const Vector header = from_hex("04 000000 0000c8 08 01000000");
  std::copy(header.begin(), header.end(), bytes.begin());
  read_all(reader, Bytes(bytes).first(header.size() + 100), outcome);
  EXPECT_EQ(reader.partial_bytes(), 100u);
  read_all(reader, from_hex("aa"), outcome);
  EXPECT_EQ(reader.partial_bytes(), 101u);
  reader = ChunkReader();
  read_all(reader, from_hex("04 000000 000002 08 01000000 aaaa"), outcome);
  EXPECT_EQ(reader.partial_bytes(), 0u);
}

TEST(ChunkReader, RefusesAFloodOfTinyChunks) {
  ChunkLimits limits;
  limits.tiny_chunks_per_message = 3;
  const std::string four = "04 000000 000004 08 01000000 01 c4 02 c4 03 c4 04";
  EXPECT_EQ(read_hex(four, 1, limits).error, Error::tiny_chunk_flood);
  limits.tiny_chunks_per_message = 4;
  EXPECT_EQ(read_hex(four + four, 1, limits).messages.size(), 2u);
}

TEST(ChunkReader, RefusesAFloodOfTinyChunksInWholeMessages) {
  ChunkLimits limits;
  limits.tiny_chunks_per_second = 4;
  const std::string two = "04 000000 000002 08 01000000 01 c4 02";
  EXPECT_EQ(read_hex(two + two, 1, limits).messages.size(), 2u);
  EXPECT_EQ(read_hex(two + two + two, 1, limits).error, Error::tiny_chunk_flood);
}

TEST(ChunkReader, TakesMoreTinyChunksInTheNextSecond) {
  ChunkLimits limits;
  limits.tiny_chunks_per_second = 2;
  ChunkReader reader(limits);
  ASSERT_TRUE(reader.set_chunk_size(1));
  const Vector two = from_hex("04 000000 000002 08 01000000 01 c4 02");
  for (int second = 0; second < 3; ++second) {
    Bytes bytes = two;
    EXPECT_TRUE(reader.read(bytes).value().has_value());
    reader.begin_second();
  }
}

TEST(ChunkReader, CountsNoChunksOfTheDefaultSize) {
  ChunkLimits limits;
  limits.tiny_chunks_per_message = limits.tiny_chunks_per_second = 1;
  ChunkWriter writer;
  OutputQueue queue;
  writer.write({MessageType::video, 1, 0, Buffer::adopt(Vector(1000, 1))}, 6, queue);
  EXPECT_EQ(read_in_pieces(ChunkReader(limits), drain(queue), 1000).messages.size(), 1u);
}

TEST(ChunkReader, PlacesDataBesideTheMediaOfItsStream) {
  const Outcome outcome = read_hex(
      "06 ffffff 000001 09 01000000 fffffff0 aa  86 000020 aa"
      "05 000010 000001 12 01000000 02  05 000000 000001 12 02000000 02  86 000001 aa");
  EXPECT_EQ(outcome.messages, (std::vector<std::string>{
                                  "type=9 stream=1 ts=4294967280 payload=aa",
                                  "type=9 stream=1 ts=4294967312 payload=aa",
                                  "type=18 stream=1 ts=4294967312 payload=02",
                                  "type=18 stream=2 ts=0 payload=02",
                                  "type=9 stream=1 ts=4294967313 payload=aa",
                              }));
}

TEST(ChunkReader, NeverMovesTheTimeLineByData) {
  const Outcome outcome = read_hex(
      "06 ffffff 000001 09 01000000 70000000 aa  05 000000 000001 12 01000000 02"
      "86 000001 aa");
  EXPECT_EQ(outcome.messages.at(2), "type=9 stream=1 ts=1879048193 payload=aa");
}

TEST(ChunkReader, TakesALateStartBehindAHeaderAtZeroForLate) {
  const Outcome outcome = read_hex(
      "06 000000 000001 09 01000000 aa  06 ffffff 000001 09 01000000 c0000000 aa"
      "86 000001 aa");
  EXPECT_EQ(outcome.messages.at(2), "type=9 stream=1 ts=3221225473 payload=aa");
}

TEST(ChunkReader, TakesAStepBackAtTheStartForOne) {
  const Outcome outcome = read_hex(
      "06 000005 000001 09 01000000 aa  06 ffffff 000001 09 01000000 fffffffd aa"
      "86 000028 aa");
  EXPECT_EQ(outcome.messages.at(1), "type=9 stream=1 ts=-3 payload=aa");
  EXPECT_EQ(outcome.messages.at(2), "type=9 stream=1 ts=37 payload=aa");
}

// --- the writer ---

Vector write(std::initializer_list<Message> messages, std::uint32_t chunk_stream_id = 6) {
  ChunkWriter writer;
  OutputQueue queue;
  for (const Message& message : messages) writer.write(message, chunk_stream_id, queue);
  return drain(queue);
}

Message video(std::int64_t timestamp, std::string_view payload = "aa", std::uint32_t stream = 1) {
  return {MessageType::video, stream, timestamp, Buffer::adopt(from_hex(payload))};
}

TEST(ChunkWriter, SaysTimeGoingBackwardInFull) {
  EXPECT_EQ(to_hex(write({video(1000), video(960)})),
            "060003e800000109"
            "01000000aa"
            "060003c000000109"
            "01000000aa");
}

TEST(ChunkWriter, SaysAGapThatNeedsAnExtendedDeltaInFull) {
  EXPECT_EQ(to_hex(write({video(5), video(5 + 0xFFFFFF)})),
            "0600000500000109"
            "01000000aa"
            "06ffffff00000109"
            "0100000001000004aa");
}

TEST(ChunkWriter, SaysAnotherMessageStreamInFull) {
  EXPECT_EQ(to_hex(write({video(5), video(6, "aa", 2)})),
            "0600000500000109"
            "01000000aa"
            "0600000600000109"
            "02000000aa");
}

TEST(ChunkWriter, NeverStartsAMessageWithTypeThreeAfterAFullHeader) {
  EXPECT_EQ(to_hex(write({video(40), video(80), video(120)})),
            "0600002800000109"
            "01000000aa"
            "86000028aa"
            "c6aa");
}

TEST(ChunkWriter, WritesAFullHeaderWhereSomebodyElseWrote) {
  ChunkWriter writer;
  OutputQueue queue;
  writer.write(video(40), 6, queue);
  writer.forget();
  writer.write(video(41), 6, queue);
  EXPECT_EQ(to_hex(drain(queue)),
            "0600002800000109"
            "01000000aa"
            "0600002900000109"
            "01000000aa");
}

TEST(ChunkWriter, SharesLargePayloads) {
  const Buffer payload = Buffer::adopt(Vector(5000, 0xAA));
  ChunkWriter writer;
  writer.set_chunk_size(4096);
  OutputQueue queue;
  writer.write({MessageType::video, 1, 0, payload}, 6, queue);
  std::array<Bytes, 8> spans;
  ASSERT_EQ(queue.gather(spans), 4u);
  EXPECT_EQ(spans[1].data(), payload.data());
  EXPECT_EQ(spans[3].data(), payload.data() + 4096);
}

TEST(ChunkStreams, PartKindsOfMessages) {
  EXPECT_EQ(chunk_stream::id_for(MessageType::set_chunk_size), 2u);
  EXPECT_EQ(chunk_stream::id_for(MessageType::command), 3u);
  EXPECT_EQ(chunk_stream::id_for(MessageType::audio), 4u);
  EXPECT_EQ(chunk_stream::id_for(MessageType::data), 5u);
  EXPECT_EQ(chunk_stream::id_for(MessageType::video), 6u);
}

// --- encode_alone ---

Buffer buffer_with_room(std::size_t size) {
  BufferBuilder builder(size);
  builder.append(Vector(size, 0xAB));
  return std::move(builder).take();
}

TEST(EncodeAlone, PutsTheHeaderRightBeforeAPayloadThatNobodyShares) {
  Message message{MessageType::video, 1, 1000, buffer_with_room(100)};
  const std::uint8_t* payload = message.payload.data();
  const EncodedMessage encoded = encode_alone(std::move(message), 6, 128);
  ASSERT_EQ(encoded.segments.size(), 1u);
  EXPECT_EQ(encoded.payload.data(), payload);
  EXPECT_EQ(encoded.segments[0].data() + 12, payload);
  EXPECT_EQ(encoded.size, 112u);
}

TEST(EncodeAlone, LeavesASharedPayloadAsItIs) {
  Message message{MessageType::video, 1, 1000, buffer_with_room(100)};
  const Buffer other = message.payload;
  const EncodedMessage encoded = encode_alone(std::move(message), 6, 128);
  ASSERT_EQ(encoded.segments.size(), 2u);
  EXPECT_EQ(encoded.segments[1].data(), other.data());
  EXPECT_EQ(encoded.size, 112u);
}

TEST(EncodeAlone, ReadsBackInEveryShape) {
  for (std::size_t size : {0, 1, 127, 128, 129, 256, 1000, 70'000}) {
    for (std::int64_t timestamp : {0, 0xFFFFFE, 0xFFFFFF, 0x1234567}) {
      for (bool shared : {false, true}) {
        Message message{MessageType::audio, 3, timestamp, buffer_with_room(size)};
        const std::string expected = describe(message);
        const Buffer other = shared ? message.payload : Buffer();
        const EncodedMessage encoded = encode_alone(std::move(message), 4, 128);
        const Vector bytes = flatten(encoded);
        EXPECT_EQ(bytes.size(), encoded.size);
        EXPECT_EQ(encoded.payload.size(), size);
        const Outcome outcome = read_in_pieces(ChunkReader(), bytes, bytes.size());
        EXPECT_EQ(outcome.messages, std::vector<std::string>{expected});
      }
    }
  }
}

// --- OutputQueue ---

OutputQueue queue_of(std::initializer_list<std::string_view> parts) {
  OutputQueue queue;
  for (std::string_view part : parts) queue.push(Buffer::adopt(from_hex(part)));
  return queue;
}

std::string gathered(const OutputQueue& queue, std::size_t count) {
  std::vector<Bytes> spans(count);
  std::string text;
  const std::size_t filled = queue.gather(spans);
  for (std::size_t i = 0; i < filled; ++i) text += (i > 0 ? "|" : "") + to_hex(spans[i]);
  return text;
}

TEST(OutputQueue, GathersNoMoreThanThereAreSpans) {
  const OutputQueue queue = queue_of({"0102", "03", "040506"});
  EXPECT_EQ(gathered(queue, 0), "");
  EXPECT_EQ(gathered(queue, 2), "0102|03");
  EXPECT_EQ(gathered(queue, 9), "0102|03|040506");
}

TEST(OutputQueue, ConsumesInsideAndOverBuffers) {
  OutputQueue queue = queue_of({"0102", "03", "040506"});
  queue.consume(1);
  EXPECT_EQ(gathered(queue, 9), "02|03|040506");
  queue.consume(3);
  EXPECT_EQ(gathered(queue, 9), "0506");
  EXPECT_EQ(queue.size(), 2u);
  queue.consume(2);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(gathered(queue, 9), "");
}

TEST(OutputQueue, ConsumesExactlyToAnEdge) {
  OutputQueue queue = queue_of({"0102", "03"});
  queue.consume(2);
  EXPECT_EQ(gathered(queue, 9), "03");
  queue.push(Buffer::adopt(from_hex("04")));
  EXPECT_EQ(gathered(queue, 9), "03|04");
}

TEST(OutputQueue, TakesNoEmptyBuffers) {
  const OutputQueue queue = queue_of({"", "01", ""});
  EXPECT_EQ(gathered(queue, 9), "01");
}

TEST(OutputQueue, LetsWrittenBuffersGo) {
  OutputQueue queue;
  auto owner = std::make_shared<Vector>(from_hex("0102"));
  queue.push(Buffer(owner, *owner));
  queue.push(Buffer::adopt(from_hex("03")));
  queue.consume(2);
  EXPECT_EQ(owner.use_count(), 1);
}

TEST(OutputQueue, IsEmptyAfterClear) {
  OutputQueue queue = queue_of({"0102", "03"});
  queue.consume(1);
  queue.clear();
  EXPECT_TRUE(queue.empty());
  queue.push(Buffer::adopt(from_hex("09")));
  EXPECT_EQ(gathered(queue, 9), "09");
}

// --- all together ---

// Random messages on a few chunk streams, written, cut anywhere and read: the same messages.
class RoundTrip : public testing::TestWithParam<unsigned> {
 protected:
  std::uint32_t pick(std::uint32_t end) { return random_() % end; }

  std::uint32_t random_size() {
    switch (pick(4)) {
      case 0:
        return pick(3);
      case 1:
        return pick(300);
      case 2:
        return 128 * (1 + pick(10));
      default:
        return pick(200'001);
    }
  }

  std::int64_t random_step() {
    switch (pick(12)) {
      case 0:
        return -static_cast<std::int64_t>(pick(5000));
      case 1:
        return pick(0x3FFFFFFF);
      case 2:
        return 0xFFFFFD + pick(5);
      case 3:
        return 0;
      default:
        return 20;
    }
  }

  Buffer random_payload() {
    Vector bytes(random_size());
    std::uint8_t value = static_cast<std::uint8_t>(random_());
    for (std::uint8_t& byte : bytes) byte = value += 37;
    return Buffer::adopt(std::move(bytes));
  }

  // One chunk stream for each message stream, so that times are unwrapped next to each other.
  Sent random_message() {
    static constexpr std::array<std::uint32_t, 6> ids = {3, 4, 63, 64, 319, 65599};
    const std::uint32_t which = pick(ids.size());
    std::int64_t& time = times_[which];
    time = std::max<std::int64_t>(0, time + random_step());
    const MessageType type = pick(2) ? MessageType::audio : MessageType::video;
    return {ids[which], {type, 1 + which, time, random_payload()}};
  }

  void maybe_change_chunk_size() {
    if (pick(5) > 0) return;
    const std::uint32_t size = pick(2) ? 1 + pick(5000) : 128 + pick(70'000);
    send({2, control::write(control::SetChunkSize{size})});
    writer_.set_chunk_size(size);
  }

  void send(const Sent& sent) {
    expected_.push_back(describe(sent.message));
    if (pick(4) == 0) {  // the way of messages that are shared between connections
      for (const Buffer& part :
           encode_alone(sent.message, sent.chunk_stream_id, writer_.chunk_size()).segments)
        queue_.push(part);
      writer_.forget();
    } else {
      writer_.write(sent.message, sent.chunk_stream_id, queue_);
    }
  }

  std::mt19937 random_{GetParam()};
  std::map<std::uint32_t, std::int64_t> times_;
  ChunkWriter writer_;
  OutputQueue queue_;
  std::vector<std::string> expected_;
};

TEST_P(RoundTrip, ReadsWhatWasWritten) {
  ChunkLimits limits;
  limits.tiny_chunks_per_message = 1'000'000;
  ChunkReader reader(limits);
  Outcome outcome;
  for (int i = 0; i < 100; ++i) {
    maybe_change_chunk_size();
    send(random_message());
    const Vector bytes = drain(queue_);
    for (Bytes rest = bytes; !rest.empty();) {
      const std::size_t piece =
          std::min<std::size_t>(1 + pick(pick(2) ? 40 : 100'000), rest.size());
      read_all(reader, rest.first(piece), outcome);
      rest = rest.subspan(piece);
    }
    ASSERT_FALSE(outcome.error) << outcome.error.message();
    ASSERT_EQ(outcome.messages, expected_);
    outcome.messages.clear();
    expected_.clear();
  }
  EXPECT_EQ(reader.partial_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RoundTrip, testing::Range(1u, 9u));

}  // namespace
}  // namespace rtmp
