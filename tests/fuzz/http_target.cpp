// What an HTTP request asks for.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/http_target.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto target = net::read_http_target(text);
  if (!target) return 0;
  std::size_t total = target->path.size();
  for (const auto& [name, value] : target->query) {
    LAW(target->parameter(name).has_value());
    total += name.size() + value.size();
  }
  LAW(target->path.starts_with('/') && target->path.find('\0') == std::string::npos);
  LAW(total <= text.size() + 1);
  return 0;
}
