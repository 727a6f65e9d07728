// Commands and data messages: AMF values behind a name.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "rtmp/amf.h"
#include "rtmp/message.h"

namespace rtmp {

// RTMP 1.0 §7.1.1: name, transaction id, command object, arguments. Only the name is needed: real
// peers leave out the others, which read as 0 and null.
struct Command {
  std::string name;
  double transaction_id = 0;  // 0: no answer wanted
  amf::Value object;          // Null where there is none
  std::vector<amf::Value> arguments;

  // The argument at `index`, or null (AMF Null) past the end.
  const amf::Value& argument(std::size_t index) const;
};

// Reads a message of type command or command_amf3. The AMF3 form starts with a zero byte, which
// some senders forget.
Result<Command> read_command(const Message& message, const amf::Limits& limits = {});
// As an AMF0 command on that message stream, timestamp 0.
Message write_command(const Command& command, std::uint32_t stream_id);

// RTMP 1.0 §7.1.2: a handler's name and its arguments.
struct Data {
  std::string name;
  std::vector<amf::Value> values;
};

// Reads a message of type data or data_amf3. "@setDataFrame" in front stays: see
// strip_set_data_frame().
Result<Data> read_data(const Message& message, const amf::Limits& limits = {});
Message write_data(const Data& data, std::uint32_t stream_id, std::int64_t timestamp);

// Turns "@setDataFrame", "onMetaData", value into "onMetaData", value.
void strip_set_data_frame(Data& data);

// Metadata without what makes players stop, at any depth: undefined, unsupported, XML and AMF3's
// own values, empty property names and those above 127 bytes are left out (null in a strict array,
// to keep the others' places); typed objects become plain ones. Answers an ECMA array, with the
// right count; an empty one if `metadata` has no properties.
amf::Value playable_metadata(const amf::Value& metadata);

// The info object of onStatus, _error and connect's _result.
struct Status {
  std::string level = "status";  // "status", "warning" or "error"
  std::string code;
  std::string description;

  bool is_error() const { return level == "error"; }
};
// Reads it from an Object or ECMA array; fields that are missing or no strings stay empty.
Status read_status(const amf::Value& info);
amf::Object write_status(const Status& status);

}  // namespace rtmp
