// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/stream.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "relay/catch_up.h"

namespace relay {
namespace {

constexpr std::size_t usual_batch = 8;  // messages that arrive together, at most

bool same_payload(const Frame& one, const Frame& other) {
  return std::ranges::equal(one.encoded.payload.bytes(), other.encoded.payload.bytes());
}

}  // namespace

Stream::Stream(std::string name, Settings settings, Hooks hooks)
    : name_(std::move(name)),
      hooks_(std::move(hooks)),
      settings_(settings),
      gop_memory_(hooks_.gop_memory),
      meter_({}) {}

void Stream::change(const Settings& settings) {
  const std::lock_guard lock(mutex_);
  settings_.gop_cache = settings.gop_cache;
  settings_.publisher_grace = settings.publisher_grace;
  if (!settings_.gop_cache.enabled) forget_gop();
}

// --- the publisher's side
// --------------------------------------------------------------------------

bool Stream::publish(std::shared_ptr<Publisher> publisher, Duplicate policy,
                     rtmp::Duration idle_after, rtmp::Time now) {
  assert(publisher);
  const std::lock_guard change(change_mutex_);
  std::unique_lock lock(mutex_);
  const bool takes_over = publisher_ != nullptr;
  if (takes_over) {
    const bool idle = now - heard_ >= idle_after;
    const bool stays =
        policy == Duplicate::reject || (policy == Duplicate::takeover_if_idle && !idle);
    if (stays && !publisher_->yields()) return false;
    publisher_->on_replaced();
    forget_publisher();
  }
  if (stats_.frames == 0) meter_ = Meters(now);
  const bool comes_back = std::exchange(waiting_, false);
  publisher_ = std::move(publisher);
  heard_ = published_at_ = now;
  stats_.published = true;
  publisher_->on_players(stats_.players);
  if (takes_over || comes_back) {
    timeline_.begin_publisher();
    announce(takes_over ? Frame::Notice::replaced : Frame::Notice::resumed);
  } else {
    timeline_ = {};
    announce(Frame::Notice::published);
  }
  lock.unlock();
  if (takes_over) report(false);
  report(true);
  return true;
}

void Stream::push(const Publisher& publisher, std::span<rtmp::Message> batch, rtmp::Time now) {
  std::unique_lock lock(mutex_);
  if (publisher_.get() != &publisher) return;
  heard_ = now;
  boost::container::small_vector<FramePtr, usual_batch> frames;
  for (rtmp::Message& message : batch) {
    const rtmp::media::Summary summary = rtmp::media::summarize(message);
    if (ends_early(message, summary) || !timeline_.place(message, summary, now)) continue;
    FramePtr frame = make_frame(std::move(message), summary, ++sequence_, settings_.chunk_size,
                                hooks_.memory, now);
    remember(frame);
    frames.push_back(std::move(frame));
  }
  for (const auto& subscriber : subscribers_) subscriber->on_frames(frames);
  const auto over = std::exchange(gone_over_, {});
  lock.unlock();
  if (over && hooks_.on_limit) hooks_.on_limit(*over, name_);
}

void Stream::unpublish(const Publisher& publisher) {
  const std::lock_guard change(change_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (publisher_.get() != &publisher) return;
    forget_publisher();
    if (settings_.publisher_grace > rtmp::Duration::zero())
      wait_for_publisher();
    else
      announce(Frame::Notice::unpublished);
  }
  report(false);
}

void Stream::wait_for_publisher() {
  assert(hooks_.later);
  waiting_ = true;
  hooks_.later(settings_.publisher_grace, [weak = weak_from_this(), number = ++waits_] {
    if (const auto self = weak.lock()) self->end_wait(number);
  });
}

void Stream::end_wait(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  if (number == waits_ && std::exchange(waiting_, false)) announce(Frame::Notice::unpublished);
}

void Stream::stop_waiting() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(waiting_, false)) announce(Frame::Notice::unpublished);
}

// Demuxers take the end of a track for good: it is none while the publisher may come back.
bool Stream::ends_early(const rtmp::Message& message, const rtmp::media::Summary& summary) const {
  return settings_.publisher_grace > rtmp::Duration::zero() &&
         summary.kind == rtmp::media::Summary::Kind::other && rtmp::media::ends_a_track(message);
}

