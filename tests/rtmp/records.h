// Vectors as records of "key: value" lines; blank lines part records, "#" begins a comment line.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <stdexcept>

#include "support.h"

namespace rtmp::test {

// The fields of one record; a key that comes more than once keeps its order.
using Record = std::multimap<std::string, std::string>;

// The value of that key, or nothing.
inline std::string field(const Record& record, const std::string& key) {
  const auto found = record.find(key);
  return found == record.end() ? std::string() : found->second;
}

// The records of a file below tests/vectors/.
inline std::vector<Record> read_records(const std::string& name) {
  std::ifstream file(data_path("vectors/" + name));
  if (!file) throw std::runtime_error("no file tests/vectors/" + name);
  std::vector<Record> records(1);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const std::size_t colon = line.find(": ");
    if (colon != line.npos)
      records.back().emplace(line.substr(0, colon), line.substr(colon + 2));
    else if (!records.back().empty())
      records.emplace_back();
  }
  if (records.back().empty()) records.pop_back();
  return records;
}

}  // namespace rtmp::test
