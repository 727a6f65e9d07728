// Protocol control; the first byte is the message's type.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/control.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rtmp;
  fuzz::Input in(data, size);
  const Message message{static_cast<MessageType>(in.byte()), 0, 0, Buffer::copy_of(in.rest())};
  if (!control::is_control(message.type)) return 0;
  const auto control = control::read(message);
  if (!control) return 0;
  const Message written = control::write(*control);
  LAW(written.type == message.type);
  const auto again = control::read(written);
  LAW(again && again->index() == control->index());
  LAW(std::ranges::equal(control::write(*again).payload.bytes(), written.payload.bytes()));
  return 0;
}
