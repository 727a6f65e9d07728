// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/amf3.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <map>
#include <utility>

namespace rtmp::amf3 {
namespace {

using amf::Value;

// AMF3 §3.1
enum Marker : std::uint8_t {
  undefined_marker = 0x00,
  null_marker = 0x01,
  false_marker = 0x02,
  true_marker = 0x03,
  integer_marker = 0x04,
  double_marker = 0x05,
  string_marker = 0x06,
  xml_document_marker = 0x07,
  date_marker = 0x08,
  array_marker = 0x09,
  object_marker = 0x0a,
  xml_marker = 0x0b,
  byte_array_marker = 0x0c,
  vector_int_marker = 0x0d,
  vector_uint_marker = 0x0e,
  vector_double_marker = 0x0f,
  vector_object_marker = 0x10,
  dictionary_marker = 0x11,
};

constexpr std::int32_t min_integer = -(1 << 28);
constexpr std::int32_t max_integer = (1 << 28) - 1;

// What objects of one class have in common: §3.12.
struct Traits {
  std::string_view class_name;
  std::vector<std::string_view> members;
  bool dynamic = false;
  bool externalizable = false;

  auto operator<=>(const Traits&) const = default;
};

// The classes whose private content is known: one value each.
bool is_wrapper(std::string_view class_name) {
  return class_name == "flex.messaging.io.ArrayCollection" ||
         class_name == "flex.messaging.io.ObjectProxy";
}

bool is_container(std::uint8_t marker) {
  return marker == array_marker || marker == object_marker || marker == vector_object_marker ||
         marker == dictionary_marker;
}

// In all of these `header` is the U29 behind the marker without its lowest bit, which said that no
// reference follows.
class Reader {
 public:
  Reader(ByteReader& in, amf::Usage& usage) : in_(in), usage_(usage) {}

  Result<Value> value(std::size_t depth);

 private:
  struct Complex {
    ByteReader start;  // at its marker
    bool finished = false;
  };

  Result<Value> scalar(std::uint8_t marker);
  Result<Value> complex(std::uint8_t marker, const ByteReader& start, std::size_t depth);
  Result<Value> reference(std::size_t index, std::uint8_t marker, std::size_t depth);
  Result<Value> body(std::uint8_t marker, std::uint32_t header, std::size_t depth);
  Result<Value> date();
  Result<Value> byte_array(std::uint32_t size);
  Result<Value> xml(std::uint8_t marker, std::uint32_t size);
  Result<Value> array(std::uint32_t count, std::size_t depth);
  Result<Value> object(std::uint32_t header, std::size_t depth);
  Result<Value> wrapper(std::string_view class_name, std::size_t depth);
  Result<Value> vector_object(std::uint32_t count, std::size_t depth);
  Result<Value> dictionary(std::uint32_t count, std::size_t depth);
  template <typename T>
  Result<Value> vector(std::uint32_t count);

  Result<Traits> traits(std::uint32_t header);
  Result<Traits> inline_traits(std::uint32_t header);
  // Named values until the empty name, added to `properties`.
  Result<void> named_values(std::vector<amf::Property>& properties, std::size_t depth);
  Result<std::vector<Value>> values(std::uint32_t count, std::size_t depth);
  Result<std::string_view> string(std::size_t limit);
  Result<std::string_view> name() { return string(usage_.limits().string_bytes); }
  Result<Bytes> content(std::size_t size);

