// The players of one stream on one worker: they share one lock and one wake-up for each batch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "net/worker.h"
#include "relay/stream.h"

namespace relay {

// One player, on its worker's thread alone.
class Player {
 public:
  virtual ~Player() = default;
  // Frames and notices in order; may end the player, but not destroy it.
  virtual void deliver(std::span<const FramePtr> frames) = 0;
};

// Everything on the worker's thread but on_frames().
class Audience final : public Subscriber, public std::enable_shared_from_this<Audience> {
 public:
  // `latency`: how long a frame may wait for others; a key frame does not wait.
  Audience(net::Worker& worker, std::shared_ptr<Stream> stream, rtmp::Duration latency);

  // What comes before the first frame that the player is given.
  Snapshot add(Player& player, StartAt start);
  void remove(Player& player);
  bool empty() const { return seats_.empty(); }

  void on_frames(std::span<const FramePtr> frames) override;

 private:
  struct Seat {
    Player* player;       // null once it has left
    std::uint64_t after;  // the last sequence number that it has from elsewhere
  };
  void deliver_later();
  void deliver();

  net::Worker& worker_;
  std::shared_ptr<Stream> stream_;
  const rtmp::Duration latency_;
  boost::asio::steady_timer timer_;
  std::vector<Seat> seats_;
  bool delivering_ = false;

  std::mutex mutex_;  // guards what follows
  std::vector<FramePtr> inbox_;
  bool scheduled_ = false;
  bool urgent_ = false;
};

// A worker's audiences by stream, on its thread alone.
class Hall {
 public:
  Hall(net::Worker& worker, rtmp::Duration latency) : worker_(worker), latency_(latency) {}

  std::shared_ptr<Audience> audience(const std::shared_ptr<Stream>& stream);

 private:
  net::Worker& worker_;
  const rtmp::Duration latency_;
  std::unordered_map<const Stream*, std::weak_ptr<Audience>> audiences_;
};

}  // namespace relay