void Stream::report(bool published) {
  if (hooks_.on_change) hooks_.on_change(name_, published);
}

void Stream::forget_publisher() {
  publisher_.reset();
  stats_.published = false;
  look_ = {};
  metadata_.reset();
  headers_.clear();
  forget_gop();
}

void Stream::announce(Frame::Notice notice) {
  const FramePtr frame = make_notice(notice, ++sequence_);
  for (const auto& subscriber : subscribers_) subscriber->on_frames({&frame, 1});
}

void Stream::remember(const FramePtr& frame) {
  count(*frame);
  if (frame->is_header()) {
    FramePtr& known = headers_[{frame->type, frame->summary.kind, frame->summary.track_id}];
    // Pictures before another header are not decodable with it. Many repeat the one they have.
    if (frame->is_video() && known && !same_payload(*known, *frame)) forget_gop();
    known = frame;
  } else if (frame->is_metadata()) {
    metadata_ = frame;
  } else {
    cache(frame);
  }
}

void Stream::count(const Frame& frame) {
  const rtmp::Bytes payload = frame.encoded.payload;
  ++stats_.frames;
  stats_.bytes += payload.size();
  stats_.last_timestamp = frame.timestamp;
  const bool first_track = frame.summary.track_id == 0;
  if (frame.is_video()) {
    ++stats_.video_frames;
    stats_.video_bytes += payload.size();
    stats_.last_video = frame.timestamp;
    if (first_track) look_.video = frame.summary.codec;
  } else if (frame.is_audio()) {
    ++stats_.audio_frames;
    stats_.audio_bytes += payload.size();
    stats_.last_audio = frame.timestamp;
    if (first_track) look_.audio = frame.summary.codec;
    if (!payload.empty()) look_.audio_start = payload.front();
  }
}

// From a key frame on; without one there is nothing to start a picture with, and audio alone starts
// anywhere. Each track of pictures begins with a key frame of its own. What grows over the bounds
// is of no use as a whole.
void Stream::cache(const FramePtr& frame) {
  if (!settings_.gop_cache.enabled) return;
  if (frame->is_key()) begin_gop(*frame);
  if (gop_.empty() && !frame->is_key()) return;
  if (frame->is_video() && !gop_tracks_.contains(frame->summary.track_id)) return;
  gop_.push_back(frame);
  gop_bytes_ += frame->size();
  keep_gop_within_limits();
}

void Stream::keep_gop_within_limits() {
  gop_memory_.set(gop_bytes_);
  const std::optional<Limit> over = limit_of_gop();
  if (!over) return;
  gone_over_ = over;
  forget_gop();
}

std::optional<Limit> Stream::limit_of_gop() const {
  const GopCacheLimits& limits = settings_.gop_cache;
  if (gop_.size() > limits.frames || gop_bytes_ > limits.bytes ||
      gop_.back()->timestamp - gop_.front()->timestamp > limits.ms)
    return Limit::gop_cache;
  const bool no_room = gop_memory_.exceeded() || (hooks_.memory && hooks_.memory->exceeded());
  return no_room ? std::optional(Limit::gop_cache_total) : std::nullopt;
}

// The first track's takes the sound of before with it.
void Stream::begin_gop(const Frame& key) {
  const auto track = key.summary.track_id;
  gop_tracks_.insert(track);
  std::erase_if(gop_, [&](const FramePtr& old) {
    const bool ends = old->is_video() ? old->summary.track_id == track : track == 0;
    if (ends) gop_bytes_ -= old->size();
    return ends;
  });
}

void Stream::forget_gop() {
  gop_.clear();
  gop_tracks_.clear();
  gop_bytes_ = 0;
  gop_memory_.set(0);
}

// --- the players' side
// -----------------------------------------------------------------------------

Snapshot Stream::subscribe(const std::shared_ptr<Subscriber>& subscriber, StartAt start) {
  const std::lock_guard lock(mutex_);
  if (std::find(subscribers_.begin(), subscribers_.end(), subscriber) == subscribers_.end())
    subscribers_.push_back(subscriber);
  // Only now: a publisher that waits for a player goes on at once.
  if (publisher_) publisher_->on_players(stats_.players);
  return snapshot(start);
}