  ByteReader& in_;
  amf::Usage& usage_;
  std::vector<std::string_view> strings_;
  std::vector<Complex> complex_;
  std::vector<Traits> traits_;
  bool replaying_ = false;  // reading again what a reference names: no table grows
};

Result<Value> Reader::value(std::size_t depth) {
  const ByteReader start = in_;
  const std::uint8_t marker = in_.u8();
  if (!in_.ok()) return Error::truncated;
  if (marker > dictionary_marker) return Error::unsupported_amf_marker;
  if (marker < xml_document_marker) return scalar(marker);
  return complex(marker, start, depth);
}

Result<Value> Reader::scalar(std::uint8_t marker) {
  if (!usage_.add_node()) return Error::amf_too_large;
  Value value;
  switch (marker) {
    case undefined_marker:
      value = amf::Undefined{};
      break;
    case null_marker:
      break;
    case false_marker:
      value = false;
      break;
    case true_marker:
      value = true;
      break;
    case integer_marker:  // 29 bits, of which the first is the sign
      value = Value::integer(static_cast<std::int32_t>(read_u29(in_) << 3) >> 3);
      break;
    case double_marker:
      value = in_.f64();
      break;
    case string_marker: {
      const auto text = string(usage_.limits().long_string_bytes);
      if (!text) return text.error();
      value = *text;
      break;
    }
  }
  if (!in_.ok()) return Error::truncated;
  return value;
}

// A value that references may name later; it has its place in their table from its start.
Result<Value> Reader::complex(std::uint8_t marker, const ByteReader& start, std::size_t depth) {
  const std::uint32_t header = read_u29(in_);
  if (!in_.ok()) return Error::truncated;
  if ((header & 1) == 0) return reference(header >> 1, marker, depth);
  if (!usage_.add_node()) return Error::amf_too_large;
  if (is_container(marker) && depth >= usage_.limits().depth) return Error::amf_too_deep;
  if (replaying_) return body(marker, header >> 1, depth + 1);
  const std::size_t index = complex_.size();
  complex_.push_back({start});
  auto value = body(marker, header >> 1, depth + 1);
  complex_[index].finished = true;
  return value;
}

// Reads the value again where it stood, so that a copy costs its nodes and bytes like any value.
Result<Value> Reader::reference(std::size_t index, std::uint8_t marker, std::size_t depth) {
  if (index >= complex_.size() || !complex_[index].finished) return Error::bad_amf_reference;
  if (complex_[index].start.peek() != marker) return Error::bad_amf_reference;
  const ByteReader after = std::exchange(in_, complex_[index].start);
  const bool outer = std::exchange(replaying_, true);
  auto copy = value(depth);
  replaying_ = outer;
  in_ = after;
  return copy;
}

Result<Value> Reader::body(std::uint8_t marker, std::uint32_t header, std::size_t depth) {
  switch (marker) {
    case date_marker:
      return date();
    case array_marker:
      return array(header, depth);
    case object_marker:
      return object(header, depth);
    case byte_array_marker:
      return byte_array(header);
    case vector_int_marker:
      return vector<std::int32_t>(header);
    case vector_uint_marker:
      return vector<std::uint32_t>(header);
    case vector_double_marker:
      return vector<double>(header);
    case vector_object_marker:
      return vector_object(header, depth);
    case dictionary_marker:
      return dictionary(header, depth);
    default:
      return xml(marker, header);
  }
}

Result<Value> Reader::date() {
  const double milliseconds = in_.f64();
  if (!in_.ok()) return Error::truncated;
  return amf::Date{milliseconds};
}

Result<Value> Reader::byte_array(std::uint32_t size) {
  const auto bytes = content(size);
  if (!bytes) return bytes.error();
  return amf::ByteArray{{bytes->begin(), bytes->end()}};
}

Result<Value> Reader::xml(std::uint8_t marker, std::uint32_t size) {
  const auto bytes = content(size);
  if (!bytes) return bytes.error();
  return amf::Xml{std::string(as_text(*bytes)), marker == xml_document_marker};
}

Result<Value> Reader::array(std::uint32_t count, std::size_t depth) {
  amf::EcmaArray array;
  if (auto read = named_values(array.associative.properties, depth); !read) return read.error();
  auto dense = values(count, depth);
  if (!dense) return dense.error();
  if (array.associative.properties.empty()) return amf::StrictArray{*std::move(dense)};
  array.dense = *std::move(dense);
  return array;
}

Result<Value> Reader::object(std::uint32_t header, std::size_t depth) {
  const auto traits = this->traits(header);
  if (!traits) return traits.error();
  if (traits->externalizable) return wrapper(traits->class_name, depth);
  amf::Object object;
  object.class_name = traits->class_name;
  object.dynamic = traits->dynamic;
  for (std::string_view member : traits->members) {
    auto content = value(depth);
    if (!content) return content.error();
    object.properties.emplace_back(member, *std::move(content));
  }
  amf::merge_duplicates(object.properties);
  object.sealed = object.properties.size();
  if (!object.dynamic) return object;
  if (auto read = named_values(object.properties, depth); !read) return read.error();
  return object;
}

Result<Value> Reader::wrapper(std::string_view class_name, std::size_t depth) {
  if (!is_wrapper(class_name)) return Error::unsupported_amf_marker;
  auto source = value(depth);
  if (!source) return source.error();
  amf::Object object;
  object.properties.emplace_back("source", *std::move(source));
  object.class_name = class_name;
  object.dynamic = false;
  object.externalizable = true;
  return object;
}

Result<Value> Reader::vector_object(std::uint32_t count, std::size_t depth) {
  amf::ObjectVector vector;
  vector.fixed = in_.u8() != 0;
  const auto type_name = name();
  if (!type_name) return type_name.error();
  vector.type_name = *type_name;
  auto elements = values(count, depth);
  if (!elements) return elements.error();
  vector.values = *std::move(elements);
  return vector;
}

Result<Value> Reader::dictionary(std::uint32_t count, std::size_t depth) {
  amf::Dictionary dictionary;
  dictionary.weak_keys = in_.u8() != 0;
  if (!in_.ok() || count > in_.remaining()) return Error::truncated;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto key = value(depth);
    if (!key) return key.error();
    auto content = value(depth);
    if (!content) return content.error();
    dictionary.entries.emplace_back(*std::move(key), *std::move(content));
  }
  return dictionary;
}

template <typename T>
Result<Value> Reader::vector(std::uint32_t count) {
  amf::Vector<T> vector;
  vector.fixed = in_.u8() != 0;
  const auto bytes = content(count * sizeof(T));
  if (!bytes) return bytes.error();
  for (ByteReader elements(*bytes); !elements.at_end();) {
    if constexpr (sizeof(T) == sizeof(double))
      vector.values.push_back(elements.f64());
    else
      vector.values.push_back(static_cast<T>(elements.u32()));
  }
  return vector;
}

Result<Traits> Reader::traits(std::uint32_t header) {
  if (header & 1) return inline_traits(header >> 1);
  const std::size_t index = header >> 1;
  if (index >= traits_.size()) return Error::bad_amf_reference;
  std::size_t copied = traits_[index].class_name.size();
  for (std::string_view member : traits_[index].members) copied += member.size();
  if (!usage_.add_content(copied)) return Error::amf_too_large;
  return traits_[index];
}

// `header`: one bit externalizable, one dynamic, then the count of sealed members.
Result<Traits> Reader::inline_traits(std::uint32_t header) {
  Traits traits;
  traits.externalizable = header & 1;
  traits.dynamic = !traits.externalizable && (header & 2);
  const std::size_t count = traits.externalizable ? 0 : header >> 2;
  const auto class_name = name();
  if (!class_name) return class_name.error();
  traits.class_name = *class_name;
  if (count > in_.remaining()) return Error::truncated;
  if (!usage_.has_nodes_for(count)) return Error::amf_too_large;  // each will have a value
  for (std::size_t i = 0; i < count; ++i) {
    const auto member = name();
    if (!member) return member.error();
    traits.members.push_back(*member);
  }
  if (!replaying_) traits_.push_back(traits);
  return traits;
}

Result<void> Reader::named_values(std::vector<amf::Property>& properties, std::size_t depth) {
  for (;;) {
    const auto name = this->name();
    if (!name) return name.error();
    if (name->empty()) break;
    auto content = value(depth);
    if (!content) return content.error();
    properties.emplace_back(*name, *std::move(content));
  }
  amf::merge_duplicates(properties);
  return {};
}

Result<std::vector<Value>> Reader::values(std::uint32_t count, std::size_t depth) {
  if (count > in_.remaining()) return Error::truncated;
  std::vector<Value> values;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto element = value(depth);
    if (!element) return element.error();
    values.push_back(*std::move(element));
  }
  return values;
}

