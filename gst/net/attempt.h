// One attempt to publish or play a stream: a connection's life (three where authmod wants them).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>

#include "net/client.h"
#include "net/errand.h"
#include "net/failure.h"
#include "net/lookup.h"

namespace net {

struct TunnelSettings;

// Owned by its worker's thread, but for stats().
class Attempt final : public Driver::Handler, public std::enable_shared_from_this<Attempt> {
 public:
  using Event = rtmp::ClientSession::Event;
  // Called on the worker's thread.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_event(Attempt& attempt, Event event) = 0;
    // Publishing: more may be sent.
    virtual void on_room(Attempt& attempt) = 0;
    virtual void on_second(Attempt& attempt, rtmp::Time time) = 0;
    // The last call. Without failure the end was ours.
    virtual void on_closed(Attempt& attempt, std::optional<Failure> failure) = 0;
  };

  Attempt(Worker& worker, Client::Settings settings, Owner& owner);

  void start();
  // The server has accepted the stream, and is there.
  bool started() const { return session_ && session_->started() && driver_->open(); }
  // It had accepted it at some time.
  bool was_started() const { return was_started_; }
  // It left at once, and not a frame has passed: the server may have refused in this way.
  bool was_futile() const;

  // Publishing, once it has started. What is sent leaves with flush().
  bool has_room() const;
  void send(rtmp::Message message);
  void flush();
  // What is still to be sent must be taken within drain_timeout, or it is a failure.
  void limit_drain();
  // All is written: sends these commands and closes in an orderly way. False: it is not.
  bool stop(rtmp::ClientSession::StopCommands commands);
  // Frames that did not reach the server, as far as the system knows.
  struct Loss {
    std::uint64_t frames = 0, bytes = 0;
  };
  Loss unsent() const;

  void pause(bool pause, double position_ms);
  void seek(double position_ms);
  void set_chunk_size(std::uint32_t size);
  void set_pacing(std::uint64_t bytes_per_second);

  void cancel();
  // Forgets the owner; then cancels, or sends what there is and leaves in order.
  void abandon();
  void retire();

  Client::Stats stats() const;

  void on_established() override;
  rtmp::Result<void> on_message(rtmp::Message message, rtmp::Time time) override;
  void on_batch_end(rtmp::Time now) override;
  void on_drained() override;
  rtmp::Time deadline() const override;
  rtmp::Result<void> tick(rtmp::Time time) override;
  void on_closing() override;
  void on_closed(error_code error) override;

 private:
  // A frame, up to which byte of the connection's output it goes.
  struct Sent {
    std::uint64_t end;
    std::uint64_t bytes;
  };

  void connect();
  void find_proxy();
  void on_proxy_found(ProxyChoice choice);
  void look_up();
  void on_found(error_code error, Lookup::Endpoints endpoints);
  void connect_next();
  void on_connected(error_code error);
  bool leads_by_connect() const;
  void ask_proxy();
  void on_asked(const ProxyFault& fault);
  void on_connect_timeout();
  void set_timer(rtmp::Time time);
  void run();
  std::unique_ptr<ByteStream> open_stream();
  TunnelSettings tunnel_settings() const;

  void follow_session();
  void on_event(Event event);
  void authenticate(const std::string& query);
  void on_started();
  void send_session_output();

  void give_up(Failure failure);
  Failure failure_of(error_code error) const;
  Failure failure_to_connect(error_code error) const;
  void end(std::optional<Failure> failure);
  void update_stats();
  void read_taken_bytes(Client::Stats& stats);
  void read_tcp_info(Client::Stats& stats);
  void forget_taken(std::uint64_t taken_bytes);

  Worker& worker_;
  Client::Settings settings_;
  const FailureTexts texts_;
  Owner* owner_;

  std::shared_ptr<TlsContext> tls_;
  rtmp::Time connect_by_ = rtmp::never;  // with the lookup
  std::optional<Errand<ProxyChoice>> proxy_search_;
  std::optional<Lookup> lookup_;
  Lookup::Endpoints endpoints_;  // not yet tried
  error_code connect_error_;     // of the last one that was
  Socket socket_;                // until it is connected
  bool asking_proxy_ = false;    // by the socket
  boost::asio::steady_timer timer_;

  std::optional<rtmp::ClientSession> session_;
  std::shared_ptr<Driver> driver_;
  bool was_started_ = false;
  rtmp::Time started_at_ = {};
  rtmp::Time next_second_ = rtmp::never;
  rtmp::Time finish_by_ = rtmp::never;
  std::deque<Sent> sent_;  // frames that the system may still have
  bool carried_ = false;   // a frame has passed
  bool stopped_ = false;   // the stop commands are sent
  bool cancelled_ = false;
  bool authenticating_ = false;     // another connection follows
  std::optional<Failure> failure_;  // why we closed
  bool ended_ = false;

  rtmp::Time tcp_info_read_ = {};
  mutable std::mutex stats_mutex_;  // guards stats_
  Client::Stats stats_;
};

}  // namespace net
