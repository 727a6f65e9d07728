// The players of one stream on one worker: they share one lock and one wake-up for each batch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "net/broadcast.h"
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
  // The socket to which the batch's chunks may be written instead, by whoever writes them to many,
  // or -1. on_written() follows, before anything else happens to the player: the bytes that were
  // written, or an error's number, negative.
  virtual int direct_socket(const Batch&) { return -1; }
  virtual void on_written(const Batch&, ssize_t /*result*/) {}
};

// What the audiences of one worker write with.
struct PostRoom {
  net::Broadcast broadcast;
  Delays delays;  // of what is written
  // Who of a row is written to together: their sockets, and their seats' numbers.
  std::vector<int> sockets;
  std::vector<std::size_t> seats;
};

// Many players sit in rows. With a latency each row is given together what has come during that
// time, and the rows take turns, so that the worker does not write to all of them in one go.
//
// Everything on the worker's thread but on_frames().
class Audience final : public Subscriber,
                       public net::Chore,
                       public std::enable_shared_from_this<Audience> {
 public:
  // `latency`: how long a frame may wait for others; a key frame does not wait, nor does what has
  // become much.
  // `post`: the worker's, by which its players are written to.
  Audience(net::Worker& worker, std::shared_ptr<Stream> stream, rtmp::Duration latency,
           PostRoom& post);

  // What comes before the first frame that the player is given.
  Snapshot add(Player& player, StartAt start);
  void remove(Player& player);
  bool empty() const { return players_ == 0; }

  void on_frames(std::span<const FramePtr> frames) override;
  // Hands on what on_frames() has left.
  void run() override;

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
  bool take_inbox();
  rtmp::Time due(const Row& row) const;
  void wait();
  void on_timer();
  void deliver(Row& row);
  std::uint64_t write(const Batch& batch, Row& row);
  void forget_delivered();
  void count(const Batch& batch, std::uint64_t players);

  net::Worker& worker_;
  std::shared_ptr<Stream> stream_;
  const rtmp::Duration latency_;
  PostRoom& post_;
  boost::asio::steady_timer timer_;
  std::vector<Row> rows_;
  std::size_t players_ = 0;
  std::vector<FramePtr> recent_;  // what some row has still to get
  std::size_t recent_bytes_ = 0;
  bool delivering_ = false;
  bool left_ = false;  // some seat is empty

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
  Delays& delays() { return post_.delays; }

 private:
  net::Worker& worker_;
  const rtmp::Duration latency_;
  PostRoom post_;
  std::unordered_map<const Stream*, std::weak_ptr<Audience>> audiences_;
};

}  // namespace relay
