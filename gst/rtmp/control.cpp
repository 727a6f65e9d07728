// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/control.h"

#include <cassert>

namespace rtmp::control {
namespace {

UserControl read_user_control(ByteReader& in) {
  UserControl control;
  control.event = static_cast<Event>(in.u16());
  if (in.remaining() >= 4) control.value = in.u32();
  if (in.remaining() >= 4) control.buffer_ms = in.u32();
  return control;
}

Control read_fields(MessageType type, ByteReader& in) {
  switch (type) {
    case MessageType::set_chunk_size:
      return SetChunkSize{in.u32()};
    case MessageType::abort:
      return Abort{in.u32()};
    case MessageType::acknowledgement:
      return Acknowledgement{in.u32()};
    case MessageType::window_ack_size:
      return WindowAckSize{in.u32()};
    case MessageType::set_peer_bandwidth: {
      const std::uint32_t size = in.u32();
      return SetPeerBandwidth{size, static_cast<SetPeerBandwidth::Limit>(in.peek())};
    }
    default:
      return read_user_control(in);
  }
}

struct Writer {
  ByteWriter out;

  MessageType operator()(const SetChunkSize& control) {
    out.u32(control.size);
    return MessageType::set_chunk_size;
  }
  MessageType operator()(const Abort& control) {
    out.u32(control.chunk_stream_id);
    return MessageType::abort;
  }
  MessageType operator()(const Acknowledgement& control) {
    out.u32(control.received);
    return MessageType::acknowledgement;
  }
  MessageType operator()(const WindowAckSize& control) {
    out.u32(control.size);
    return MessageType::window_ack_size;
  }
  MessageType operator()(const SetPeerBandwidth& control) {
    out.u32(control.size).u8(static_cast<std::uint8_t>(control.limit));
    return MessageType::set_peer_bandwidth;
  }
  MessageType operator()(const UserControl& control) {
    out.u16(static_cast<std::uint16_t>(control.event)).u32(control.value);
    if (control.event == Event::set_buffer_length) out.u32(control.buffer_ms);
    return MessageType::user_control;
  }
};

}  // namespace

Result<Control> read(const Message& message) {
  assert(is_control(message.type));
  ByteReader in(message.payload);
  const Control control = read_fields(message.type, in);
  if (!in.ok()) return Error::bad_control_message;
  return control;
}

Message write(const Control& control) {
  Writer writer;
  Message message;
  message.type = std::visit(writer, control);
  message.payload = Buffer::adopt(writer.out.take());
  return message;
}

}  // namespace rtmp::control
