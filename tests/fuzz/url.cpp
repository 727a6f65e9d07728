// Locations and what is written in them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/url.h"

#include "fuzz.h"
#include "rtmp/tracks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rtmp;
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)read_track_choice(text);
  (void)parse_connect_arguments({text});
  LAW(masked_name(text).size() <= text.size() + 4);
  const auto parsed = parse_url(text);
  const Url* const url = std::get_if<Url>(&parsed);
  if (!url) return 0;
  (void)url->tc_url();
  (void)url->masked();
  const auto again = parse_url(write_url(*url));
  LAW(std::holds_alternative<Url>(again));
  LAW(std::get<Url>(again) == *url);
  return 0;
}
