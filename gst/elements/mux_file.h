// What is known of a file only at its end: duration, size and an index of its key frames.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/mux_metadata.h"

namespace mux {

class FileRecord {
 public:
  // Bytes that metadata takes from the beginning, so that the index fits in at the end.
  static constexpr std::size_t metadata_size = 8 * 1024;

  void wrote(std::size_t bytes) { size_ += bytes; }
  std::uint64_t size() const { return size_; }
  // A packet is about to be written. `key`: players can start there.
  void begin_packet(std::int64_t ms, bool key);
  void ends_at(std::int64_t ms);

  // With so many entries at most, evenly chosen.
  FileDescription description(std::size_t index_entries) const;
  // The body of the metadata's tag with as much of the index as there is room for; empty if there
  // is none even without.
  std::vector<std::uint8_t> final_metadata(const std::vector<TrackDescription>& tracks,
                                           const Labels& labels) const;

 private:
  std::uint64_t size_ = 0;
  std::int64_t end_ms_ = 0;
  std::vector<KeyFrame> index_;
};

}  // namespace mux
