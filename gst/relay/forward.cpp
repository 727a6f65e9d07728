// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/forward.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace relay {
namespace {

using namespace rtmp::client_event;
using Leaky = net::MessageQueue::Leaky;

// Headers and data are never dropped from a queue; of more than this they do not get into it.
constexpr std::size_t most_kept_factor = 2;

}  // namespace

Forward::Forward(net::Worker& worker, std::shared_ptr<Stream> stream, std::uint64_t id,
                 const rtmp::Url& url, net::Client::Settings settings,
                 net::MessageQueue::Limits queue, Owner& owner)
    : worker_(worker),
      stream_(std::move(stream)),
      id_(id),
      url_(url.masked()),
      settings_(std::move(settings)),
      limits_(queue),
      owner_(owner),
      outbox_(queue, Leaky::oldest) {}

template <typename Function>
void Forward::post(Function function) {
  boost::asio::post(worker_.context(), [self = shared_from_this(), function] { function(*self); });
}

// --- from the stream

void Forward::join() {
  const Snapshot snapshot = stream_->subscribe(shared_from_this(), StartAt::gop);
  {
    const std::lock_guard lock(mutex_);
    if (!snapshot.frames.empty()) start_.begin();
    for (const FramePtr& frame : snapshot.frames) take(*frame);
    for (const FramePtr& frame : std::exchange(early_, {})) take(*frame);
    joined_ = true;
  }
  if (!snapshot.published) stop();
}

// What comes while join() hands on what is older waits for it.
void Forward::on_frames(std::span<const FramePtr> frames) {
  const std::lock_guard lock(mutex_);
  if (!joined_) {
    early_.insert(early_.end(), frames.begin(), frames.end());
  } else {
    for (const FramePtr& frame : frames) take(*frame);
  }
}

void Forward::take(const Frame& frame) {
  if (ended_) return;
  if (frame.notice == Frame::Notice::unpublished) {
    ended_ = true;
    post([](Forward& self) { self.finish(); });
  } else if (frame.notice == Frame::Notice::none) {
    send(frame.message(shared_stream_id));
  }
}

void Forward::send(rtmp::Message message) {
  using Verdict = rtmp::Resumption::Verdict;
  const bool begins = start_.waiting();
  const Verdict verdict = begins ? start_.judge(message) : Verdict::send;
  if (verdict == Verdict::withhold) return;
  if (verdict == Verdict::lose || !has_room_for(message)) {
    ++lost_;
    lost_bytes_ += message.payload.size();
    return;
  }
  if (begins)
    for (rtmp::Message& header : start_.headers(message.timestamp)) outbox_.push(std::move(header));
  outbox_.push(std::move(message));
}

bool Forward::has_room_for(const rtmp::Message& message) const {
  return rtmp::is_frame(message) ||
         outbox_.level().bytes + message.payload.size() <= most_kept_factor * limits_.bytes;
}

void Forward::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
  }
  post([](Forward& self) { self.finish(); });
}

bool Forward::goes_on() const {
  const std::lock_guard lock(mutex_);
  return !ended_;
}

bool Forward::over() const {
  const std::lock_guard lock(mutex_);
  return state_ >= State::ended;
}

// --- the connection

void Forward::begin() {
  post([](Forward& self) {
    if (self.state_ != State::waiting) return;
    Observer& observer = self;
    auto client =
        std::make_unique<net::Client>(self.worker_, self.settings_, &self.outbox_, observer);
    client->start();
    {
      const std::lock_guard lock(self.mutex_);
      self.client_ = std::move(client);
    }
    self.set_state(State::connecting, {});
    if (!self.goes_on()) self.finish();
  });
}

void Forward::refuse(const std::string& reason) {
  post([reason](Forward& self) { self.end(State::refused, reason); });
}

void Forward::finish() {
  if (state_ >= State::ended) return;
  if (!client_) return end(State::ended, {});
  set_state(State::ending, reason_);
  client_->finish({.fc_unpublish = true, .close_stream = false, .delete_stream = true});
}

void Forward::cancel() {
  post([](Forward& self) {
    if (self.client_) self.client_->cancel();
  });
}

void Forward::on_event(rtmp::ClientSession::Event event) {
  if (!std::holds_alternative<Started>(event)) return;
  outbox_.set_limits(limits_, Leaky::frames);
  if (state_ != State::ending) set_state(State::streaming, {});
}

// Nobody takes anything: what is kept should be of use when somebody does again.
void Forward::on_lost(const net::Failure&) {
  outbox_.set_limits(limits_, Leaky::oldest);
  const std::uint64_t bytes = client_->stats().connection.bytes_out;
  const std::lock_guard lock(mutex_);
  bytes_ += bytes;
}

void Forward::on_reconnecting(const net::Client::Reconnection& reconnection) {
  if (state_ != State::ending) set_state(State::reconnecting, reconnection.reason);
}

// The client must not go within its own call.
void Forward::on_closed(std::optional<net::Failure> failure) {
  const bool refused = failure && failure->code == rtmp::Error::refused;
  const State state = !failure ? State::ended : refused ? State::refused : State::failed;
  post([state, reason = failure ? failure->text : reason_](Forward& self) {
    self.end(state, reason);
  });
}

void Forward::end(State state, const std::string& reason) {
  if (state_ >= State::ended) return;
  stream_->unsubscribe(*this);
  std::unique_ptr<net::Client> client;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    if (client_) last_ = client_->stats();
    client = std::move(client_);
  }
  client.reset();
  outbox_.clear();
  set_state(state, reason);
  owner_.on_over(*this);
}

// --- figures

void Forward::set_state(State state, const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    if (state == state_ && reason == reason_) return;
    state_ = state;
    reason_ = reason;
  }
  owner_.on_state(stats());
}

RouteStats Forward::stats() const {
  const std::lock_guard lock(mutex_);
  const net::Client::Stats client = client_ ? client_->stats() : last_;
  const net::MessageQueue::Level queue = outbox_.level();
  RouteStats stats;
  stats.id = id_;
  stats.stream = stream_->name();
  stats.url = url_;
  stats.state = state_;
  stats.reason = reason_;
  stats.peer = client.peer;
  stats.bytes = bytes_ + client.connection.bytes_out;
  stats.frames_lost = lost_ + queue.dropped + client.losses.frames;
  stats.bytes_lost = lost_bytes_ + queue.dropped_bytes + client.losses.bytes;
  stats.reconnects = client.losses.reconnects;
  stats.time_lost = client.losses.time;
  stats.queue_bytes = queue.bytes + client.output_bytes;
  stats.queue_ms = queue.ms;
  return stats;
}

}  // namespace relay
