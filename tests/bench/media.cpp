// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/media.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "rtmp/flv.h"
#include "rtmp/media.h"

namespace rtmp::bench {
namespace {

using media::PacketType;

// Fits a second-level cache.
constexpr std::size_t portion = 256 * 1024;

std::vector<Message> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  flv::Reader reader;
  reader.receive(as_bytes({bytes.data(), bytes.size()}));
  std::vector<Message> messages;
  for (;;) {
    auto message = reader.next();
    if (!message || !*message) return messages;
    messages.push_back(std::move(**message));
  }
}

bool is_frame(const Message& message) {
  if (!is_media(message.type)) return false;
  const auto packet = media::read(message);
  return packet && packet->type == PacketType::coded_frames && !packet->tracks.empty();
}

std::size_t tag_size(const Message& message) {
  return flv::tag_header_size + message.payload.size() + flv::back_pointer_size;
}

GstBuffer* to_buffer(Bytes bytes) {
  return gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY,
                                     const_cast<std::uint8_t*>(bytes.data()), bytes.size(), 0,
                                     bytes.size(), nullptr, nullptr);
}

GstClockTime to_time(std::int64_t ms) { return static_cast<GstClockTime>(ms) * GST_MSECOND; }

std::string hex(Bytes bytes) {
  std::string text;
  char digits[3];
  for (std::uint8_t byte : bytes) {
    g_snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

GstBuffer* to_packet(const Message& message, const media::Packet& packet) {
  const media::TrackPacket& part = packet.tracks.front();
  GstBuffer* buffer = to_buffer(message.payload.slice(part.offset, part.size));
  GST_BUFFER_DTS(buffer) = to_time(message.timestamp);
  GST_BUFFER_PTS(buffer) = to_time(message.timestamp + part.composition_time);
  if (packet.video && packet.frame_type != media::FrameType::key)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

}  // namespace

std::vector<Message> repeat(const std::string& path, std::size_t bytes) {
  std::vector<Message> frames, messages;
  std::size_t size = 0;
  std::int64_t length = 0;
  for (Message& message : read_file(path)) {
    if (is_frame(message)) length = std::max(length, message.timestamp + 40);
    if (is_frame(message))
      frames.push_back(std::move(message));
    else if (is_media(message.type))
      messages.push_back(std::move(message));
  }
  for (std::int64_t begin = 0; size < bytes && !frames.empty(); begin += length)
    for (const Message& frame : frames) {
      messages.push_back(frame);
      messages.back().timestamp += begin;
      size += tag_size(frame);
    }
  return messages;
}

Flv::Flv(const std::vector<Message>& messages) {
  const auto header = flv::write_file_header({true, true});
  bytes_.assign(header.begin(), header.end());
  ends_.push_back(bytes_.size());
  for (const Message& message : messages) {
    const auto tag = flv::write_tag(message);
    bytes_.insert(bytes_.end(), tag.begin(), tag.end());
    ends_.push_back(bytes_.size());
  }
}

GstBuffer* Flv::buffer(std::size_t from, std::size_t to) const {
  return gst_buffer_new_memdup(bytes_.data() + from, to - from);
}

std::vector<GstBuffer*> Flv::tags(std::size_t& tag) const {
  std::vector<GstBuffer*> tags;
  const std::size_t from = tag == 0 ? 0 : ends_[tag - 1];
  for (std::size_t begin = from; tag < ends_.size() && begin < from + portion; ++tag)
    tags.push_back(buffer(std::exchange(begin, ends_[tag]), ends_[tag]));
  return tags;
}

std::vector<GstBuffer*> Flv::blocks(std::size_t& byte, std::size_t size) const {
  std::vector<GstBuffer*> blocks;
  const std::size_t end = std::min(byte + portion, bytes_.size());
  for (; byte < end; byte += std::min(size, end - byte))
    blocks.push_back(buffer(byte, std::min(byte + size, end)));
  return blocks;
}

Track to_track(const std::vector<Message>& messages, MessageType type) {
  const bool video = type == MessageType::video;
  Track track{nullptr, {}, {}};
  for (const Message& message : messages) {
    if (message.type != type) continue;
    const auto packet = media::read(message);
    const media::TrackPacket& part = packet->tracks.front();
    if (packet->type == PacketType::coded_frames) {
      track.pad = video ? "video" : "audio";
      track.packets.push_back(to_packet(message, *packet));
    } else if (packet->type == PacketType::sequence_start) {
      track.caps = (video ? "video/x-h264,stream-format=avc,alignment=au,width=640,height=360"
                          : "audio/mpeg,mpegversion=4,stream-format=raw,framed=true,rate=44100,"
                            "channels=2");
      track.caps += ",codec_data=(buffer)" + hex(message.payload.slice(part.offset, part.size));
    }
  }
  return track;
}

}  // namespace rtmp::bench
