// A client of the server as the player of one stream: what it gets of it, and in which form.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <span>

#include "relay/session.h"

namespace relay {

// On the session's worker. Takes over a place among the stream's players.
class Session::Playing final : public Player {
 public:
  Playing(Session& session, std::uint32_t stream_id, std::shared_ptr<Stream> stream,
          const rtmp::TrackChoice& tracks);
  ~Playing() override;

  // After the session has said that it plays.
  void join();
  bool deliver(const Batch& batch) override;
  int direct_socket(const Batch& batch) override;
  void on_written(const Batch& batch, ssize_t result) override;
  // Gives the connection what is next; false if there is nothing.
  bool send_next();

  void pause(bool paused);
  void receive(rtmp::MessageType type, bool enabled);
  // Tells the stream what it has got since the last time.
  void report();
  void set_limits(FrameQueue::Limits limits) { queue_.set_limits(limits); }
  const FrameQueue& queue() const { return queue_; }
  const Stream& stream() const { return *stream_; }

 private:
  bool is_plain() const;
  bool takes_as_it_is(const Batch& batch) const;
  bool write_directly(const Batch& batch);
  void count_written(const Batch& batch, std::size_t whole, std::size_t written);
  void append(const Frame& frame);
  void enqueue(std::span<const FramePtr> frames);
  void keep_limits();
  bool wanted(const Frame& frame) const;
  void send(const Frame& frame);
  void send_to_legacy_player(const FramePtr& frame);
  std::optional<std::uint8_t> legacy_track(rtmp::MessageType type) const;
  void refuse();
  void send_notice(Frame::Notice notice);

  Session& session_;
  const std::uint32_t stream_id_;
  bool plain_ = true;  // takes every frame as it is
  bool paused_ = false, audio_ = true, video_ = true;
  bool refused_ = false;  // for want of Enhanced RTMP
  std::uint64_t bytes_ = 0, reported_ = 0;
  FrameQueue queue_;
  std::uint64_t joined_after_ = 0;  // the last sequence number of before
  const rtmp::TrackChoice tracks_;
  std::shared_ptr<Stream> stream_;
  std::shared_ptr<Audience> audience_;
};

}  // namespace relay