void Stream::unsubscribe(const Subscriber& subscriber) {
  const std::lock_guard lock(mutex_);
  std::erase_if(subscribers_, [&](const auto& known) { return known.get() == &subscriber; });
}

// Headers are from long ago: they get the time of what they come before, so that no player takes
// the gap for a pause. Metadata alone comes at 0: at any other time FFmpeg takes it for subtitles.
Snapshot Stream::snapshot(StartAt start) const {
  Snapshot snapshot;
  snapshot.last_sequence = sequence_;
  snapshot.published = publisher_ != nullptr;
  const std::vector<FramePtr> gop = gop_for(start);
  const std::int64_t timestamp = gop.empty() ? stats_.last_timestamp : gop.front()->timestamp;
  const auto add = [&](const FramePtr& frame, std::int64_t time) {
    rtmp::Message message = frame->message(shared_stream_id);
    message.timestamp = time;
    snapshot.frames.push_back(
        make_frame(std::move(message), frame->sequence, settings_.chunk_size));
  };
  if (metadata_) add(metadata_, 0);
  for (const auto& [key, frame] : headers_) add(frame, timestamp);
  snapshot.frames.insert(snapshot.frames.end(), gop.begin(), gop.end());
  return snapshot;
}

std::vector<FramePtr> Stream::gop_for(StartAt start) const {
  if (start == StartAt::keyframe || start == StartAt::live) return {};
  auto shortened =
      start == StartAt::catch_up ? catch_up(gop_, settings_.chunk_size) : std::vector<FramePtr>();
  return shortened.empty() ? gop_ : shortened;
}

bool Stream::add_player(std::size_t limit) {
  const std::lock_guard lock(mutex_);
  if (limit > 0 && stats_.players >= limit) return false;
  ++stats_.players;
  return true;
}

void Stream::remove_player() {
  std::unique_lock lock(mutex_);
  const bool last = --stats_.players == 0;
  if (publisher_) publisher_->on_players(stats_.players);
  lock.unlock();
  if (last && hooks_.on_deserted) hooks_.on_deserted(name_);
}

std::size_t Stream::players() const {
  const std::lock_guard lock(mutex_);
  return stats_.players;
}

// --- figures
// ---------------------------------------------------------------------------------------

Stream::Meters::Counts Stream::counts() const {
  return {stats_.bytes, bytes_out_.load(std::memory_order_relaxed), stats_.audio_bytes,
          stats_.video_bytes, stats_.video_frames};
}

void Stream::sample(rtmp::Time now) {
  const std::lock_guard lock(mutex_);
  meter_.sample(counts(), now);
}

// What takes time happens without the lock: frames are waiting for it.
Stream::Stats Stream::stats(rtmp::Time now) const {
  std::unique_lock lock(mutex_);
  Stats stats = stats_;
  const auto [in, out, audio, video, frames] = meter_.per_second(counts(), now);
  Look look = look_;
  look.metadata = metadata_;
  look.video_header = header_of(rtmp::MessageType::video);
  look.audio_header = header_of(rtmp::MessageType::audio);
  stats.gop_frames = gop_.size();
  stats.gop_bytes = gop_bytes_;
  if (stats.published) stats.uptime = now - published_at_;
  lock.unlock();
  stats.bytes_out = bytes_out_;
  stats.bit_rate_in = in * 8;
  stats.bit_rate_out = out * 8;
  stats.audio_bit_rate = audio * 8;
  stats.video_bit_rate = video * 8;
  stats.frames_per_second = frames;
  describe(stats, look);
  return stats;
}

FramePtr Stream::header_of(rtmp::MessageType type) const {
  const auto header = headers_.find({type, rtmp::media::Summary::Kind::sequence_start, 0});
  return header == headers_.end() ? nullptr : header->second;
}

bool Stream::published() const {
  const std::lock_guard lock(mutex_);
  return publisher_ != nullptr;
}

RoutePath Stream::path() const {
  const std::lock_guard lock(mutex_);
  return publisher_ ? publisher_->path() : RoutePath();
}

}  // namespace relay
