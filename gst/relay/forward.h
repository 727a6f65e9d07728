// One publication of a stream on its way to one other server.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <mutex>

#include "relay/routes.h"
#include "relay/stream.h"
#include "rtmp/resumption.h"

namespace relay {

// From the stream's first frame to its end, over takeovers and pauses; a lost connection is made
// again. What the other server does not take in time is lost, and touches nobody else.
//
// What is not for any thread happens on its worker's.
class Forward final : public Subscriber,
                      private net::Client::Observer,
                      public std::enable_shared_from_this<Forward> {
 public:
  // Calls come on the worker's thread.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_state(const RouteStats& stats) = 0;
    // The last call: the forward may go.
    virtual void on_over(Forward& forward) = 0;
  };

  Forward(net::Worker& worker, std::shared_ptr<Stream> stream, std::uint64_t id,
          const rtmp::Url& url, net::Client::Settings settings, net::MessageQueue::Limits queue,
          Owner& owner);

  // All of these from any thread. From now on it collects the stream, if there is one.
  void join();
  // Connects.
  void begin();
  // Instead: why there is no connection.
  void refuse(const std::string& reason);
  // As if the publisher ended.
  void stop();
  // Does not even send what there is.
  void cancel();

  // Whether it is there for the stream that is published now: it has not seen its end, and did not
  // fail.
  bool goes_on() const;
  bool over() const;
  std::uint64_t id() const { return id_; }
  const Stream& stream() const { return *stream_; }
  RouteStats stats() const;

  void on_frames(std::span<const FramePtr> frames) override;

 private:
  using State = RouteStats::State;
  using Observer = net::Client::Observer;

  void on_event(rtmp::ClientSession::Event event) override;
  void on_lost(const net::Failure& failure) override;
  void on_reconnecting(const net::Client::Reconnection& reconnection) override;
  bool wants_more() override { return true; }
  void on_closed(std::optional<net::Failure> failure) override;

  void take(const Frame& frame);
  void send(rtmp::Message message);
  bool has_room_for(const rtmp::Message& message) const;
  void finish();
  void end(State state, const std::string& reason);
  void set_state(State state, const std::string& reason);
  template <typename Function>
  void post(Function function);

  net::Worker& worker_;
  const std::shared_ptr<Stream> stream_;
  const std::uint64_t id_;
  const std::string url_;  // masked
  const net::Client::Settings settings_;
  const net::MessageQueue::Limits limits_;
  Owner& owner_;
  net::MessageQueue outbox_;

  mutable std::mutex mutex_;  // guards what follows; after the stream's
  bool joined_ = false;
  std::vector<FramePtr> early_;  // came before what is older
  rtmp::Resumption start_;       // where it begins in the middle of a stream
  bool ended_ = false;           // the publication is over, for us
  State state_ = State::waiting;
  std::string reason_;
  std::uint64_t lost_ = 0, lost_bytes_ = 0;  // without what outbox and client lost
  std::uint64_t bytes_ = 0;                  // by connections that are over
  std::unique_ptr<net::Client> client_;
  net::Client::Stats last_;  // of the client, when it is gone
};

}  // namespace relay
