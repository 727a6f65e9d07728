// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/reception.h"

namespace {

using Notice = relay::Frame::Notice;

// A publisher may send a film faster than it is shown; what is beyond this a live source has lost.
constexpr net::MessageQueue::Limits limits = {.bytes = 64 * 1024 * 1024, .ms = 60'000};

// A notice waits between the messages as a control message, which no publisher's stream has; its
// stream id says which notice it is.
rtmp::Message to_message(Notice notice) {
  return {rtmp::MessageType::user_control, static_cast<std::uint32_t>(notice), 0, {}};
}

}  // namespace

Reception::Reception(std::string wanted)
    : wanted_(std::move(wanted)), queue_(limits, net::MessageQueue::Leaky::frames) {}

// --- the reader's side

Reception::Event Reception::next(rtmp::Time deadline) {
  std::unique_lock lock(mutex_);
  std::optional<Event> event;
  const auto arrived = [&] { return flushing_ || (event = take()); };
  if (deadline == rtmp::never) {
    changed_.wait(lock, arrived);
  } else if (!changed_.wait_until(lock, deadline, arrived)) {
    return TimedOut{};
  }
  if (flushing_) return Flushing{};
  return std::move(*event);
}

std::optional<Reception::Event> Reception::take() {
  auto message = queue_.try_pop();
  if (!message) return std::nullopt;
  if (message->type != rtmp::MessageType::user_control) return std::move(*message);
  const auto notice = static_cast<Notice>(message->stream_id);
  if (notice == Notice::resumed) return Resumed{};
  if (notice == Notice::published) return Published{};
  return Unpublished{};
}

void Reception::set_flushing(bool flushing) {
  const std::lock_guard lock(mutex_);
  flushing_ = flushing;
  changed_.notify_all();
}

std::string Reception::name() const {
  const std::lock_guard lock(choice_mutex_);
  return stream_ ? stream_->name() : wanted_;
}

// --- the choice of a stream

void Reception::on_joined(relay::Server& server) {
  const std::lock_guard lock(choice_mutex_);
  server_ = &server;
  if (!wanted_.empty()) {
    subscribe(wanted_);
    return;
  }
  for (const auto& stream : server_->hub().all())
    if (!stream_ && stream->published()) subscribe(stream->name());
}

// On the publisher's thread, so that nothing of it is missed.
void Reception::on_stream_published(const std::string& name) {
  const std::lock_guard lock(choice_mutex_);
  if (server_ && !stream_) subscribe(name);
}

void Reception::subscribe(const std::string& name) {
  stream_ = server_->hub().get(name);
  stream_->add_player(0);
  server_->fetch(stream_, {}, [](const auto&) {});
  const relay::StartAt start_at = server_->settings()->start_at;
  const relay::Snapshot snapshot = stream_->subscribe(shared_from_this(), start_at);
  const std::lock_guard lock(mutex_);
  waiting_for_key_ = start_at == relay::StartAt::keyframe;
  if (snapshot.published) accept(Notice::published);
  for (const auto& frame : snapshot.frames) accept(*frame);
  for (const auto& frame : early_)
    if (frame->sequence > snapshot.last_sequence) accept(*frame);
  early_.clear();
  ready_ = true;
  changed_.notify_all();
}

void Reception::end() {
  const std::lock_guard lock(choice_mutex_);
  server_ = nullptr;
  if (!stream_) return;
  stream_->unsubscribe(*this);
  stream_->remove_player();
  stream_.reset();
}

// --- the publisher's side

void Reception::on_frames(std::span<const relay::FramePtr> frames) {
  const std::lock_guard lock(mutex_);
  for (const auto& frame : frames) {
    if (ready_) {
      accept(*frame);
    } else {
      early_.push_back(frame);
    }
  }
  changed_.notify_all();
}

void Reception::accept(const relay::Frame& frame) {
  if (frame.notice != Notice::none) {
    accept(frame.notice);
    return;
  }
  if (frame.is_key()) waiting_for_key_ = false;
  if (waiting_for_key_ && frame.is_inter()) return;
  queue_.push(frame.message(relay::shared_stream_id));
}

// A publisher that was taken over has gone as well; one of before our time has not.
void Reception::accept(Notice notice) {
  const bool was_published = std::exchange(published_, notice != Notice::unpublished);
  const bool goes = notice == Notice::unpublished || notice == Notice::replaced;
  if (was_published && goes) queue_.push(to_message(Notice::unpublished));
  if (was_published && notice == Notice::resumed) queue_.push(to_message(notice));
  if (published_ && (!was_published || goes)) queue_.push(to_message(Notice::published));
}
