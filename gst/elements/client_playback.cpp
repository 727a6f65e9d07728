// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/client_playback.h"

#include <algorithm>
#include <cmath>

#include "rtmp/stream_headers.h"

namespace {

constexpr double longest_s = 1e9;
// What a server sends of a recording before the place that it was asked for: at most up to a key
// frame. Frames from earlier are not known by their times.
constexpr std::int64_t longest_repetition_ms = 30'000;
// Servers that begin with the next key frame, as nginx does, round the times of their index.
constexpr std::int64_t index_tolerance_ms = 1;

std::optional<std::int64_t> to_ms(std::optional<double> seconds) {
  if (!seconds || !std::isfinite(*seconds) || *seconds <= 0 || *seconds > longest_s)
    return std::nullopt;
  return static_cast<std::int64_t>(*seconds * 1000);
}

std::optional<std::int64_t> duration_of(const rtmp::Message& message,
                                        const rtmp::amf::Limits& limits) {
  if (rtmp::is_media(message.type)) return std::nullopt;
  const rtmp::Result<rtmp::Data> data = rtmp::read_data(message, limits);
  if (!data || data->name != "onMetaData" || data->values.empty()) return std::nullopt;
  const rtmp::amf::Object* metadata = data->values.front().object();
  const rtmp::amf::Value* duration = metadata ? metadata->find("duration") : nullptr;
  return to_ms(duration ? duration->number() : std::nullopt);
}

bool is_key_frame(const rtmp::Message& message) {
  return rtmp::media::summarize(message).kind == rtmp::media::Summary::Kind::key_frame;
}

}  // namespace

Playback::Playback(net::MessageQueue::Limits limits, rtmp::amf::Limits amf, rtmp::Duration patience)
    : amf_(amf), patience_(patience), inbox_(limits, net::MessageQueue::Leaky::frames) {}

void Playback::reset() {
  const std::lock_guard lock(mutex_);
  inbox_.reopen();
  duration_ms_.reset();
  received_ms_ = 0;
  received_ = repeated_ = {};
  seeks_ = 0;
  answer_by_ = rtmp::never;
  ended_ = over_ = live_ = closed_ = interrupted_ = sought_ = false;
}

// --- connections

void Playback::interrupt() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  seeks_ = 0;
  answer_by_ = rtmp::never;
  ended_ = false;
}

bool Playback::wants_more() const {
  const std::lock_guard lock(mutex_);
  return !over_;
}

std::optional<std::int64_t> Playback::resume_ms() {
  const std::lock_guard lock(mutex_);
  sought_ = false;
  if (!recorded()) return std::nullopt;
  if (!received_.key) return received_ms_;
  return std::max<std::int64_t>(0, *received_.key - index_tolerance_ms);
}

// No server's message is a control message here.
std::optional<std::int64_t> Playback::reconnect(rtmp::Time now) {
  const std::lock_guard lock(mutex_);
  interrupted_ = false;
  repeated_ = recorded() ? received_ : Received();
  inbox_.push({rtmp::MessageType::user_control, recorded() ? 1u : 0u, received_ms_, {}});
  if (!recorded() || !std::exchange(sought_, false)) return std::nullopt;
  seeks_ = 1;
  answer_by_ = now + patience_;
  return received_ms_;
}

bool Playback::is_border(const rtmp::Message& message) {
  return message.type == rtmp::MessageType::user_control;
}

std::optional<std::int64_t> Playback::resumed_at(const rtmp::Message& border) {
  return border.stream_id == 1 ? std::optional(border.timestamp) : std::nullopt;
}

// --- what the server says

// Headers and metadata pass while a seek is under way: many servers do not repeat them.
bool Playback::receive(rtmp::Message message) {
  const std::lock_guard lock(mutex_);
  const bool learned = learn_duration(message);
  if (rtmp::is_frame(message)) {
    if (seeks_ > 0 || is_repeated(message)) return learned;
    received_ms_ = message.timestamp;
    received_.of(message) = message.timestamp;
    if (is_key_frame(message)) received_.key = message.timestamp;
  }
  inbox_.push(std::move(message));
  return learned;
}

bool Playback::is_repeated(const rtmp::Message& message) {
  const auto& last = repeated_.of(message);
  return last && message.timestamp <= *last && message.timestamp > *last - longest_repetition_ms;
}

bool Playback::learn_duration(const rtmp::Message& message) {
  const auto duration = duration_of(message, amf_);
  if (!duration || duration == duration_ms_) return false;
  duration_ms_ = duration;
  return true;
}

void Playback::on_status(const rtmp::Status& status) {
  const std::lock_guard lock(mutex_);
  if (status.code == "NetStream.Seek.Notify") {
    on_answer(true);
  } else if (status.code.starts_with("NetStream.Seek.")) {
    on_answer(false);
  } else if (status.code == "NetStream.Play.PublishNotify") {
    live_ = true;  // its metadata may have the duration of the file that its encoder reads
  }
}

void Playback::on_answer(bool moved) {
  if (seeks_ == 0 || --seeks_ > 0) return;
  answer_by_ = rtmp::never;
  if (std::exchange(ended_, false) && !moved) close_inbox();
}

void Playback::close_inbox() {
  over_ = true;
  inbox_.close();
}

// nginx says StreamEOF for what was before a seek.
void Playback::end() {
  const std::lock_guard lock(mutex_);
  ended_ = seeks_ > 0;
  if (!ended_) close_inbox();
}

void Playback::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  inbox_.close();
}

void Playback::tick(rtmp::Time now) {
  const std::lock_guard lock(mutex_);
  if (now < answer_by_) return;
  seeks_ = 1;
  on_answer(false);
}

// --- what the pipeline wants

bool Playback::begin_seek(std::int64_t position_ms, rtmp::Time now) {
  const std::lock_guard lock(mutex_);
  if (!seekable_now()) return false;
  if (!interrupted_) {
    ++seeks_;
    answer_by_ = now + patience_;
  }
  received_ms_ = position_ms;
  received_ = repeated_ = {};
  over_ = false;
  sought_ = true;
  inbox_.restart();
  return true;
}

bool Playback::seekable() const {
  const std::lock_guard lock(mutex_);
  return seekable_now();
}

std::optional<std::int64_t> Playback::duration_ms() const {
  const std::lock_guard lock(mutex_);
  return live_ ? std::nullopt : duration_ms_;
}

std::int64_t Playback::received_ms() const {
  const std::lock_guard lock(mutex_);
  return received_ms_;
}
