// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/amf0.h"

#include <cassert>
#include <limits>
#include <utility>

#include "rtmp/amf3.h"

namespace rtmp::amf0 {
namespace {

using amf::Value;

// AMF0 §2.1
enum Marker : std::uint8_t {
  number_marker = 0x00,
  boolean_marker = 0x01,
  string_marker = 0x02,
  object_marker = 0x03,
  null_marker = 0x05,
  undefined_marker = 0x06,
  reference_marker = 0x07,
  ecma_array_marker = 0x08,
  object_end_marker = 0x09,
  strict_array_marker = 0x0a,
  date_marker = 0x0b,
  long_string_marker = 0x0c,
  unsupported_marker = 0x0d,
  xml_document_marker = 0x0f,
  typed_object_marker = 0x10,
  avmplus_object_marker = 0x11,
};

// Of a command, and of an object in it: so many take one allocation.
constexpr std::size_t usual_values = 4, usual_properties = 8;

}  // namespace

Result<std::vector<Value>> Reader::rest(bool lenient) {
  lenient_ = lenient;
  std::vector<Value> values;
  values.reserve(usual_values);
  while (!at_end()) {
    auto value = next();
    if (!value) return value.error();
    values.push_back(*std::move(value));
  }
  return values;
}

Result<Value> Reader::value(std::size_t depth) {
  const ByteReader start = in_;
  const std::uint8_t marker = in_.u8();
  if (!in_.ok()) return Error::truncated;
  // What stands for another value leaves it to that one to be counted.
  if (marker == reference_marker) return reference(depth);
  if (marker == avmplus_object_marker) return amf3::read(in_, usage_, depth);
  if (!usage_.add_node()) return Error::amf_too_large;
  switch (marker) {
    case object_marker:
    case ecma_array_marker:
    case strict_array_marker:
    case typed_object_marker:
      return complex(marker, start, depth);
    case string_marker:
    case long_string_marker:
    case xml_document_marker:
      return text(marker);
    default:
      return scalar(marker);
  }
}

Result<Value> Reader::scalar(std::uint8_t marker) {
  Value value;
  switch (marker) {
    case number_marker:
      value = in_.f64();
      break;
    case boolean_marker:
      value = in_.u8() != 0;
      break;
    case null_marker:
      break;
    case undefined_marker:
      value = amf::Undefined{};
      break;
    case unsupported_marker:
      value = amf::Unsupported{};
      break;
    case date_marker: {
      const double milliseconds = in_.f64();
      value = amf::Date{milliseconds, static_cast<std::int16_t>(in_.u16())};
      break;
    }
    default:
      return Error::unsupported_amf_marker;
  }
  if (!in_.ok()) return Error::truncated;
  return value;
}

Result<Value> Reader::text(std::uint8_t marker) {
  const bool is_long = marker != string_marker;
  const std::size_t size = is_long ? in_.u32() : in_.u16();
  const amf::Limits& limits = usage_.limits();
  const auto text = string(size, is_long ? limits.long_string_bytes : limits.string_bytes);
  if (!text) return text.error();
  if (marker == xml_document_marker) return amf::Xml{std::string(*text)};
  return Value(*text);
}

Result<std::string_view> Reader::string(std::size_t size, std::size_t limit) {
  const std::string_view text = in_.text(size);
  if (!in_.ok()) return Error::truncated;
  if (size > limit || !usage_.add_content(size)) return Error::amf_too_large;
  return text;
}

// A value that references may name later; it has its place in their table from its start.
Result<Value> Reader::complex(std::uint8_t marker, const ByteReader& start, std::size_t depth) {
  if (depth >= usage_.limits().depth) return Error::amf_too_deep;
  if (replaying_) return body(marker, depth + 1);
  const std::size_t index = complex_.size();
  complex_.push_back({start});
  auto value = body(marker, depth + 1);
  complex_[index].finished = true;
  return value;
}

Result<Value> Reader::body(std::uint8_t marker, std::size_t depth) {
  if (marker == strict_array_marker) return strict_array(depth);
  amf::Object object;
  if (marker == typed_object_marker) {
    const std::size_t size = in_.u16();
    const auto class_name = string(size, usage_.limits().string_bytes);
    if (!class_name) return class_name.error();
    object.class_name = *class_name;
  }
  if (marker == ecma_array_marker) in_.skip(4);  // a count that writers get wrong: §2.10
  auto found = properties(depth);
  if (!found) return found.error();
  object.properties = *std::move(found);
  if (marker == ecma_array_marker) return amf::EcmaArray{std::move(object), {}};
  return object;
}

Result<std::vector<amf::Property>> Reader::properties(std::size_t depth) {
  std::vector<amf::Property> properties;
  while (!at_end_mark()) {
    if (lenient_ && depth == 1 && in_.ok() && at_end()) break;
    const std::size_t size = in_.u16();
    const auto name = string(size, usage_.limits().string_bytes);
    if (!name) return name.error();
    auto content = value(depth);
    if (!content) return content.error();
    if (properties.empty()) properties.reserve(usual_properties);
    properties.emplace_back(*name, *std::move(content));
  }
  in_.skip(3 * !at_end());
  amf::merge_duplicates(properties);
  return properties;
}

// An empty name ends the properties only if the end marker follows.
bool Reader::at_end_mark() const {
  ByteReader ahead = in_;
  const bool empty_name = ahead.u16() == 0;
  return empty_name && ahead.u8() == object_end_marker && ahead.ok();
}

Result<Value> Reader::strict_array(std::size_t depth) {
  const std::size_t count = in_.u32();
  if (!in_.ok() || count > in_.remaining()) return Error::truncated;
  amf::StrictArray array;
  for (std::size_t i = 0; i < count; ++i) {
    auto element = value(depth);
    if (!element) return element.error();
    array.values.push_back(*std::move(element));
  }
  return array;
}

// Reads the value again where it stood, so that a copy costs its nodes and bytes like any value.
Result<Value> Reader::reference(std::size_t depth) {
  const std::size_t index = in_.u16();
  if (!in_.ok()) return Error::truncated;
  if (index >= complex_.size() || !complex_[index].finished) return Error::bad_amf_reference;
  const ByteReader after = std::exchange(in_, complex_[index].start);
  const bool outer = std::exchange(replaying_, true);
  auto copy = value(depth);
  replaying_ = outer;
  in_ = after;
  return copy;
}

namespace {

constexpr std::size_t max_short = std::numeric_limits<std::uint16_t>::max();

// Writes what AMF0 has a marker for; answers false for the rest.
class Writer {
 public:
  explicit Writer(ByteWriter& out) : out_(out) {}

