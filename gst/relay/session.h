// One client of the server: its connection, and what it publishes and plays.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>

#include "net/driver.h"
#include "relay/audience.h"
#include "relay/hooks.h"
#include "relay/server.h"
#include "relay/session_report.h"
#include "rtmp/tracks.h"

namespace relay {

// Everything on its worker's thread, but what says otherwise.
class Session final : public net::Driver::Handler, public std::enable_shared_from_this<Session> {
 public:
  Session(Server& server, Hall& hall, Visitor visitor, std::uint64_t id, std::string host);
  ~Session() override;

  void start();
  // Both from any thread: at once, or when its player has got what waits for it.
  void kick(net::error_code reason);
  void leave();
  // From any thread: E-RTMP's ReconnectRequest, if the client understands it; whether it does. An
  // empty tcUrl is the one that it has.
  bool ask_to_reconnect(const std::string& tc_url, const std::string& description);
  // Publishes or plays that stream.
  bool has(const std::string& stream) const;
  // From any thread: the server's settings have changed.
  void on_settings();
  // Ends a client that publishes or plays that stream; whether it does.
  bool drop(const std::string& stream);

  std::uint64_t id() const { return id_; }
  // The address without port, under which the server counts.
  const std::string& host() const { return host_; }
  bool connected() const { return session_.connected(); }
  net::Worker& worker() const { return driver_.worker(); }
  ClientStats stats(rtmp::Time now) const;
  // Every Meter::interval.
  void sample(rtmp::Time now);
  // Brings its streams' figures up to date.
  void report();
  // As far as is known yet.
  Protocol protocol() const;

  struct Traffic {
    std::uint64_t bytes_in = 0, bytes_out = 0, frames_dropped = 0;
  };
  // Of a client that has gone.
  Traffic traffic() const;

 private:
  class Publishing;
  class Playing;
  // To publish or play: what was asked for, and "app/stream" that was given.
  struct Wish {
    std::string name, query, stream;
  };

  bool is_foreign(rtmp::Bytes first) override;
  void on_released(std::unique_ptr<net::ByteStream> stream) override;
  void on_established() override;
  rtmp::Result<void> on_message(rtmp::Message message, rtmp::Time now) override;
  void on_batch_end(rtmp::Time now) override;
  void on_drained() override;
  rtmp::Time deadline() const override;
  rtmp::Result<void> tick(rtmp::Time now) override;
  void on_closed(net::error_code reason) override;

  void handle_events();
  void handle(rtmp::server_event::ConnectRequest& request);
  void decide_connect();
  void refuse_connect(const std::string& reason);
  void ask_for_swf();
  void on_swf_answer(const rtmp::Message& answer);
  void handle(rtmp::server_event::PublishRequest& request);
  void handle(rtmp::server_event::PlayRequest& request);
  void handle(rtmp::server_event::MediaReceived& media);
  void take_media(rtmp::Message message, rtmp::Time now);
  void handle(rtmp::server_event::StreamClosed& closed);
  void handle(rtmp::server_event::PauseRequest& request);
  void handle(rtmp::server_event::SeekRequest& request);
  void handle(rtmp::server_event::ReceiveRequest& request);

  // Asks whoever has a say; `then` runs on our thread, unless we are gone by then.
  void decide(Request request, std::function<void(const Decision&)> then);
  // An answer that may be given from any thread, once.
  std::function<void(Decision)> at_home(std::function<void(Decision)> then);
  Request make_request(Request::Action action, const std::string& stream, const std::string& query);
  bool publish(std::uint32_t stream_id, const std::string& name,
               const std::vector<std::string>& forward);
  bool play(std::uint32_t stream_id, const std::string& name, const rtmp::TrackChoice& tracks);
  void end_fetch(std::uint32_t stream_id, const std::optional<rtmp::Status>& refusal);
  void begin_play(std::uint32_t stream_id);
  void replaced(std::uint32_t stream_id);
  void end_play(std::uint32_t stream_id);
  void end_stream(std::uint32_t stream_id);
  void send_session_output();
  void leave_if_done();
  void begin_visit(std::uint32_t stream_id, const Request& request, const std::string& name);
  void end_visit(std::uint32_t stream_id);
  void count_names();
  void count_memory();
  void add_wishes(ClientStats& stats) const;
  void add_traffic(ClientStats& stats, rtmp::Time now) const;
  void log_end(net::error_code reason);

  Server& server_;
  Hall& hall_;
  const Way way_;
  const std::uint64_t id_;
  const std::string address_;
  const std::string host_;
  const rtmp::Time since_;
  Meter<2> meter_;                                    // bytes in and out
  std::shared_ptr<const Server::Settings> settings_;  // that it knows of
  rtmp::ServerSession session_;
  net::Driver driver_;
  Budget::Share memory_;                   // what we hold for the client
  std::uint64_t lost_ = 0;                 // frames of players that are no longer
  unsigned names_refused_ = 0;             // that were counted
  std::vector<std::uint8_t> first_bytes_;  // of a client that speaks HTTP
  bool leaving_ = false;
  bool knows_enhanced_ = false;           // the client announced Enhanced RTMP
  std::atomic<bool> reconnects_ = false;  // and that it connects again when it is asked to
  rtmp::Time swf_by_ = rtmp::never;       // SWF verification must be answered
  RoutePath path_;                        // of a client that is a server
  Request connected_as_;                  // what connect said, for the requests that follow
  Wish last_wish_;
  bool published_ = false, played_ = false;  // ever
  std::map<std::uint32_t, std::shared_ptr<Publishing>> publishing_;
  std::map<std::uint32_t, std::unique_ptr<Playing>> playing_;
  std::map<std::uint32_t, std::unique_ptr<Hooks::Visit>> visits_;  // 0: the connection
};

}  // namespace relay
