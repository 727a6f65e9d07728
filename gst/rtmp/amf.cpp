// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/amf.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

namespace rtmp::amf {
namespace {

// Properties of nearly every object: comparing them all with each other is cheaper than sorting.
constexpr std::size_t few = 16;

bool all_differ(const std::vector<Property>& properties) {
  for (auto one = properties.begin(); one != properties.end(); ++one)
    for (auto earlier = properties.begin(); earlier != one; ++earlier)
      if (earlier->first == one->first) return false;
  return true;
}

}  // namespace

Object::Object() = default;
Object::Object(std::initializer_list<Property> init) : properties(init) {
  merge_duplicates(properties);
}

const Value* Object::find(std::string_view name) const {
  for (const Property& property : properties)
    if (property.first == name) return &property.second;
  return nullptr;
}

Object& Object::set(std::string name, Value value) {
  const auto same = [&](const Property& property) { return property.first == name; };
  const auto found = std::find_if(properties.begin(), properties.end(), same);
  if (found != properties.end())
    found->second = std::move(value);
  else
    properties.emplace_back(std::move(name), std::move(value));
  return *this;
}

bool Object::erase(std::string_view name) {
  const auto same = [&](const Property& property) { return property.first == name; };
  const auto found = std::find_if(properties.begin(), properties.end(), same);
  if (found == properties.end()) return false;
  if (static_cast<std::size_t>(found - properties.begin()) < sealed) --sealed;
  properties.erase(found);
  return true;
}

bool Object::operator==(const Object&) const = default;
bool EcmaArray::operator==(const EcmaArray&) const = default;
bool StrictArray::operator==(const StrictArray&) const = default;
bool ObjectVector::operator==(const ObjectVector&) const = default;
bool Dictionary::operator==(const Dictionary&) const = default;
bool Value::operator==(const Value&) const = default;

Value Value::integer(std::int32_t value) {
  Value result;
  result.variant_ = value;
  return result;
}

std::optional<double> Value::number() const {
  if (const auto* number = get_if<double>()) return *number;
  if (const auto* integer = get_if<std::int32_t>()) return *integer;
  return std::nullopt;
}

std::optional<bool> Value::boolean() const {
  if (const auto* boolean = get_if<bool>()) return *boolean;
  if (const auto value = number()) return *value != 0;
  return std::nullopt;
}

std::optional<std::string_view> Value::string() const {
  if (const auto* text = get_if<std::string>()) return *text;
  if (const auto* xml = get_if<Xml>()) return xml->text;
  return std::nullopt;
}

const Object* Value::object() const {
  if (const auto* object = get_if<Object>()) return object;
  if (const auto* array = get_if<EcmaArray>()) return &array->associative;
  return nullptr;
}

Object* Value::object() { return const_cast<Object*>(std::as_const(*this).object()); }

bool Value::is_null() const { return get_if<Null>() || get_if<Undefined>(); }

bool Usage::add_content(std::size_t bytes) {
  if (bytes > content_left_) return false;
  content_left_ -= bytes;
  return true;
}

void merge_duplicates(std::vector<Property>& properties) {
  if (properties.size() <= few && all_differ(properties)) return;
  const auto name = [&](std::size_t i) -> const std::string& { return properties[i].first; };
  std::vector<std::size_t> order(properties.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return name(a) < name(b); });

  std::vector<std::size_t> dropped;
  for (std::size_t i = 1, first = 0; i < order.size(); ++i) {
    if (name(order[i]) != name(order[first])) {
      first = i;
      continue;
    }
    properties[order[first]].second = std::move(properties[order[i]].second);
    dropped.push_back(order[i]);
  }
  if (dropped.empty()) return;

  std::sort(dropped.begin(), dropped.end());
  std::vector<Property> kept;
  for (std::size_t i = 0, next = 0; i < properties.size(); ++i) {
    if (next < dropped.size() && dropped[next] == i)
      ++next;
    else
      kept.push_back(std::move(properties[i]));
  }
  properties = std::move(kept);
}

namespace {

constexpr std::size_t max_text = 2000;           // one value in a log
constexpr std::size_t max_string_text = 200;     // one string of it
constexpr std::size_t max_shown_bytes = 16;      // of a byte array
constexpr double max_exact_integer = 1LL << 53;  // doubles up to here hold every integer

// Spells a value, and stops when the text is long enough for anybody.
class Speller {
 public:
  std::string take() && { return std::move(out_); }

  void operator()(const Value& value) { std::visit(*this, value.variant()); }
  void operator()(Undefined) { out_ += "undefined"; }
  void operator()(Null) { out_ += "null"; }
  void operator()(Unsupported) { out_ += "unsupported"; }
  void operator()(bool value) { out_ += value ? "true" : "false"; }
  void operator()(double value) { number(value); }
  void operator()(std::int32_t value) { out_ += std::to_string(value); }
  void operator()(const std::string& text) { quoted(text); }
  void operator()(const Object& object) {
    if (!object.class_name.empty()) name(object.class_name);
    list('{', '}', object.properties);
  }
  void operator()(const EcmaArray& array) {
    if (array.associative.properties.empty()) out_ += "ecma";
    list('[', ']', array.associative.properties, array.dense);
  }
  void operator()(const StrictArray& array) { list('[', ']', array.values); }
  void operator()(const Date& date);
  void operator()(const Xml& xml);
  void operator()(const ByteArray& array);
  void operator()(const Vector<std::int32_t>& vector) { numbers(vector, "int"); }
  void operator()(const Vector<std::uint32_t>& vector) { numbers(vector, "uint"); }
  void operator()(const Vector<double>& vector) { numbers(vector, "double"); }
  void operator()(const ObjectVector& vector);
  void operator()(const Dictionary& dictionary);