  bool operator()(double value) { return marker(number_marker).f64(value), true; }
  bool operator()(std::int32_t value) { return (*this)(static_cast<double>(value)); }
  bool operator()(bool value) { return marker(boolean_marker).u8(value), true; }
  bool operator()(amf::Null) { return marker(null_marker), true; }
  bool operator()(amf::Undefined) { return marker(undefined_marker), true; }
  bool operator()(amf::Unsupported) { return marker(unsupported_marker), true; }
  bool operator()(const std::string& text);
  bool operator()(const amf::Object& object);
  bool operator()(const amf::EcmaArray& array);
  bool operator()(const amf::StrictArray& array);
  bool operator()(const amf::Date& date);
  bool operator()(const amf::Xml& xml);
  bool operator()(const auto&) { return false; }

 private:
  ByteWriter& marker(Marker marker) { return out_.u8(marker); }
  void short_text(std::string_view text);
  void long_text(std::string_view text);
  void properties(const amf::Object& object);

  ByteWriter& out_;
};

// AMF3 has longer names, and classes that write themselves.
bool fits(const amf::Object& object) {
  if (object.externalizable || object.class_name.size() > max_short) return false;
  for (const amf::Property& property : object.properties)
    if (property.first.size() > max_short) return false;
  return true;
}

bool Writer::operator()(const std::string& text) {
  if (text.size() > max_short) {
    marker(long_string_marker);
    long_text(text);
  } else {
    marker(string_marker);
    short_text(text);
  }
  return true;
}

bool Writer::operator()(const amf::Object& object) {
  if (!fits(object)) return false;
  if (object.class_name.empty()) {
    marker(object_marker);
  } else {
    marker(typed_object_marker);
    short_text(object.class_name);
  }
  properties(object);
  return true;
}

bool Writer::operator()(const amf::EcmaArray& array) {
  if (!array.dense.empty() || !fits(array.associative)) return false;
  const auto count = static_cast<std::uint32_t>(array.associative.properties.size());
  marker(ecma_array_marker).u32(count);
  properties(array.associative);
  return true;
}

bool Writer::operator()(const amf::StrictArray& array) {
  marker(strict_array_marker).u32(static_cast<std::uint32_t>(array.values.size()));
  for (const Value& value : array.values) write(out_, value);
  return true;
}

bool Writer::operator()(const amf::Date& date) {
  marker(date_marker).f64(date.milliseconds).u16(static_cast<std::uint16_t>(date.zone_minutes));
  return true;
}

bool Writer::operator()(const amf::Xml& xml) {
  if (!xml.document) return false;
  marker(xml_document_marker);
  long_text(xml.text);
  return true;
}

void Writer::short_text(std::string_view text) {
  assert(text.size() <= max_short);
  out_.u16(static_cast<std::uint32_t>(text.size())).text(text);
}

void Writer::long_text(std::string_view text) {
  out_.u32(static_cast<std::uint32_t>(text.size())).text(text);
}

void Writer::properties(const amf::Object& object) {
  for (const auto& [name, value] : object.properties) {
    short_text(name);
    write(out_, value);
  }
  short_text("");
  marker(object_end_marker);
}

}  // namespace

void write(ByteWriter& out, const Value& value) {
  if (std::visit(Writer(out), value.variant())) return;
  out.u8(avmplus_object_marker);
  amf3::write(out, value);
}

std::vector<std::uint8_t> write_all(const std::vector<Value>& values) {
  ByteWriter out;
  for (const Value& value : values) write(out, value);
  return out.take();
}

}  // namespace rtmp::amf0
