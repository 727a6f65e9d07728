// The unit that everything above the chunks speaks of.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "rtmp/buffer.h"

namespace rtmp {

// RTMP 1.0 §5.4, §6.2, §7.1
enum class MessageType : std::uint8_t {
  set_chunk_size = 1,
  abort = 2,
  acknowledgement = 3,
  user_control = 4,
  window_ack_size = 5,
  set_peer_bandwidth = 6,
  audio = 8,
  video = 9,
  data_amf3 = 15,
  shared_object_amf3 = 16,
  command_amf3 = 17,
  data = 18,
  shared_object = 19,
  command = 20,
  aggregate = 22,
};

struct Message {
  MessageType type = MessageType::data;
  std::uint32_t stream_id = 0;  // message stream id; 0 is the connection itself
  std::int64_t timestamp =
      0;  // ms; unwrapped, so it rises past 2^32. The wire carries its low 32 bits
  Buffer payload;
};

inline bool is_media(MessageType type) {
  return type == MessageType::audio || type == MessageType::video;
}

}  // namespace rtmp
