// AMF0: Action Message Format 0.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "rtmp/amf.h"
#include "rtmp/bytes.h"

namespace rtmp::amf0 {

// Reads the values of one message one after the other. References (marker 07) and the node budget
// belong to the whole message, so one Reader reads all of it.
class Reader {
 public:
  explicit Reader(Bytes bytes, const amf::Limits& limits = {})
      : in_(bytes), usage_(limits, bytes.size()) {}

  // The next value. With marker 11 a single AMF3 value. After an error there is no next one.
  Result<amf::Value> next() { return value(0); }
  // All that are left. `lenient`: the outermost object or ECMA array may lack its end mark at the
  // end of the bytes, as some encoders leave it out in their metadata.
  Result<std::vector<amf::Value>> rest(bool lenient = false);
  bool at_end() const { return in_.at_end(); }

 private:
  struct Complex {
    ByteReader start;  // at its marker
    bool finished = false;
  };

  Result<amf::Value> value(std::size_t depth);
  Result<amf::Value> scalar(std::uint8_t marker);
  Result<amf::Value> text(std::uint8_t marker);
  Result<amf::Value> complex(std::uint8_t marker, const ByteReader& start, std::size_t depth);
  Result<amf::Value> body(std::uint8_t marker, std::size_t depth);
  Result<amf::Value> strict_array(std::size_t depth);
  Result<amf::Value> reference(std::size_t depth);
  Result<std::string_view> string(std::size_t size, std::size_t limit);
  Result<std::vector<amf::Property>> properties(std::size_t depth);
  bool at_end_mark() const;

  ByteReader in_;
  amf::Usage usage_;
  std::vector<Complex> complex_;  // what references count, in the order of their starts
  bool replaying_ = false;        // reading again what a reference names
  bool lenient_ = false;
};

// Appends the value. AMF3's integer becomes a Number; what AMF0 cannot express (AMF3's own types)
// goes behind marker 11.
void write(ByteWriter& out, const amf::Value& value);

std::vector<std::uint8_t> write_all(const std::vector<amf::Value>& values);

}  // namespace rtmp::amf0
