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
  explicit Reader(Bytes bytes, amf::Limits limits = {});

  // The next value. With marker 11 a single AMF3 value. Not to be called at_end().
  Result<amf::Value> next();
  // All that are left. `lenient`: the outermost object or ECMA array may lack its end mark at the
  // end of the bytes, as some encoders leave it out in their metadata.
  Result<std::vector<amf::Value>> rest(bool lenient = false);
  bool at_end() const { return in_.at_end(); }

 private:
  ByteReader in_;
  amf::Limits limits_;
};

// Appends the value. What AMF0 cannot express (AMF3's own types) goes behind marker 11.
void write(ByteWriter& out, const amf::Value& value);

std::vector<std::uint8_t> write_all(const std::vector<amf::Value>& values);

}  // namespace rtmp::amf0