Result<std::string_view> Reader::string(std::size_t limit) {
  const std::uint32_t header = read_u29(in_);
  const std::size_t number = header >> 1;
  std::string_view text;
  if (header & 1)
    text = in_.text(number);
  else if (number < strings_.size())
    text = strings_[number];
  else if (in_.ok())
    return Error::bad_amf_reference;
  if (!in_.ok()) return Error::truncated;
  if (text.size() > limit || !usage_.add_content(text.size())) return Error::amf_too_large;
  if ((header & 1) && !text.empty() && !replaying_) strings_.push_back(text);
  return text;
}

Result<Bytes> Reader::content(std::size_t size) {
  const Bytes bytes = in_.bytes(size);
  if (!in_.ok()) return Error::truncated;
  if (size > usage_.limits().long_string_bytes || !usage_.add_content(size))
    return Error::amf_too_large;
  return bytes;
}

class Writer {
 public:
  explicit Writer(ByteWriter& out) : out_(out) {}

  void operator()(const Value& value) { std::visit(*this, value.variant()); }
  void operator()(amf::Undefined) { marker(undefined_marker); }
  void operator()(amf::Unsupported) { marker(undefined_marker); }
  void operator()(amf::Null) { marker(null_marker); }
  void operator()(bool value) { marker(value ? true_marker : false_marker); }
  void operator()(double value) { marker(double_marker).f64(value); }
  void operator()(std::int32_t value);
  void operator()(const std::string& text);
  void operator()(const amf::Object& object);
  void operator()(const amf::EcmaArray& array) { this->array(&array.associative, array.dense); }
  void operator()(const amf::StrictArray& array) { this->array(nullptr, array.values); }
  void operator()(const amf::Date& date);
  void operator()(const amf::Xml& xml);
  void operator()(const amf::ByteArray& array);
  template <typename T>
  void operator()(const amf::Vector<T>& vector);
  void operator()(const amf::ObjectVector& vector);
  void operator()(const amf::Dictionary& dictionary);

