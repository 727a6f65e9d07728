// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/bridge.h"

#include <glib/gstdio.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "elements/pipeline.h"
#include "rtmp/amf0.h"

namespace rtmp::test {
namespace {

using Messages = std::vector<Message>;

std::vector<std::uint8_t> join(std::initializer_list<std::vector<std::uint8_t>> parts) {
  std::vector<std::uint8_t> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<std::uint8_t> file_header() {
  const auto header = flv::write_file_header({true, true});
  return {header.begin(), header.end()};
}

std::vector<std::uint8_t> without_back_pointer(std::vector<std::uint8_t> tag) {
  tag.resize(tag.size() - flv::back_pointer_size);
  return tag;
}

Messages read(bridge::TagReader& reader, Bytes bytes) {
  GstBuffer* buffer = to_gst(bytes);
  auto messages = reader.read(buffer);
  gst_buffer_unref(buffer);
  EXPECT_TRUE(messages) << messages.error().message();
  return messages ? *messages : Messages();
}

// What a reader makes of `bytes` in buffers of `size`.
Messages read_in_pieces(Bytes bytes, std::size_t size) {
  bridge::TagReader reader;
  Messages all;
  for (std::size_t i = 0; i < bytes.size(); i += size)
    for (Message& message : read(reader, bytes.subspan(i, std::min(size, bytes.size() - i))))
      all.push_back(std::move(message));
  return all;
}

std::vector<std::int64_t> times(const Messages& messages) {
  std::vector<std::int64_t> times;
  for (const Message& message : messages) times.push_back(message.timestamp);
  return times;
}

TEST(TagReader, ReadsTheFileHeaderAndTagsInAnyCut) {
  const auto file =
      join({file_header(), flv::write_tag(sequence_header()), flv::write_tag(frame(0)),
            flv::write_tag(frame(1)), flv::write_tag(frame(2))});
  for (std::size_t size : {std::size_t{1}, std::size_t{4}, std::size_t{9}, std::size_t{13},
                           std::size_t{100}, file.size()}) {
    const Messages messages = read_in_pieces(file, size);
    ASSERT_EQ(messages.size(), 4u) << size;
    EXPECT_EQ(times(messages), (std::vector<std::int64_t>{0, 0, 40, 80})) << size;
  }
}

TEST(TagReader, ReadsTagsWhoseBackPointerComesWithTheNextBufferOrNever) {
  const auto first = without_back_pointer(flv::write_tag(frame(0)));
  const auto second = flv::write_tag(frame(1));
  bridge::TagReader never;
  EXPECT_EQ(read(never, first).size(), 1u);
  EXPECT_EQ(read(never, second).size(), 1u);

  const auto back_pointer = flv::write_back_pointer(100);
  const auto late = join({{back_pointer.begin() + 1, back_pointer.end()}, second});
  bridge::TagReader split;
  EXPECT_EQ(read(split, first).size(), 1u);
  EXPECT_EQ(read(split, Bytes(back_pointer).first(1)).size(), 0u);
  EXPECT_EQ(read(split, late).size(), 1u);
}

TEST(TagReader, ReadsAHeaderApartFromItsBackPointer) {
  const auto header = file_header();
  bridge::TagReader reader;
  EXPECT_EQ(read(reader, Bytes(header).first(flv::header_size)).size(), 0u);
  EXPECT_EQ(read(reader, Bytes(header).subspan(flv::header_size)).size(), 0u);
  EXPECT_EQ(read(reader, flv::write_tag(frame(7))).size(), 1u);
}

TEST(TagReader, RefusesWhatIsNotFlv) {
  bridge::TagReader reader;
  GstBuffer* buffer = to_gst(as_bytes("this is no FLV, whatever the caps say"));
  EXPECT_FALSE(reader.read(buffer));
  gst_buffer_unref(buffer);
}

TEST(TagReader, UnwrapsTimestampsPast32Bits) {
  bridge::TagReader reader;
  Message late = frame(0), later = frame(1);
  late.timestamp = 0xFFFFFFF0;
  later.timestamp = 0x100000010;
  EXPECT_EQ(read(reader, flv::write_tag(late))[0].timestamp, 0xFFFFFFF0);
  EXPECT_EQ(read(reader, flv::write_tag(later))[0].timestamp, 0x100000010);
}

TEST(TagReader, SharesTheBytesOfWholeTags) {
  const auto tag = flv::write_tag(frame(0));
  GstBuffer* buffer = to_gst(tag);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_READ);
  bridge::TagReader reader;
  const auto messages = reader.read(buffer);
  ASSERT_TRUE(messages);
  EXPECT_EQ(messages->at(0).payload.data(), map.data + flv::tag_header_size);
  gst_buffer_unmap(buffer, &map);
  gst_buffer_unref(buffer);
}

TEST(Bridge, MakesATagThatSharesThePayload) {
  const Message message = frame(3, 1000);
  GstBuffer* buffer = bridge::to_tag(message);
  EXPECT_EQ(to_bytes(buffer), flv::write_tag(message));
  EXPECT_EQ(GST_BUFFER_PTS(buffer), 120 * GST_MSECOND);
  EXPECT_TRUE(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT));
  bridge::TagReader reader;
  const auto messages = reader.read(buffer);
  ASSERT_TRUE(messages);
  EXPECT_EQ(messages->at(0).payload.data(), message.payload.data());
  gst_buffer_unref(buffer);
}

// filesink 1.22 gives up on what comes behind 1024 memories of a block.
TEST(Bridge, MakesTagsOfSmallMessagesThatFilesinkWritesWhole) {
  gchar* path = nullptr;
  const int fd = g_file_open_tmp("rtmp-bridge-XXXXXX.flv", &path, nullptr);
  ASSERT_GE(fd, 0);
  close(fd);
  std::vector<std::uint8_t> expected;
  {
    Pipeline pipeline("appsrc name=in format=time ! filesink sync=false location=" +
                      std::string(path));
    pipeline.set_state(GST_STATE_PLAYING);
    for (std::int64_t i = 0; i < 10'000; ++i) {
      const Message message{MessageType::audio, 0, i, Buffer::copy_of(as_bytes("\xAF\x01 tiny"))};
      const auto tag = flv::write_tag(message);
      expected.insert(expected.end(), tag.begin(), tag.end());
      pipeline.push("in", bridge::to_tag(message));
    }
    pipeline.end("in");
    EXPECT_TRUE(pipeline.wait_eos());
  }
  gchar* contents = nullptr;
  gsize size = 0;
  ASSERT_TRUE(g_file_get_contents(path, &contents, &size, nullptr));
  EXPECT_TRUE(std::ranges::equal(std::string_view(contents, size), as_text(expected)));
  g_free(contents);
  g_unlink(path);
  g_free(path);
}

TEST(Bridge, KeepsAMemoryAliveAsLongAsItsBytesAreShown) {
  GstBuffer* buffer = to_gst(as_bytes("bytes"));
  const auto shown = bridge::wrap(buffer);
  gst_buffer_unref(buffer);
  ASSERT_TRUE(shown);
  EXPECT_EQ(as_text(*shown), "bytes");
}

TEST(Playable, DropsMetadataThatNestsTooDeep) {
  amf::Value deep = amf::Object();
  for (int i = 0; i < 100; ++i) deep = amf::Object{{"inside", deep}};
  EXPECT_FALSE(bridge::playable(write_data({"onMetaData", {deep}}, 1, 0)));
}

TEST(Playable, RewritesMetadataWithoutWhatStopsPlayers) {
  const Message sent =
      write_data({"onMetaData", {amf::Object{{"width", 320}, {"bad", amf::Undefined()}}}}, 1, 40);
  const auto message = bridge::playable(sent);
  ASSERT_TRUE(message);
  const auto data = read_data(*message);
  ASSERT_TRUE(data);
  const amf::Object* values = data->values.at(0).object();
  ASSERT_TRUE(values);
  EXPECT_TRUE(values->find("width"));
  EXPECT_FALSE(values->find("bad"));
  EXPECT_EQ(message->timestamp, 40);
}

TEST(Playable, PassesMedia) { EXPECT_TRUE(bridge::playable(frame(1))); }

TEST(ErrorCode, FollowsWhatTheServerSaid) {
  const auto code_of = [](const char* status) {
    net::Failure failure;
    failure.stage = net::Failure::Stage::command;
    failure.status.code = status;
    return bridge::error_code(failure, bridge::Direction::write);
  };
  EXPECT_EQ(code_of("NetStream.Publish.BadName"), GST_RESOURCE_ERROR_BUSY);
  EXPECT_EQ(code_of("NetStream.Play.StreamNotFound"), GST_RESOURCE_ERROR_NOT_FOUND);
  EXPECT_EQ(code_of("NetConnection.Connect.Rejected"), GST_RESOURCE_ERROR_NOT_AUTHORIZED);
  EXPECT_EQ(code_of(""), GST_RESOURCE_ERROR_OPEN_WRITE);
}

}  // namespace
}  // namespace rtmp::test
