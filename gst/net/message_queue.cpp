// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/message_queue.h"

#include <algorithm>

#include "rtmp/media.h"

namespace net {
namespace {

using Kind = rtmp::media::Summary::Kind;

}  // namespace

MessageQueue::MessageQueue(Limits limits, Leaky leaky) : limits_(limits), leaky_(leaky) {}

void MessageQueue::set_wake(std::function<void()> wake) {
  const std::lock_guard lock(wake_mutex_);
  wake_ = std::move(wake);
}

void MessageQueue::wake() {
  const std::lock_guard lock(wake_mutex_);
  if (wake_) wake_();
}

MessageQueue::Entry::Kind MessageQueue::kind_of(const rtmp::Message& message) {
  switch (rtmp::media::summarize(message).kind) {
    case Kind::key_frame:
      return Entry::Kind::key;
    case Kind::inter_frame:
      return Entry::Kind::inter;
    case Kind::disposable_frame:
      return Entry::Kind::disposable;
    case Kind::audio:
      return Entry::Kind::audio;
    default:
      return Entry::Kind::keep;
  }
}

MessageQueue::Outcome MessageQueue::push(rtmp::Message message) {
  Entry entry{std::move(message), Entry::Kind::keep};
  entry.kind = kind_of(entry.message);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return flushing_ || closed_ || leaky_ != Leaky::no || fits(entry); });
  if (flushing_) return Outcome::flushing;
  if (closed_) return Outcome::closed;
  if (leaky_ != Leaky::no && !make_room(entry)) return Outcome::ok;
  append(std::move(entry));
  lock.unlock();
  changed_.notify_all();  // not before: who wakes wants the mutex
  wake();
  return Outcome::ok;
}

std::optional<rtmp::Message> MessageQueue::try_pop() {
  const std::lock_guard lock(mutex_);
  if (entries_.empty()) return std::nullopt;
  return take_front();
}

MessageQueue::Outcome MessageQueue::pop(rtmp::Message& message) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return flushing_ || closed_ || !entries_.empty(); });
  if (flushing_) return Outcome::flushing;
  if (entries_.empty()) return Outcome::closed;
  message = take_front();
  return Outcome::ok;
}

bool MessageQueue::wait_empty(rtmp::Duration at_most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, at_most, [&] { return flushing_ || closed_ || entries_.empty(); });
  return entries_.empty();
}

void MessageQueue::set_flushing(bool flushing) {
  const std::lock_guard lock(mutex_);
  flushing_ = flushing;
  changed_.notify_all();
}

void MessageQueue::clear() {
  const std::lock_guard lock(mutex_);
  forget_entries();
  changed_.notify_all();
}

void MessageQueue::close(boost::system::error_code error) {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  error_ = error;
  changed_.notify_all();
}

void MessageQueue::reopen() {
  const std::lock_guard lock(mutex_);
  forget_entries();
  closed_ = false;
  error_ = {};
  waiting_for_key_ = false;
  changed_.notify_all();
}

void MessageQueue::restart() {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const Entry& entry) { return entry.keeps_time(); });
  bytes_ = frames_ = 0;
  for (const Entry& entry : entries_) bytes_ += entry.message.payload.size();
  closed_ = false;
  error_ = {};
  waiting_for_key_ = false;
  changed_.notify_all();
}

boost::system::error_code MessageQueue::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void MessageQueue::set_limits(Limits limits, Leaky leaky) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
  leaky_ = leaky;
  changed_.notify_all();
}

MessageQueue::Level MessageQueue::level() const {
  const std::lock_guard lock(mutex_);
  if (entries_.empty()) return {0, 0, 0, dropped_, dropped_bytes_};
  return {entries_.size(), bytes_, span_ms(), dropped_, dropped_bytes_};
}

void MessageQueue::forget_entries() {
  entries_.clear();
  bytes_ = 0;
  frames_ = 0;
}

void MessageQueue::append(Entry entry) {
  bytes_ += entry.message.payload.size();
  if (entry.is_video()) ++frames_;
  entries_.push_back(std::move(entry));
}

rtmp::Message MessageQueue::take_front() {
  rtmp::Message message = std::move(entries_.front().message);
  bytes_ -= message.payload.size();
  if (entries_.front().is_video()) --frames_;
  entries_.pop_front();
  changed_.notify_all();
  return message;
}

