// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/audience.h"

#include <algorithm>

namespace relay {
namespace {

// A row is written to in one go, which keeps the worker from everything else for a few ms.
constexpr std::size_t players_in_a_row = 250;
constexpr std::size_t most_rows = 16;
constexpr auto longest_turn = std::chrono::milliseconds(2);  // between two of them
// More than this does not wait: a player's kernel would hardly take it in one write.
constexpr std::size_t most_gathered = 256 * 1024;

}  // namespace

Audience::Audience(net::Worker& worker, std::shared_ptr<Stream> stream, rtmp::Duration latency,
                   PostRoom& post)
    : worker_(worker),
      stream_(std::move(stream)),
      latency_(latency),
      post_(post),
      timer_(worker.context()) {
  rows_.reserve(most_rows);  // they stay where they are while one is delivered to
}

Snapshot Audience::add(Player& player, StartAt start) {
  Snapshot snapshot = stream_->subscribe(shared_from_this(), start);
  row_with_room().seats.push_back({&player, snapshot.last_sequence});
  ++players_;
  return snapshot;
}

Audience::Row& Audience::row_with_room() {
  const auto smallest =
      std::min_element(rows_.begin(), rows_.end(),
                       [](const Row& a, const Row& b) { return a.seats.size() < b.seats.size(); });
  const bool full = smallest == rows_.end() || smallest->seats.size() >= players_in_a_row;
  return full && rows_.size() < most_rows ? rows_.emplace_back() : *smallest;
}

void Audience::remove(Player& player) {
  for (Row& row : rows_) {
    const auto seat = std::find_if(row.seats.begin(), row.seats.end(),
                                   [&](const Seat& known) { return known.player == &player; });
    if (seat == row.seats.end()) continue;
    --players_;
    seat->player = nullptr;
    if (delivering_) {
      left_ = true;
      return;
    }
    *seat = row.seats.back();
    row.seats.pop_back();
  }
  if (empty()) stream_->unsubscribe(*this);
}

// One wake-up for all that comes before the worker gets to it.
void Audience::on_frames(std::span<const FramePtr> frames) {
  const std::lock_guard lock(mutex_);
  inbox_.insert(inbox_.end(), frames.begin(), frames.end());
  urgent_ = urgent_ || std::any_of(frames.begin(), frames.end(), [](const FramePtr& frame) {
              return frame->is_key() || frame->notice != Frame::Notice::none;
            });
  if (std::exchange(scheduled_, true)) return;
  worker_.soon(shared_from_this());
}

void Audience::run() {
  const bool urgent = take_inbox();
  if (urgent || latency_ == rtmp::Duration::zero() || recent_bytes_ > most_gathered) {
    for (Row& row : rows_) deliver(row);
    forget_delivered();
  }
  wait();
}

// Whether something in it must not wait.
bool Audience::take_inbox() {
  const rtmp::Time now = net::now();
  for (Row& row : rows_) row.since = std::min(row.since, now);
  const std::lock_guard lock(mutex_);
  for (FramePtr& frame : inbox_) {
    recent_bytes_ += frame->size();
    recent_.push_back(std::move(frame));
  }
  inbox_.clear();
  scheduled_ = false;
  return std::exchange(urgent_, false);
}

// When a row is next. Each waits a little less than the one before, the last for half as long at
// least, so that they do not come all at once.
rtmp::Time Audience::due(const Row& row) const {
  if (row.since == rtmp::never) return rtmp::never;
  const rtmp::Duration turn =
      std::min<rtmp::Duration>(latency_ / static_cast<int>(2 * rows_.size()), longest_turn);
  return row.since + latency_ - turn * (&row - rows_.data());
}

void Audience::wait() {
  rtmp::Time next = rtmp::never;
  for (const Row& row : rows_) next = std::min(next, due(row));
  if (next == rtmp::never) return;
  timer_.expires_at(next);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->on_timer();
  });
}

void Audience::on_timer() {
  const rtmp::Time now = net::now();
  for (Row& row : rows_)
    if (due(row) <= now) deliver(row);
  forget_delivered();
  wait();
}

// What every row has.
void Audience::forget_delivered() {
  std::uint64_t delivered = std::numeric_limits<std::uint64_t>::max();
  const bool left = std::exchange(left_, false);
  for (Row& row : rows_) {
    if (left) std::erase_if(row.seats, [](const Seat& seat) { return seat.player == nullptr; });
    if (row.since != rtmp::never) delivered = std::min(delivered, row.after);
  }
  const auto kept = std::find_if(recent_.begin(), recent_.end(), [&](const FramePtr& frame) {
    return frame->sequence > delivered;
  });
  for (auto frame = recent_.begin(); frame != kept; ++frame) recent_bytes_ -= (*frame)->size();
  recent_.erase(recent_.begin(), kept);
  if (empty()) stream_->unsubscribe(*this);
}

void Audience::deliver(Row& row) {
  const auto after = [](std::uint64_t sequence) {
    return [=](const FramePtr& frame) { return frame->sequence > sequence; };
  };
  const auto first = std::find_if(recent_.begin(), recent_.end(), after(row.after));
  row.since = rtmp::never;
  if (first == recent_.end()) return;
  const Batch batch({first, recent_.end()});
  row.after = recent_.back()->sequence;
  delivering_ = true;
  std::uint64_t written = 0;
  post_.sockets.clear();
  post_.seats.clear();
  for (std::size_t i = 0; i < row.seats.size(); ++i) {  // players may join meanwhile
    const Seat seat = row.seats[i];
    if (!seat.player || seat.after >= row.after) continue;
    if (seat.after >= (*first)->sequence) {
      seat.player->deliver(
          Batch({std::find_if(first, recent_.end(), after(seat.after)), recent_.end()}));
    } else if (const int socket = seat.player->direct_socket(batch); socket >= 0) {
      post_.sockets.push_back(socket);
      post_.seats.push_back(i);
    } else {
      written += seat.player->deliver(batch) ? 1 : 0;
    }
  }
  written += write(batch, row);
  delivering_ = false;
  if (written > 0) count(batch, written);
}

// To those who take all of it as it is, which is nearly everybody; how many of them there are.
std::uint64_t Audience::write(const Batch& batch, Row& row) {
  const auto results = post_.broadcast.write(batch.chunks.bytes, post_.sockets);
  for (std::size_t i = 0; i < results.size(); ++i)
    if (Player* player = row.seats[post_.seats[i]].player) player->on_written(batch, results[i]);
  return results.size();
}

void Audience::count(const Batch& batch, std::uint64_t players) {
  const rtmp::Time now = net::now();
  for (const FramePtr& frame : batch.frames) post_.delays.add(now - frame->arrived, players);
}

std::shared_ptr<Audience> Hall::audience(const std::shared_ptr<Stream>& stream) {
  if (auto known = audiences_[stream.get()].lock()) return known;
  std::erase_if(audiences_, [](const auto& entry) { return entry.second.expired(); });
  auto audience = std::make_shared<Audience>(worker_, stream, latency_, post_);
  audiences_[stream.get()] = audience;
  return audience;
}

}  // namespace relay
