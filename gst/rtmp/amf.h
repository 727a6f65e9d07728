// The values of which commands and metadata are made, whether they travel as AMF0 or as AMF3.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "rtmp/error.h"

namespace rtmp::amf {

class Value;

struct Undefined {
  bool operator==(const Undefined&) const = default;
};
struct Null {
  bool operator==(const Null&) const = default;
};
// AMF0 only: a value that its writer could not express.
struct Unsupported {
  bool operator==(const Unsupported&) const = default;
};

struct Date {
  double milliseconds = 0;        // since 1970-01-01 UTC
  std::int16_t zone_minutes = 0;  // AMF0 only; should be 0, and readers ignore it
  bool operator==(const Date&) const = default;
};

struct Xml {
  std::string text;
  bool document = true;  // AMF3 knows two kinds, XMLDocument (7) and XML (11); AMF0 the first only
  bool operator==(const Xml&) const = default;
};

using Property = std::pair<std::string, Value>;

// Properties in the order of the wire. A name that comes twice keeps its first place and its last
// value.
struct Object {
  std::vector<Property> properties;
  std::string class_name;  // empty: anonymous
  std::size_t sealed = 0;  // AMF3: how many of the properties, the first ones, are sealed members
  bool dynamic = true;     // AMF3: whether more than the sealed members may follow
  bool externalizable = false;  // AMF3: the one property "source" is the class-private content

  Object();
  Object(std::initializer_list<Property> init);

  // The value of that name, or null. The pointer lives until the object changes.
  const Value* find(std::string_view name) const;
  // Adds the property, or gives the one there is this value.
  Object& set(std::string name, Value value);
  bool erase(std::string_view name);
  bool operator==(const Object&) const;
};

// AMF0's ECMA array: an object by its content, an array by its marker. AMF3's array with an
// associative part; without one it is a StrictArray.
struct EcmaArray {
  Object associative;
  std::vector<Value> dense;  // AMF3 only

  bool operator==(const EcmaArray&) const;
};

struct StrictArray {
  std::vector<Value> values;
  bool operator==(const StrictArray&) const;
};

// AMF3 only, from here on.
struct ByteArray {
  std::vector<std::uint8_t> bytes;
  bool operator==(const ByteArray&) const = default;
};
template <typename T>
struct Vector {
  std::vector<T> values;
  bool fixed = false;
  bool operator==(const Vector&) const = default;
};
struct ObjectVector {
  std::vector<Value> values;
  std::string type_name;  // empty: any
  bool fixed = false;
  bool operator==(const ObjectVector&) const;
};
struct Dictionary {
  std::vector<std::pair<Value, Value>> entries;
  bool weak_keys = false;
  bool operator==(const Dictionary&) const;
};

template <typename T, typename Variant>
inline constexpr bool is_alternative = false;
template <typename T, typename... Alternatives>
inline constexpr bool is_alternative<T, std::variant<Alternatives...>> =
    (std::is_same_v<T, Alternatives> || ...);

// One AMF value of any type. Numbers are doubles, as AMF0 has no others; AMF3's integers keep their
// own alternative so that they go back to the wire as they came.
class Value {
 public:
  using Variant =
      std::variant<Undefined, Null, bool, double, std::int32_t, std::string, Object, EcmaArray,
                   StrictArray, Date, Xml, Unsupported, ByteArray, Vector<std::int32_t>,
                   Vector<std::uint32_t>, Vector<double>, ObjectVector, Dictionary>;

  Value() : variant_(Null{}) {}
  Value(bool value) : variant_(value) {}
  Value(double value) : variant_(value) {}
  Value(const char* text) : variant_(std::string(text)) {}
  Value(std::string_view text) : variant_(std::string(text)) {}
  Value(std::string text) : variant_(std::move(text)) {}
  // Every alternative, and integers as numbers: Value(1) is AMF0's Number 1.
  template <typename T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Value(T number)
      : variant_(static_cast<double>(number)) {}
  template <typename T>
  requires(!std::is_integral_v<T> && is_alternative<T, Variant>) Value(T value)
      : variant_(std::in_place_type<T>, std::move(value)) {}
  // AMF3's integer, -2^28 .. 2^28-1.
  static Value integer(std::int32_t value);

  const Variant& variant() const { return variant_; }
  Variant& variant() { return variant_; }

  template <typename T>
  const T* get_if() const {
    return std::get_if<T>(&variant_);
  }
  template <typename T>
  T* get_if() {
    return std::get_if<T>(&variant_);
  }

  // What an application wants to know, whichever alternative holds it.
  std::optional<double> number() const;            // Number or integer
  std::optional<bool> boolean() const;             // Boolean; a number is true unless it is 0
  std::optional<std::string_view> string() const;  // String, long or short; XML too
  // Object, or the associative part of an ECMA array; otherwise null.
  const Object* object() const;
  Object* object();
  bool is_null() const;  // Null or Undefined

  bool operator==(const Value&) const;

 private:
  Variant variant_;
};

// What one message may cost: a stranger's few bytes must not become much memory or time.
struct Limits {
  std::size_t depth = 16;                       // containers inside each other
  std::size_t nodes = 4096;                     // values of one message
  std::size_t string_bytes = 64 * 1024;         // one string or name
  std::size_t long_string_bytes = 1024 * 1024;  // one long string, XML text, byte array or vector
  std::size_t copied_bytes = 1024 * 1024;       // what references may add to one message
};

// How much of its limits one message has used, AMF0 and AMF3 together.
class Usage {
 public:
  Usage(const Limits& limits, std::size_t message_bytes)
      : limits_(limits), content_left_(message_bytes + limits.copied_bytes) {}

  const Limits& limits() const { return limits_; }
  // One more value; false if it is one too many.
  bool add_node() { return ++nodes_ <= limits_.nodes; }
  bool has_nodes_for(std::size_t count) const { return count <= limits_.nodes - nodes_; }
  // Text or bytes that a value will own. Without references a message has no more of them than its
  // own size; false says that references have multiplied them.
  bool add_content(std::size_t bytes);

 private:
  Limits limits_;
  std::size_t nodes_ = 0;
  std::size_t content_left_;
};

// Readers collect properties as they come and then settle names that come twice: first place, last
// value. In O(n log n), as a stranger chooses the names.
void merge_duplicates(std::vector<Property>& properties);

// A one-line text for logs and tests, such as {level: "status", code: "..."}; never the whole of a
// long value, and no control characters.
std::string to_text(const Value& value);

}  // namespace rtmp::amf
