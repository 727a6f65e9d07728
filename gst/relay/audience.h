// The players of one stream on one worker: they share one lock and one wake-up for each batch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "net/worker.h"
#include "relay/batch.h"
#include "relay/stream.h"

namespace relay {

// One player, on its worker's thread alone.
class Player {
 public:
  virtual ~Player() = default;
  // Frames and notices in order; may end the player, but not destroy it. Whether all of them are
  // written.
  virtual bool deliver(const Batch& batch) = 0;
};

// Many players sit in rows. With a latency each row is given together what has come during that
// time, and the rows take turns, so that the worker does not write to all of them in one go.
//
// Everything on the worker's thread but on_frames().
class Audience final : public Subscriber, public std::enable_shared_from_this<Audience> {
 public:
  // `latency`: how long a frame may wait for others; a key frame does not wait, nor does what has
  // become much.
  // `delays`: where to count what is written; outlives this.
  Audience(net::Worker& worker, std::shared_ptr<Stream> stream, rtmp::Duration latency,
           Delays& delays);

  // What comes before the first frame that the player is given.
  Snapshot add(Player& player, StartAt start);
  void remove(Player& player);
  bool empty() const { return players_ == 0; }

  void on_frames(std::span<const FramePtr> frames) override;

 private:
  struct Seat {
    Player* player;       // null once it has left
    std::uint64_t after;  // the last sequence number that it has from elsewhere
  };
  struct Row {
    std::vector<Seat> seats;
    std::uint64_t after = 0;         // the last sequence number that it was given
    rtmp::Time since = rtmp::never;  // when the first frame came that it was not given yet
  };
  Row& row_with_room();
  void wake();
  bool take_inbox();
  rtmp::Time due(const Row& row) const;
  void wait();
  void on_timer();
  void deliver(Row& row);
  void forget_delivered();
  void count(const Batch& batch, std::uint64_t players);

  net::Worker& worker_;
  std::shared_ptr<Stream> stream_;
  const rtmp::Duration latency_;
  Delays& delays_;
  boost::asio::steady_timer timer_;
  std::vector<Row> rows_;
  std::size_t players_ = 0;
  std::vector<FramePtr> recent_;  // what some row has still to get
  std::size_t recent_bytes_ = 0;
  bool delivering_ = false;

  std::mutex mutex_;  // guards what follows
  std::vector<FramePtr> inbox_;
  bool scheduled_ = false;  // the worker will look into the inbox
  bool urgent_ = false;     // and hand on at once what is in it
};

// A worker's audiences by stream, on its thread alone.
class Hall {
 public:
  Hall(net::Worker& worker, rtmp::Duration latency) : worker_(worker), latency_(latency) {}

  std::shared_ptr<Audience> audience(const std::shared_ptr<Stream>& stream);
  Delays& delays() { return delays_; }

 private:
  net::Worker& worker_;
  const rtmp::Duration latency_;
  Delays delays_;
  std::unordered_map<const Stream*, std::weak_ptr<Audience>> audiences_;
};

}  // namespace relay
