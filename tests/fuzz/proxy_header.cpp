// A header is whole with its last byte and not before, whatever follows; none is too long.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/proxy_header.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const rtmp::Bytes bytes(data, size);
  const auto header = net::read_proxy_header(bytes);
  if (!header) return 0;
  if (!*header) {
    LAW(size < net::max_proxy_header);
    return 0;
  }
  const std::size_t end = (*header)->size;
  LAW(end > 0 && end <= size && end <= net::max_proxy_header);
  LAW(net::read_proxy_header(bytes.first(end)) == header);
  for (std::size_t some = 0; some < end; ++some) {
    const auto part = net::read_proxy_header(bytes.first(some));
    LAW(part && !*part);
  }
  return 0;
}