bool MessageQueue::fits(const Entry& entry) const {
  return entries_.empty() ||
         (bytes_ + entry.message.payload.size() <= limits_.bytes && span_ms(entry) <= limits_.ms);
}

// Where frames are dropped only video counts, if there is any: audio that is kept would make the
// span look long however many frames went.
std::int64_t MessageQueue::span_ms(const Entry& last) const {
  const bool video_only = leaky_ == Leaky::frames && (frames_ > 0 || last.is_video());
  const auto counts = [video_only](const Entry& entry) {
    return video_only ? entry.is_video() : entry.keeps_time();
  };
  const auto first = std::ranges::find_if(entries_, counts);
  if (first == entries_.end() || !counts(last)) return 0;
  return std::max<std::int64_t>(0, last.message.timestamp - first->message.timestamp);
}

std::int64_t MessageQueue::span_ms() const {
  const bool video_only = leaky_ == Leaky::frames && frames_ > 0;
  const auto last = std::find_if(entries_.rbegin(), entries_.rend(), [=](const Entry& entry) {
    return video_only ? entry.is_video() : entry.keeps_time();
  });
  return last == entries_.rend() ? 0 : span_ms(*last);
}

// --- dropping

// False if `entry` itself is to be lost.
bool MessageQueue::make_room(const Entry& entry) {
  if (drop_for(entry)) return true;
  ++dropped_;
  dropped_bytes_ += entry.message.payload.size();
  return false;
}

bool MessageQueue::drop_for(const Entry& entry) {
  if (leaky_ == Leaky::all) return !entry.keeps_time();
  if (leaky_ == Leaky::oldest) {
    while (!fits(entry) && drop_beginning()) {
    }
    return true;
  }
  while (!fits(entry) && drop_first(Entry::Kind::disposable)) {
  }
  while (!fits(entry) && drop_inter_frames()) {
  }
  while (!fits(entry) && drop_first(Entry::Kind::key)) {
  }
  while (!fits(entry) && drop_first(Entry::Kind::audio)) {
  }
  if (entry.kind == Entry::Kind::key) waiting_for_key_ = false;
  return !waiting_for_key_ || !entry.is_video();
}

// The first inter frame and all frames that may refer to it, up to the next key frame, be that
// still to come.
bool MessageQueue::drop_inter_frames() {
  const auto of_kind = [](Entry::Kind kind) {
    return [kind](const Entry& entry) { return entry.kind == kind; };
  };
  auto first = std::ranges::find_if(entries_, of_kind(Entry::Kind::inter));
  if (first == entries_.end()) return false;
  auto next_key = std::find_if(first, entries_.end(), of_kind(Entry::Kind::key));
  if (next_key == entries_.end()) waiting_for_key_ = true;
  const auto lost =
      std::stable_partition(first, next_key, [](const Entry& entry) { return !entry.is_video(); });
  std::for_each(lost, next_key, [this](const Entry& entry) { count_lost(entry); });
  entries_.erase(lost, next_key);
  return true;
}

// Of sound alone, as much as one piece.
bool MessageQueue::drop_beginning() {
  const auto is_frame = [](const Entry& entry) { return entry.keeps_time(); };
  const auto is_key = [](const Entry& entry) { return entry.kind == Entry::Kind::key; };
  const auto first = std::ranges::find_if(entries_, is_frame);
  if (first == entries_.end()) return false;
  const auto end = frames_ > 0 ? std::find_if(first + 1, entries_.end(), is_key) : first + 1;
  const auto lost = std::stable_partition(
      first, end, [is_frame](const Entry& entry) { return !is_frame(entry); });
  std::for_each(lost, end, [this](const Entry& entry) { count_lost(entry); });
  entries_.erase(lost, end);
  return true;
}

bool MessageQueue::drop_first(Entry::Kind kind) {
  const auto lost = std::ranges::find(entries_, kind, &Entry::kind);
  if (lost == entries_.end()) return false;
  count_lost(*lost);
  entries_.erase(lost);
  return true;
}

void MessageQueue::count_lost(const Entry& entry) {
  bytes_ -= entry.message.payload.size();
  if (entry.is_video()) --frames_;
  ++dropped_;
  dropped_bytes_ += entry.message.payload.size();
}

}  // namespace net
