// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/command.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <iterator>

#include "rtmp/amf0.h"

namespace rtmp {
namespace {

constexpr std::size_t max_playable_name = 127;  // FFmpeg's reader stops at longer ones

// The AMF3 types of message are AMF0 behind a format byte 0. No name starts with one: the byte of a
// Number would.
Bytes amf0_part(const Message& message) {
  const Bytes bytes = message.payload.bytes();
  const bool amf3 =
      message.type == MessageType::command_amf3 || message.type == MessageType::data_amf3;
  return amf3 && !bytes.empty() && bytes[0] == 0 ? bytes.subspan(1) : bytes;
}

// Takes the value of that place away, if there is one.
amf::Value take(std::vector<amf::Value>& values, std::size_t index) {
  return index < values.size() ? std::move(values[index]) : amf::Value();
}

Result<std::string> take_name(std::vector<amf::Value>& values) {
  amf::Value first = take(values, 0);
  auto* name = first.get_if<std::string>();
  if (!name || name->empty()) return Error::bad_command;
  return std::move(*name);
}

// Those from that place on.
std::vector<amf::Value> take_rest(std::vector<amf::Value>& values, std::size_t index) {
  const auto start = values.begin() + static_cast<std::ptrdiff_t>(std::min(index, values.size()));
  return {std::make_move_iterator(start), std::make_move_iterator(values.end())};
}

}  // namespace

const amf::Value& Command::argument(std::size_t index) const {
  static const amf::Value null;
  return index < arguments.size() ? arguments[index] : null;
}

Result<Command> read_command(const Message& message, const amf::Limits& limits) {
  assert(message.type == MessageType::command || message.type == MessageType::command_amf3);
  auto values = amf0::Reader(amf0_part(message), limits).rest();
  if (!values) return values.error();
  auto name = take_name(*values);
  if (!name) return name.error();
  Command command;
  command.name = *std::move(name);
  const double transaction_id = take(*values, 1).number().value_or(0);
  command.transaction_id = std::isfinite(transaction_id) ? transaction_id : 0;
  command.object = take(*values, 2);
  command.arguments = take_rest(*values, 3);
  return command;
}

Message write_command(const Command& command, std::uint32_t stream_id) {
  ByteWriter out;
  amf0::write(out, command.name);
  amf0::write(out, command.transaction_id);
  amf0::write(out, command.object);
  for (const amf::Value& argument : command.arguments) amf0::write(out, argument);
  return {MessageType::command, stream_id, 0, Buffer::adopt(out.take())};
}

Result<Data> read_data(const Message& message, const amf::Limits& limits) {
  assert(message.type == MessageType::data || message.type == MessageType::data_amf3);
  auto values = amf0::Reader(amf0_part(message), limits).rest(true);
  if (!values) return values.error();
  auto name = take_name(*values);
  if (!name) return name.error();
  return Data{*std::move(name), take_rest(*values, 1)};
}

Message write_data(const Data& data, std::uint32_t stream_id, std::int64_t timestamp) {
  ByteWriter out;
  amf0::write(out, data.name);
  for (const amf::Value& value : data.values) amf0::write(out, value);
  return {MessageType::data, stream_id, timestamp, Buffer::adopt(out.take())};
}

void strip_set_data_frame(Data& data) {
  if (data.name != "@setDataFrame" || data.values.empty()) return;
  const auto* inner = data.values.front().get_if<std::string>();
  if (!inner) return;
  data.name = *inner;
  data.values.erase(data.values.begin());
}

namespace {

// Turns a value into a playable one, or answers nothing where there is none.
struct Playable {
  using Answer = std::optional<amf::Value>;

  Answer operator()(const amf::Value& value) const { return std::visit(*this, value.variant()); }
  Answer operator()(amf::Null) const { return amf::Value(); }
  Answer operator()(bool value) const { return value; }
  Answer operator()(double value) const { return value; }
  Answer operator()(std::int32_t value) const { return static_cast<double>(value); }
  Answer operator()(const std::string& text) const { return text; }
  Answer operator()(const amf::Date& date) const { return date; }
  Answer operator()(const amf::Object& object) const {
    if (object.externalizable) return std::nullopt;
    return properties(object);
  }
  Answer operator()(const amf::EcmaArray& array) const {
    return amf::EcmaArray{properties(array.associative), {}};
  }
  Answer operator()(const amf::StrictArray& array) const {
    amf::StrictArray playable;
    for (const amf::Value& value : array.values)
      playable.values.push_back((*this)(value).value_or(amf::Value()));
    return playable;
  }
  Answer operator()(const auto&) const { return std::nullopt; }

  amf::Object properties(const amf::Object& object) const {
    amf::Object playable;
    for (const auto& [name, value] : object.properties) {
      if (name.empty() || name.size() > max_playable_name) continue;
      if (auto content = (*this)(value))
        playable.properties.emplace_back(name, *std::move(content));
    }
    return playable;
  }
};

std::string text_of(const amf::Object& object, std::string_view name) {
  const amf::Value* value = object.find(name);
  return std::string(value ? value->string().value_or("") : "");
}

}  // namespace

amf::Value playable_metadata(const amf::Value& metadata) {
  amf::EcmaArray playable;
  if (const amf::Object* object = metadata.object())
    playable.associative = Playable{}.properties(*object);
  return playable;
}

Status read_status(const amf::Value& info) {
  const amf::Object* object = info.object();
  if (!object) return {"", "", ""};
  return {text_of(*object, "level"), text_of(*object, "code"), text_of(*object, "description")};
}

amf::Object write_status(const Status& status) {
  return {{"level", status.level}, {"code", status.code}, {"description", status.description}};
}

}  // namespace rtmp
