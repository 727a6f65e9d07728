// Protocol control and user control messages (RTMP 1.0 §5.4, §6.2, §7.1.7).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <variant>

#include "rtmp/error.h"
#include "rtmp/message.h"

namespace rtmp::control {

struct SetChunkSize {
  std::uint32_t size = 128;  // bytes of payload in a chunk
};
struct Abort {
  std::uint32_t chunk_stream_id = 0;
};
struct Acknowledgement {
  std::uint32_t received = 0;  // bytes so far, modulo 2^32
};
struct WindowAckSize {
  std::uint32_t size = 0;  // bytes
};
struct SetPeerBandwidth {
  enum class Limit : std::uint8_t { hard = 0, soft = 1, dynamic = 2 };
  std::uint32_t size = 0;  // bytes
  Limit limit = Limit::dynamic;
};

enum class Event : std::uint16_t {
  stream_begin = 0,
  stream_eof = 1,
  stream_dry = 2,
  set_buffer_length = 3,
  stream_is_recorded = 4,
  ping_request = 6,
  ping_response = 7,
  swf_verify_request = 26,
  swf_verify_response = 27,
  buffer_empty = 31,
  buffer_ready = 32,
};

struct UserControl {
  Event event = Event::stream_begin;
  std::uint32_t value = 0;      // message stream id; of a ping the sender's clock, ms
  std::uint32_t buffer_ms = 0;  // set_buffer_length
};

using Control = std::variant<SetChunkSize, Abort, Acknowledgement, WindowAckSize, SetPeerBandwidth,
                             UserControl>;

inline bool is_control(MessageType type) {
  return type >= MessageType::set_chunk_size && type <= MessageType::set_peer_bandwidth;
}

// Only for messages that is_control(). Fields that a short user control message lacks read as 0, as
// unknown events come in any length.
Result<Control> read(const Message& message);
Message write(const Control& control);

}  // namespace rtmp::control
