// Commands, data messages and what is read from their values; the first byte is the message's type.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/command.h"

#include "fuzz.h"
#include "rtmp/enhanced.h"

namespace {

using namespace rtmp;

// Metadata that was cleaned once is clean.
void check_metadata(const amf::Value& value) {
  const amf::Value clean = playable_metadata(value);
  LAW(amf::to_text(playable_metadata(clean)) == amf::to_text(clean));
}

void check_value(const amf::Value& value) {
  (void)read_status(value);
  check_metadata(value);
  if (!value.object()) return;
  const auto said = read_enhanced_capabilities(*value.object());
  amf::Object object;
  write_enhanced_capabilities(said, object);
  const auto again = read_enhanced_capabilities(object);
  LAW(again.caps_ex == said.caps_ex && again.takes_video("hvc1") == said.takes_video("hvc1"));
}

void check_command(const Message& message) {
  const auto command = read_command(message);
  if (!command) return;
  check_value(command->object);
  for (const amf::Value& argument : command->arguments) check_value(argument);
  const auto again = read_command(write_command(*command, message.stream_id));
  if (again) LAW(again->name == command->name);
}

void check_data(const Message& message) {
  auto data = read_data(message);
  if (!data) return;
  strip_set_data_frame(*data);
  for (const amf::Value& value : data->values) check_value(value);
  const auto again = read_data(write_data(*data, message.stream_id, message.timestamp));
  if (again) LAW(again->name == data->name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in(data, size);
  const auto type = static_cast<MessageType>(in.byte());
  const Message message{type, 1, 0, Buffer::copy_of(in.rest())};
  if (type == MessageType::command || type == MessageType::command_amf3) check_command(message);
  if (type == MessageType::data || type == MessageType::data_amf3) check_data(message);
  return 0;
}
