// What properties say of a player's file, for SWF verification.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "rtmp/swf.h"

namespace swf_file {

struct Source {
  std::string file;        // a .swf
  std::string hash;        // instead of it: hexadecimal,
  std::uint32_t size = 0;  // and uncompressed bytes
};

// Nothing if there is no source, or with the sentence `fault` if it is not good.
std::optional<rtmp::swf::Player> describe(const Source& source, std::string& fault);

// The path behind a file: address; false for others.
bool find_local(const std::string& address, std::string& path);

}  // namespace swf_file
