// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/audience.h"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace relay {

Audience::Audience(net::Worker& worker, std::shared_ptr<Stream> stream, rtmp::Duration latency)
    : worker_(worker), stream_(std::move(stream)), latency_(latency), timer_(worker.context()) {}

Snapshot Audience::add(Player& player, StartAt start) {
  Snapshot snapshot = stream_->subscribe(shared_from_this(), start);
  seats_.push_back({&player, snapshot.last_sequence});
  return snapshot;
}

void Audience::remove(Player& player) {
  const auto seat = std::find_if(seats_.begin(), seats_.end(),
                                 [&](const Seat& known) { return known.player == &player; });
  if (seat == seats_.end()) return;
  if (delivering_) {
    seat->player = nullptr;
    return;
  }
  *seat = seats_.back();
  seats_.pop_back();
  if (seats_.empty()) stream_->unsubscribe(*this);
}

// One wake-up for all that comes before the worker gets to it.
void Audience::on_frames(std::span<const FramePtr> frames) {
  const std::lock_guard lock(mutex_);
  inbox_.insert(inbox_.end(), frames.begin(), frames.end());
  const bool urgent = std::any_of(frames.begin(), frames.end(),
                                  [](const FramePtr& frame) { return frame->is_key(); });
  if (scheduled_ && (!urgent || urgent_)) return;
  urgent_ = urgent || latency_ == rtmp::Duration::zero();
  scheduled_ = true;
  boost::asio::post(worker_.context(), [self = shared_from_this(), now = urgent_] {
    if (now) {
      self->deliver();
    } else {
      self->deliver_later();
    }
  });
}

void Audience::deliver_later() {
  timer_.expires_after(latency_);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->deliver();
  });
}

void Audience::deliver() {
  std::vector<FramePtr> frames;
  {
    const std::lock_guard lock(mutex_);
    frames.swap(inbox_);
    scheduled_ = urgent_ = false;
  }
  timer_.cancel();
  if (frames.empty()) return;
  delivering_ = true;
  for (std::size_t i = 0; i < seats_.size(); ++i) {  // players may join meanwhile
    const Seat seat = seats_[i];
    const auto first = std::find_if(frames.begin(), frames.end(), [&](const FramePtr& frame) {
      return frame->sequence > seat.after;
    });
    if (seat.player && first != frames.end()) seat.player->deliver({first, frames.end()});
  }
  delivering_ = false;
  std::erase_if(seats_, [](const Seat& seat) { return seat.player == nullptr; });
  if (seats_.empty()) stream_->unsubscribe(*this);
}

std::shared_ptr<Audience> Hall::audience(const std::shared_ptr<Stream>& stream) {
  if (auto known = audiences_[stream.get()].lock()) return known;
  std::erase_if(audiences_, [](const auto& entry) { return entry.second.expired(); });
  auto audience = std::make_shared<Audience>(worker_, stream, latency_);
  audiences_[stream.get()] = audience;
  return audience;
}

}  // namespace relay
