// AMF3: Action Message Format 3. In RTMP it appears behind AMF0's marker 11 only.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "rtmp/amf.h"
#include "rtmp/bytes.h"

namespace rtmp::amf3 {

// Reads one AMF3 value from `in`, with reference tables of its own. `nodes_used` counts values
// against limits.nodes across calls of one message.
Result<amf::Value> read(ByteReader& in, const amf::Limits& limits, std::size_t depth,
                        std::size_t& nodes_used);

// Appends the value with its marker, with string, object and trait references as Flash writes them
// (strings and traits are shared, equal objects are not).
void write(ByteWriter& out, const amf::Value& value);

// Appends / reads a U29, 0 .. 2^29-1.
void write_u29(ByteWriter& out, std::uint32_t value);
std::uint32_t read_u29(ByteReader& in);

}  // namespace rtmp::amf3