 private:
  ByteWriter& marker(Marker marker) { return out_.u8(marker); }
  // A size or count with the bit that says that no reference follows.
  void size(std::size_t size);
  void string(std::string_view text);
  void traits(const Traits& traits);
  void array(const amf::Object* associative, const std::vector<Value>& dense);
  void named_values(const std::vector<amf::Property>& properties, std::size_t first);
  void values(const std::vector<Value>& values);

  ByteWriter& out_;
  std::map<std::string_view, std::uint32_t> strings_;
  std::map<Traits, std::uint32_t> traits_;
};

void Writer::operator()(std::int32_t value) {
  if (value < min_integer || value > max_integer) return (*this)(static_cast<double>(value));
  write_u29(marker(integer_marker), static_cast<std::uint32_t>(value) & 0x1fffffff);
}

void Writer::operator()(const std::string& text) {
  marker(string_marker);
  string(text);
}

void Writer::operator()(const amf::Object& object) {
  const auto& properties = object.properties;
  const std::size_t sealed = object.externalizable ? 0 : std::min(object.sealed, properties.size());
  Traits traits{object.class_name, {}, false, object.externalizable};
  traits.dynamic = !traits.externalizable && (object.dynamic || sealed < properties.size());
  for (std::size_t i = 0; i < sealed; ++i) traits.members.push_back(properties[i].first);

  marker(object_marker);
  this->traits(traits);
  if (traits.externalizable) {
    const Value* source = object.find("source");
    return (*this)(source ? *source : Value());
  }
  for (std::size_t i = 0; i < sealed; ++i) (*this)(properties[i].second);
  if (traits.dynamic) named_values(properties, sealed);
}

void Writer::operator()(const amf::Date& date) {
  marker(date_marker);
  size(0);
  out_.f64(date.milliseconds);
}

