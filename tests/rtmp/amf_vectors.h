// What the tests of AMF values and of messages share: vectors as lines of fields.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "rtmp/error.h"
#include "support.h"

namespace rtmp::test {

inline std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// "a => b => c" as its fields.
inline std::vector<std::string> fields(const std::string& line) {
  static const std::string separator = "=>";
  std::vector<std::string> found;
  std::size_t from = 0;
  for (std::size_t to; (to = line.find(separator, from)) != std::string::npos;
       from = to + separator.size())
    found.push_back(trimmed(line.substr(from, to - from)));
  found.push_back(trimmed(line.substr(from)));
  return found;
}

// The lines of a file of vectors without its comments.
inline std::vector<std::vector<std::string>> vectors(const std::string& name) {
  std::ifstream file(data_path("vectors/amf/" + name));
  std::vector<std::vector<std::string>> found;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#') found.push_back(fields(line));
  EXPECT_FALSE(found.empty()) << name;
  return found;
}

inline boost::system::error_code error_named(const std::string& name) {
  static const std::map<std::string, Error> errors = {
      {"truncated", Error::truncated},
      {"unsupported_amf_marker", Error::unsupported_amf_marker},
      {"bad_amf_reference", Error::bad_amf_reference},
      {"amf_too_deep", Error::amf_too_deep},
      {"amf_too_large", Error::amf_too_large},
      {"bad_command", Error::bad_command},
  };
  return errors.at(name);
}

// Bytes of their own, so that a sanitizer sees any step past their end.
inline std::vector<std::uint8_t> prefix(Bytes bytes, std::size_t size) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace rtmp::test
