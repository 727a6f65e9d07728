// AMF0, and AMF3 behind its marker: what was written reads back, and is written the same way again.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/amf0.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rtmp;
  const auto values = amf0::Reader({data, size}).rest(true);
  if (!values) return 0;
  for (const amf::Value& value : *values) (void)amf::to_text(value);
  const auto written = amf0::write_all(*values);
  const auto again = amf0::Reader(written).rest();
  if (!again) return 0;  // references written in full may go over a limit
  LAW(amf0::write_all(*again) == written);
  return 0;
}
