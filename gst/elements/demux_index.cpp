// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_index.h"

#include <algorithm>

namespace {

constexpr std::size_t max_entries = 1'000'000;

}  // namespace

void DemuxIndex::clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  complete_ = false;
}

void DemuxIndex::set(std::vector<Entry> entries) {
  // Only what rises in both ways is an index.
  const auto not_rising = [](const Entry& a, const Entry& b) {
    return b.time < a.time || b.position <= a.position;
  };
  if (entries.size() > max_entries ||
      std::ranges::adjacent_find(entries, not_rising) != entries.end())
    return;
  const std::lock_guard lock(mutex_);
  complete_ = !entries.empty();
  if (complete_) entries_ = std::move(entries);
}

void DemuxIndex::add(Entry entry) {
  const std::lock_guard lock(mutex_);
  if (complete_ || entries_.size() >= max_entries) return;
  const bool rises = entries_.empty() || (entry.time > entries_.back().time &&
                                          entry.position > entries_.back().position);
  if (rises) entries_.push_back(entry);
}

std::optional<DemuxIndex::Entry> DemuxIndex::at_or_before(GstClockTime time) const {
  const std::lock_guard lock(mutex_);
  const auto after = std::ranges::upper_bound(entries_, time, {}, &Entry::time);
  return after == entries_.begin() ? std::nullopt : std::optional(*std::prev(after));
}

std::optional<DemuxIndex::Entry> DemuxIndex::at_or_after(GstClockTime time) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::lower_bound(entries_, time, {}, &Entry::time);
  return found == entries_.end() ? std::nullopt : std::optional(*found);
}

std::optional<DemuxIndex::Entry> DemuxIndex::last() const {
  const std::lock_guard lock(mutex_);
  return entries_.empty() ? std::nullopt : std::optional(entries_.back());
}

bool DemuxIndex::is_complete() const {
  const std::lock_guard lock(mutex_);
  return complete_;
}