 private:
  // The elements of all `lists`, as long as there is room.
  template <typename... Lists>
  void list(char open, char close, const Lists&... lists) {
    out_ += open;
    const char* separator = "";
    (elements(lists, separator), ...);
    out_ += close;
  }
  template <typename T>
  void elements(const std::vector<T>& values, const char*& separator) {
    for (const T& value : values) {
      out_ += separator;
      separator = ", ";
      if (out_.size() > max_text) {
        out_ += "...";
        return;
      }
      element(value);
    }
  }
  void element(const Value& value) { (*this)(value); }
  void element(const Property& property) {
    name(property.first);
    out_ += ": ";
    (*this)(property.second);
  }
  void element(const std::pair<Value, Value>& entry) {
    (*this)(entry.first);
    out_ += ": ";
    (*this)(entry.second);
  }
  void element(double value) { number(value); }

  template <typename T>
  void numbers(const Vector<T>& vector, const char* type) {
    vector_type(vector.fixed, type);
    list('[', ']', vector.values);
  }
  void vector_type(bool fixed, std::string_view type);
  void number(double value);
  void name(std::string_view text);
  void quoted(std::string_view text);
  void escaped(char c);
  void hex(std::uint8_t byte);

  std::string out_;
};

void Speller::operator()(const Date& date) {
  out_ += "date(";
  number(date.milliseconds);
  if (date.zone_minutes != 0) out_ += ", " + std::to_string(date.zone_minutes);
  out_ += ')';
}

void Speller::operator()(const Xml& xml) {
  out_ += xml.document ? "xmldocument(" : "xml(";
  quoted(xml.text);
  out_ += ')';
}

void Speller::operator()(const ByteArray& array) {
  const std::size_t shown = std::min(array.bytes.size(), max_shown_bytes);
  out_ += "bytes(";
  for (std::size_t i = 0; i < shown; ++i) hex(array.bytes[i]);
  if (shown < array.bytes.size()) out_ += "..., " + std::to_string(array.bytes.size());
  out_ += ')';
}

void Speller::operator()(const ObjectVector& vector) {
  vector_type(vector.fixed, vector.type_name.empty() ? "*" : vector.type_name);
  list('[', ']', vector.values);
}

void Speller::operator()(const Dictionary& dictionary) {
  out_ += dictionary.weak_keys ? "weak dictionary" : "dictionary";
  list('{', '}', dictionary.entries);
}

void Speller::vector_type(bool fixed, std::string_view type) {
  out_ += fixed ? "fixed vector<" : "vector<";
  if (type == "*")
    out_ += type;
  else
    name(type);
  out_ += '>';
}

// Integers without exponent or point, others as short as they stay exact.
void Speller::number(double value) {
  std::array<char, 32> text;
  char* const end = text.data() + text.size();
  const bool integer = std::trunc(value) == value && std::abs(value) <= max_exact_integer;
  const auto result = integer ? std::to_chars(text.data(), end, static_cast<std::int64_t>(value))
                              : std::to_chars(text.data(), end, value);
  out_.append(text.data(), result.ptr);
}

void Speller::name(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '.' || c == '-';
  };
  const bool bare = !text.empty() && text.size() <= max_string_text &&
                    std::all_of(text.begin(), text.end(), plain);
  if (bare)
    out_ += text;
  else
    quoted(text);
}

void Speller::quoted(std::string_view text) {
  std::string_view shown = text.substr(0, max_string_text);
  const auto continues_character = [](char c) { return (c & 0xc0) == 0x80; };
  if (shown.size() < text.size() && continues_character(text[shown.size()])) {
    while (!shown.empty() && continues_character(shown.back())) shown.remove_suffix(1);
    if (!shown.empty()) shown.remove_suffix(1);
  }
  out_ += '"';
  for (char c : shown) escaped(c);
  if (shown.size() < text.size()) out_ += "...";
  out_ += '"';
}

void Speller::escaped(char c) {
  const auto byte = static_cast<std::uint8_t>(c);
  if (byte < 0x20 || byte == 0x7f) {
    out_ += "\\x";
    hex(byte);
    return;
  }
  if (c == '"' || c == '\\') out_ += '\\';
  out_ += c;
}

void Speller::hex(std::uint8_t byte) {
  static constexpr char digits[] = "0123456789abcdef";
  out_ += digits[byte >> 4];
  out_ += digits[byte & 15];
}

}  // namespace

std::string to_text(const Value& value) {
  Speller speller;
  speller(value);
  return std::move(speller).take();
}

}  // namespace rtmp::amf
