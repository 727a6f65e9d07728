// AMF0, AMF3 behind its marker, and AMF3 alone.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz.h"
#include "rtmp/amf0.h"
#include "rtmp/amf3.h"

namespace {

using namespace rtmp;

// What was written reads back and is written the same way again.
void check_amf0(Bytes bytes) {
  const auto values = amf0::Reader(bytes).rest(true);
  if (!values) return;
  for (const amf::Value& value : *values) (void)amf::to_text(value);
  const auto written = amf0::write_all(*values);
  const auto again = amf0::Reader(written).rest();
  if (!again) return;  // references written in full may go over a limit
  LAW(amf0::write_all(*again) == written);
}

void check_amf3(Bytes bytes) {
  ByteReader in(bytes);
  amf::Usage usage({}, bytes.size());
  const auto value = amf3::read(in, usage);
  if (!value) return;
  ByteWriter out;
  amf3::write(out, *value);
  const auto written = std::move(out).take();
  ByteReader written_in(written);
  amf::Usage more({}, written.size());
  const auto again = amf3::read(written_in, more);
  if (!again) return;
  LAW(written_in.at_end());
  ByteWriter twice;
  amf3::write(twice, *again);
  LAW(std::move(twice).take() == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_amf0({data, size});
  check_amf3({data, size});
  return 0;
}
