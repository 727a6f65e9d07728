// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/control.h"

#include <gtest/gtest.h>

#include "support.h"

namespace rtmp::control {
namespace {

using test::from_hex;
using test::to_hex;

Message message(MessageType type, std::string_view payload) {
  return {type, 0, 0, Buffer::adopt(from_hex(payload))};
}

template <typename T>
T read_as(MessageType type, std::string_view payload) {
  return std::get<T>(read(message(type, payload)).value());
}

std::string written(const Control& control) { return to_hex(write(control).payload); }

TEST(Control, WritesEachKindWithItsType) {
  EXPECT_EQ(write(SetChunkSize{1}).type, MessageType::set_chunk_size);
  EXPECT_EQ(write(Abort{1}).type, MessageType::abort);
  EXPECT_EQ(write(Acknowledgement{1}).type, MessageType::acknowledgement);
  EXPECT_EQ(write(WindowAckSize{1}).type, MessageType::window_ack_size);
  EXPECT_EQ(write(SetPeerBandwidth{1}).type, MessageType::set_peer_bandwidth);
  EXPECT_EQ(write(UserControl{Event::ping_request, 1}).type, MessageType::user_control);
}

TEST(Control, WritesTheFieldsOfTheDocument) {
  EXPECT_EQ(written(SetChunkSize{4096}), "00001000");
  EXPECT_EQ(written(Abort{6}), "00000006");
  EXPECT_EQ(written(Acknowledgement{5000}), "00001388");
  EXPECT_EQ(written(WindowAckSize{2'500'000}), "002625a0");
  EXPECT_EQ(written(SetPeerBandwidth{2'500'000}), "002625a002");
  EXPECT_EQ(written(UserControl{Event::stream_begin, 1}), "000000000001");
  EXPECT_EQ(written(UserControl{Event::set_buffer_length, 1, 3000}), "00030000000100000bb8");
}

TEST(Control, TravelsOnMessageStreamZeroAtTimeZero) {
  const Message message = write(WindowAckSize{1});
  EXPECT_EQ(message.stream_id, 0u);
  EXPECT_EQ(message.timestamp, 0);
}

TEST(Control, ReadsWhatItWrites) {
  EXPECT_EQ(read_as<SetChunkSize>(MessageType::set_chunk_size, "00001000").size, 4096u);
  EXPECT_EQ(read_as<Abort>(MessageType::abort, "00000006").chunk_stream_id, 6u);
  EXPECT_EQ(read_as<Acknowledgement>(MessageType::acknowledgement, "ffffffff").received,
            0xFFFFFFFFu);
  EXPECT_EQ(read_as<WindowAckSize>(MessageType::window_ack_size, "002625a0").size, 2'500'000u);
}

TEST(Control, ReadsThePeersBandwidthWithItsLimit) {
  const auto bandwidth = read_as<SetPeerBandwidth>(MessageType::set_peer_bandwidth, "002625a001");
  EXPECT_EQ(bandwidth.size, 2'500'000u);
  EXPECT_EQ(bandwidth.limit, SetPeerBandwidth::Limit::soft);
}

TEST(Control, ReadsABufferLength) {
  const auto user = read_as<UserControl>(MessageType::user_control, "00030000000100000bb8");
  EXPECT_EQ(user.event, Event::set_buffer_length);
  EXPECT_EQ(user.value, 1u);
  EXPECT_EQ(user.buffer_ms, 3000u);
}

TEST(Control, ToleratesShortAndUnknownUserControlMessages) {
  EXPECT_EQ(read_as<UserControl>(MessageType::user_control, "001a01").event,
            Event::swf_verify_request);
  EXPECT_EQ(read_as<UserControl>(MessageType::user_control, "0063").value, 0u);
}

TEST(Control, RefusesMessagesShorterThanTheirFields) {
  const auto error = [](MessageType type, std::string_view payload) {
    return read(message(type, payload)).error();
  };
  EXPECT_EQ(error(MessageType::set_chunk_size, "000010"), Error::bad_control_message);
  EXPECT_EQ(error(MessageType::abort, ""), Error::bad_control_message);
  EXPECT_EQ(error(MessageType::acknowledgement, "0000"), Error::bad_control_message);
  EXPECT_EQ(error(MessageType::window_ack_size, "00"), Error::bad_control_message);
  EXPECT_EQ(error(MessageType::set_peer_bandwidth, "002625"), Error::bad_control_message);
  EXPECT_EQ(error(MessageType::user_control, "00"), Error::bad_control_message);
}

}  // namespace
}  // namespace rtmp::control
