// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_file.h"

#include <algorithm>

namespace mux {
namespace {

constexpr double ms_per_second = 1000;
// Audio alone has nothing but key frames: two entries a second are enough.
constexpr double least_distance = 0.5;
constexpr std::size_t max_entries = 256;

}  // namespace

void FileRecord::begin_packet(std::int64_t ms, bool key) {
  const double seconds = static_cast<double>(ms) / ms_per_second;
  if (key && (index_.empty() || seconds >= index_.back().seconds + least_distance))
    index_.push_back({seconds, size_});
}

void FileRecord::ends_at(std::int64_t ms) { end_ms_ = std::max(end_ms_, ms); }

FileDescription FileRecord::description(std::size_t index_entries) const {
  FileDescription file{static_cast<double>(end_ms_) / ms_per_second, size_, {}};
  const std::size_t count = std::min(index_entries, index_.size());
  for (std::size_t i = 0; i < count; ++i) file.index.push_back(index_[i * index_.size() / count]);
  return file;
}

std::vector<std::uint8_t> FileRecord::final_metadata(const std::vector<TrackDescription>& tracks,
                                                     const Labels& labels) const {
  for (std::size_t entries = max_entries;; entries /= 2) {
    const FileDescription file = description(entries);
    auto body = write_metadata(describe(tracks, labels, &file), metadata_size);
    if (!body.empty() || entries == 0) return body;
  }
}

}  // namespace mux
