// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/command.h"

#include <gtest/gtest.h>

#include "amf_vectors.h"
#include "rtmp/amf0.h"

namespace rtmp {
namespace {

using amf::Value;
using test::from_hex;
using test::to_hex;

MessageType type_named(const std::string& name) {
  if (name == "command") return MessageType::command;
  if (name == "command_amf3") return MessageType::command_amf3;
  return name == "data" ? MessageType::data : MessageType::data_amf3;
}

bool is_command(const Message& message) {
  return message.type == MessageType::command || message.type == MessageType::command_amf3;
}

Message message_of(MessageType type, std::vector<std::uint8_t> payload) {
  return {type, 1, 0, Buffer::adopt(std::move(payload))};
}

// "command 0200 ..." as a message.
Message message_of(const std::string& field) {
  const std::size_t space = std::min(field.find(' '), field.size());
  return message_of(type_named(field.substr(0, space)), from_hex(field.substr(space)));
}

std::string arguments(const std::vector<Value>& values) {
  std::string text;
  for (const Value& value : values) text += (text.empty() ? "" : ", ") + to_text(value);
  return "(" + text + ")";
}

std::string to_text(const Command& command) {
  std::vector<Value> values{command.transaction_id, command.object};
  values.insert(values.end(), command.arguments.begin(), command.arguments.end());
  return command.name + arguments(values);
}

// Reads the message and writes it again: its text and its new payload, or an error.
Result<std::pair<std::string, std::string>> read_and_write(const Message& message) {
  if (is_command(message)) {
    const auto command = read_command(message);
    if (!command) return command.error();
    return std::pair(to_text(*command), to_hex(write_command(*command, 1).payload));
  }
  const auto data = read_data(message);
  if (!data) return data.error();
  return std::pair(data->name + arguments(data->values), to_hex(write_data(*data, 1, 0).payload));
}

TEST(Messages, AreReadAndWrittenBack) {
  for (const auto& line : test::vectors("messages.txt")) {
    const auto result = read_and_write(message_of(line[0]));
    ASSERT_TRUE(result) << line[0] << ": " << result.error().message();
    EXPECT_EQ(result->first, line[1]);
    const std::string same = line[0].substr(line[0].find(' '));
    EXPECT_EQ(result->second, to_hex(from_hex(line.size() > 2 ? line[2] : same)));
  }
}

TEST(Messages, MayEndBetweenValuesAndNowhereElse) {
  for (const auto& line : test::vectors("messages.txt")) {
    const Message whole = message_of(line[0]);
    for (std::size_t size = 0; size < whole.payload.size(); ++size) {
      const Message cut = message_of(whole.type, test::prefix(whole.payload, size));
      const auto result = read_and_write(cut);
      if (!result) continue;
      const auto again = read_and_write(message_of(
          is_command(whole) ? MessageType::command : MessageType::data, from_hex(result->second)));
      ASSERT_TRUE(again) << line[0] << " up to " << size;
      EXPECT_EQ(again->first, result->first);
    }
  }
}

TEST(Messages, AreRefusedWithoutANameOrWithABadValue) {
  for (const auto& line : test::vectors("messages_bad.txt")) {
    const auto result = read_and_write(message_of(line[0]));
    ASSERT_TRUE(result.has_error()) << line[0];
    EXPECT_EQ(result.error(), test::error_named(line[1])) << line[0];
  }
}

TEST(Messages, KeepTheLimitsTheyAreGiven) {
  const Message message = message_of("data 02000161 05 05");
  EXPECT_TRUE(read_data(message, {.nodes = 3}));
  EXPECT_EQ(read_data(message, {.nodes = 2}).error(), Error::amf_too_large);
}

TEST(Command, TravelsAtTimeZeroOnItsStream) {
  const Message message = write_command({"play", 4, {}, {"key"}}, 7);
  EXPECT_EQ(message.type, MessageType::command);
  EXPECT_EQ(message.stream_id, 7u);
  EXPECT_EQ(message.timestamp, 0);
}

TEST(Command, HasNullForArgumentsThatAreNotThere) {
  const Command command{"publish", 5, {}, {"key"}};
  EXPECT_EQ(command.argument(0), Value("key"));
  EXPECT_EQ(command.argument(1), Value(amf::Null{}));
}

TEST(Data, TravelsAtItsTimeOnItsStream) {
  const Message message = write_data({"onTextData", {}}, 1, 5'000'000'000);
  EXPECT_EQ(message.type, MessageType::data);
  EXPECT_EQ(message.stream_id, 1u);
  EXPECT_EQ(message.timestamp, 5'000'000'000);
}

TEST(SetDataFrame, IsStripped) {
  Data data{"@setDataFrame", {"onMetaData", amf::EcmaArray{{{"width", 1280}}, {}}}};
  strip_set_data_frame(data);
  EXPECT_EQ(data.name, "onMetaData");
  EXPECT_EQ(arguments(data.values), "([width: 1280])");
}

TEST(SetDataFrame, StaysWhereNoHandlerFollows) {
  for (const std::vector<Value>& values : {std::vector<Value>{}, std::vector<Value>{1}}) {
    Data data{"@setDataFrame", values};
    strip_set_data_frame(data);
    EXPECT_EQ(data.name, "@setDataFrame");
    EXPECT_EQ(data.values, values);
  }
}

TEST(SetDataFrame, LeavesOtherDataAlone) {
  Data data{"onTextData", {"text"}};
  strip_set_data_frame(data);
  EXPECT_EQ(data.name, "onTextData");
  EXPECT_EQ(arguments(data.values), R"(("text"))");
}

// The metadata as players get it.
std::string playable(const amf::Object& object) { return to_text(playable_metadata(object)); }

TEST(PlayableMetadata, KeepsWhatPlayersRead) {
  const amf::Object metadata{{"width", 1280},
                             {"stereo", true},
                             {"encoder", "x"},
                             {"nothing", amf::Null{}},
                             {"created", amf::Date{1000}},
                             {"keyframes", amf::Object{{"times", amf::StrictArray{{0, 2}}}}}};
  EXPECT_EQ(playable(metadata),
            R"([width: 1280, stereo: true, encoder: "x", nothing: null, created: date(1000), )"
            R"(keyframes: {times: [0, 2]}])");
}

TEST(PlayableMetadata, LeavesOutWhatPlayersCannotSkip) {
  const amf::Object metadata{
      {"a", amf::Undefined{}},    {"b", amf::Unsupported{}},  {"c", amf::Xml{"<a/>"}},
      {"d", amf::ByteArray{}},    {"e", amf::Dictionary{}},   {"f", amf::Vector<double>{}},
      {"g", amf::ObjectVector{}}, {std::string(128, 'n'), 1}, {"", 1},
      {std::string(127, 'n'), 2}};
  EXPECT_EQ(playable(metadata), "[" + std::string(127, 'n') + ": 2]");
}

TEST(PlayableMetadata, LooksIntoEachContainer) {
  const Value bad = amf::Undefined{};
  const amf::Object metadata{{"object", amf::Object{{"x", bad}, {"y", 1}}},
                             {"array", amf::EcmaArray{{{"x", bad}, {"y", 1}}, {}}},
                             {"strict", amf::StrictArray{{1, bad, amf::Object{{"x", bad}}}}}};
  EXPECT_EQ(playable(metadata), "[object: {y: 1}, array: [y: 1], strict: [1, null, {}]]");
}

TEST(PlayableMetadata, TurnsTypedObjectsAndIntegersIntoPlainOnes) {
  amf::Object typed{{"x", Value::integer(1)}};
  typed.class_name = "Foo";
  const Value metadata = playable_metadata(amf::Object{{"typed", typed}});
  EXPECT_EQ(
      to_hex(amf0::write_all({metadata})),
      to_hex(from_hex("08 00000001 0005 7479706564 03 0001 78 00 3ff0000000000000 000009 000009")));
}

TEST(PlayableMetadata, IsAnEmptyArrayWhereThereIsNone) {
  for (const Value& value : {Value(), Value("text"), Value(amf::StrictArray{{1}})})
    EXPECT_EQ(playable_metadata(value), Value(amf::EcmaArray{}));
}

TEST(PlayableMetadata, CountsItsProperties) {
  const auto bytes =
      amf0::write_all({playable_metadata(amf::Object{{"a", amf::Undefined{}}, {"b", 1}})});
  EXPECT_EQ(to_hex(bytes), to_hex(from_hex("08 00000001 0001 62 00 3ff0000000000000 000009")));
}

TEST(Status, GoesToAnInfoObjectAndBack) {
  const amf::Object info = write_status({"error", "NetStream.Play.Failed", "why"});
  EXPECT_EQ(amf::to_text(info),
            R"({level: "error", code: "NetStream.Play.Failed", description: "why"})");
  const Status status = read_status(info);
  EXPECT_EQ(status.code, "NetStream.Play.Failed");
  EXPECT_EQ(status.description, "why");
  EXPECT_TRUE(status.is_error());
}

TEST(Status, HasEmptyFieldsWhereTheyAreMissingOrNoStrings) {
  const Status status = read_status(amf::EcmaArray{{{"code", "X"}, {"level", 1}}, {}});
  EXPECT_EQ(status.level, "");
  EXPECT_EQ(status.code, "X");
  EXPECT_EQ(status.description, "");
  EXPECT_EQ(read_status(Value("text")).code, "");
}

}  // namespace
}  // namespace rtmp
