// AMF3 alone: what was written reads back to its last byte, and is written the same way again.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/amf3.h"

#include "fuzz.h"

namespace {

using namespace rtmp;

std::vector<std::uint8_t> write(const amf::Value& value) {
  ByteWriter out;
  amf3::write(out, value);
  return std::move(out).take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in({data, size});
  amf::Usage usage({}, size);
  const auto value = amf3::read(in, usage);
  if (!value) return 0;
  const auto written = write(*value);
  ByteReader written_in(written);
  amf::Usage more({}, written.size());
  const auto again = amf3::read(written_in, more);
  if (!again) return 0;  // as with AMF0
  LAW(written_in.at_end());
  LAW(write(*again) == written);
  return 0;
}
