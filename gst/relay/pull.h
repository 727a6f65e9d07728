// A stream that is played from another server because somebody here wants it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "relay/routes.h"
#include "relay/stream.h"

namespace relay {

// As long as it has players, and some time longer. A lost connection is made again, and players see
// one stream unless that takes long.
//
// What is not for any thread happens on its worker's.
class Pull final : private net::Client::Observer, public std::enable_shared_from_this<Pull> {
 public:
  // Calls come on the worker's thread.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_state(const RouteStats& stats) = 0;
    // The other server has said who it is.
    virtual void on_origin(Pull& pull, const std::string& route_id) = 0;
    // It has the stream, or will have.
    virtual void on_accepted(Pull& pull) = 0;
    // The last call: the pull may go.
    virtual void on_over(Pull& pull) = 0;
  };

  Pull(net::Worker& worker, std::shared_ptr<Stream> stream, std::uint64_t id, const rtmp::Url& url,
       net::Client::Settings settings, rtmp::Duration linger, RoutePath path, Owner& owner);

  // All of these from any thread. Connects.
  void begin();
  // Instead: why there is no connection.
  void refuse(const std::string& reason);
  // A player has gone, maybe the last.
  void look_for_players();
  // Somebody publishes the stream here.
  void give_way();
  void stop();

  RouteStats stats() const;
  Stream& stream() const { return *stream_; }

 private:
  using State = RouteStats::State;
  using Observer = net::Client::Observer;
  class Source;

  void on_event(rtmp::ClientSession::Event event) override;
  void on_lost(const net::Failure& failure) override;
  void on_reconnecting(const net::Client::Reconnection& reconnection) override;
  bool wants_more() override;
  void on_closed(std::optional<net::Failure> failure) override;

  void take(rtmp::Message message);
  bool publish();
  void unpublish();
  void flush();
  void leave(const std::string& why);
  void on_replaced(std::uint64_t source);
  void wait(rtmp::Duration time, std::function<void(Pull&)> then);
  void end(State state, const std::string& reason);
  void set_state(State state, const std::string& reason);
  template <typename Function>
  void post(Function function);

  net::Worker& worker_;
  const std::shared_ptr<Stream> stream_;
  const std::uint64_t id_;
  const std::string url_;  // masked
  const net::Client::Settings settings_;
  const rtmp::Duration linger_;
  const RoutePath path_;
  Owner& owner_;

  std::shared_ptr<Source> source_;  // while it publishes
  bool renewed_ = false;            // the connection is another than the source's
  bool was_published_ = false;
  std::uint64_t starts_ = 0, sources_ = 0, desertions_ = 0;  // since the beginning
  bool flushing_ = false;                                    // the batch will be pushed
  std::vector<rtmp::Message> batch_;                         // what arrived together

  mutable std::mutex mutex_;  // guards what follows
  State state_ = State::connecting;
  std::string reason_;
  std::uint64_t bytes_ = 0;  // by connections that are over
  std::unique_ptr<net::Client> client_;
  net::Client::Stats last_;  // of the client, when it is gone
};

}  // namespace relay
