// AMF3: Action Message Format 3. In RTMP it appears behind AMF0's marker 11 only.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "rtmp/amf.h"
#include "rtmp/bytes.h"

namespace rtmp::amf3 {

// Reads one AMF3 value from `in`, with reference tables of its own. `depth`: how many containers it
// is in already.
Result<amf::Value> read(ByteReader& in, amf::Usage& usage, std::size_t depth = 0);

// Appends the value with its marker, with string and trait references as Flash writes them. Equal
// objects are not shared: they need not be the same one.
void write(ByteWriter& out, const amf::Value& value);

// Appends / reads a U29, 0 .. 2^29-1: AMF3 §1.3.1. Reading takes over-long forms too.
void write_u29(ByteWriter& out, std::uint32_t value);
std::uint32_t read_u29(ByteReader& in);

}  // namespace rtmp::amf3