void Writer::operator()(const amf::Xml& xml) {
  marker(xml.document ? xml_document_marker : xml_marker);
  size(xml.text.size());
  out_.text(xml.text);
}

void Writer::operator()(const amf::ByteArray& array) {
  marker(byte_array_marker);
  size(array.bytes.size());
  out_.bytes(array.bytes);
}

template <typename T>
void Writer::operator()(const amf::Vector<T>& vector) {
  constexpr bool is_double = sizeof(T) == sizeof(double);
  marker(is_double             ? vector_double_marker
         : std::is_signed_v<T> ? vector_int_marker
                               : vector_uint_marker);
  size(vector.values.size());
  out_.u8(vector.fixed);
  for (T value : vector.values) {
    if constexpr (is_double)
      out_.f64(value);
    else
      out_.u32(static_cast<std::uint32_t>(value));
  }
}

void Writer::operator()(const amf::ObjectVector& vector) {
  marker(vector_object_marker);
  size(vector.values.size());
  out_.u8(vector.fixed);
  string(vector.type_name);
  values(vector.values);
}

void Writer::operator()(const amf::Dictionary& dictionary) {
  marker(dictionary_marker);
  size(dictionary.entries.size());
  out_.u8(dictionary.weak_keys);
  for (const auto& [key, value] : dictionary.entries) {
    (*this)(key);
    (*this)(value);
  }
}

void Writer::size(std::size_t size) {
  assert(size <= static_cast<std::size_t>(max_integer));
  write_u29(out_, static_cast<std::uint32_t>(size << 1 | 1));
}

// The empty string has no place in the table.
void Writer::string(std::string_view text) {
  if (text.empty()) return size(0);
  const auto [found, is_new] = strings_.try_emplace(text, strings_.size());
  if (!is_new) return write_u29(out_, found->second << 1);
  size(text.size());
  out_.text(text);
}

void Writer::traits(const Traits& traits) {
  const auto [found, is_new] = traits_.try_emplace(traits, traits_.size());
  if (!is_new) return write_u29(out_, found->second << 2 | 1);
  const auto count = static_cast<std::uint32_t>(traits.members.size());
  write_u29(out_, traits.externalizable ? 7 : count << 4 | (traits.dynamic ? 8 : 0) | 3);
  string(traits.class_name);
  for (std::string_view member : traits.members) string(member);
}

void Writer::array(const amf::Object* associative, const std::vector<Value>& dense) {
  marker(array_marker);
  size(dense.size());
  if (associative)
    named_values(associative->properties, 0);
  else
    string("");
  values(dense);
}

// AMF0 allows the empty name, which here is the end: such a property stays out.
void Writer::named_values(const std::vector<amf::Property>& properties, std::size_t first) {
  for (std::size_t i = first; i < properties.size(); ++i) {
    if (properties[i].first.empty()) continue;
    string(properties[i].first);
    (*this)(properties[i].second);
  }
  string("");
}

void Writer::values(const std::vector<Value>& values) {
  for (const Value& value : values) (*this)(value);
}

}  // namespace

Result<Value> read(ByteReader& in, amf::Usage& usage, std::size_t depth) {
  return Reader(in, usage).value(depth);
}

void write(ByteWriter& out, const Value& value) { Writer{out}(value); }

void write_u29(ByteWriter& out, std::uint32_t value) {
  assert(value < 1u << 29);
  if (value >= 1u << 21) {
    out.u8(0x80 | value >> 22).u8(0x80 | value >> 15).u8(0x80 | value >> 8).u8(value);
    return;
  }
  if (value >= 1u << 14) out.u8(0x80 | value >> 14);
  if (value >= 1u << 7) out.u8(0x80 | value >> 7);
  out.u8(value & 0x7f);
}

std::uint32_t read_u29(ByteReader& in) {
  std::uint32_t value = 0;
  for (int i = 0; i < 3; ++i) {
    const std::uint32_t byte = in.u8();
    value = value << 7 | (byte & 0x7f);
    if (byte < 0x80) return value;
  }
  return value << 8 | in.u8();
}

}  // namespace rtmp::amf3
