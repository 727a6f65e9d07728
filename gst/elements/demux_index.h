// Where key frames are in a file.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "elements/demux_metadata.h"

// Of any thread.
class DemuxIndex {
 public:
  using Entry = Metadata::KeyFrame;

  void clear();
  // The whole index that a file brings.
  void set(std::vector<Entry> entries);
  // A key frame that was seen; those behind the last one are kept.
  void add(Entry entry);

  // The last entry that is not later than the time.
  std::optional<Entry> at_or_before(GstClockTime time) const;
  std::optional<Entry> at_or_after(GstClockTime time) const;
  std::optional<Entry> last() const;
  // Whether it came with the file.
  bool is_complete() const;

 private:
  mutable std::mutex mutex_;  // guards everything below
  std::vector<Entry> entries_;
  bool complete_ = false;
};
