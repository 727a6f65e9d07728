// Messages and frames with the least that makes them what they are.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <initializer_list>
#include <string>

#include "relay/frame.h"
#include "rtmp/command.h"

namespace relay::test {

inline rtmp::Message message(rtmp::MessageType type, std::int64_t timestamp,
                             std::initializer_list<std::uint8_t> start, std::size_t size = 0) {
  std::vector<std::uint8_t> bytes(start);
  if (bytes.size() < size) bytes.resize(size);
  return {type, 1, timestamp, rtmp::Buffer::copy_of(bytes)};
}

inline rtmp::Message key(std::int64_t timestamp, std::size_t size = 0) {
  return message(rtmp::MessageType::video, timestamp, {0x17, 1, 0, 0, 0, 1}, size);
}
inline rtmp::Message inter(std::int64_t timestamp, std::size_t size = 0) {
  return message(rtmp::MessageType::video, timestamp, {0x27, 1, 0, 0, 0, 2}, size);
}
inline rtmp::Message disposable(std::int64_t timestamp, std::size_t size = 0) {
  return message(rtmp::MessageType::video, timestamp, {0x37, 1, 0, 0, 0, 3}, size);
}
inline rtmp::Message audio(std::int64_t timestamp, std::size_t size = 0) {
  return message(rtmp::MessageType::audio, timestamp, {0xAF, 1, 4}, size);
}
inline rtmp::Message video_header(std::int64_t timestamp = 0) {
  return message(rtmp::MessageType::video, timestamp, {0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x1F});
}
inline rtmp::Message audio_header(std::int64_t timestamp = 0) {
  return message(rtmp::MessageType::audio, timestamp, {0xAF, 0, 0x12, 0x10});
}
inline rtmp::Message metadata(std::int64_t timestamp = 0) {
  rtmp::amf::EcmaArray values;
  values.associative.set("width", 320);
  return rtmp::write_data({"onMetaData", {values}}, 1, timestamp);
}

// "kiia" for key, inter, inter, audio: H and h are video and audio headers, M metadata, d
// disposable, P and U the notices of a publisher's coming and going, T of a takeover, R of a coming
// back.
inline char letter(const Frame& frame) {
  if (frame.notice == Frame::Notice::published) return 'P';
  if (frame.notice == Frame::Notice::unpublished) return 'U';
  if (frame.notice == Frame::Notice::replaced) return 'T';
  if (frame.notice == Frame::Notice::resumed) return 'R';
  if (frame.is_metadata()) return 'M';
  if (frame.is_header()) return frame.is_video() ? 'H' : 'h';
  if (frame.is_key()) return 'k';
  if (frame.is_disposable()) return 'd';
  if (frame.is_inter()) return 'i';
  return frame.is_audio() ? 'a' : '?';
}

template <typename Frames>
std::string letters(const Frames& frames) {
  std::string text;
  for (const FramePtr& frame : frames) text += letter(*frame);
  return text;
}

}  // namespace relay::test
