// The relay server: publishers in, players out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "net/listener.h"
#include "net/proxy_reader.h"
#include "net/tls_server.h"
#include "relay/access.h"
#include "relay/access_log.h"
#include "relay/audience.h"
#include "relay/desk.h"
#include "relay/frame_queue.h"
#include "relay/http_door.h"
#include "relay/hub.h"
#include "relay/limits.h"
#include "relay/protocols.h"
#include "relay/routes.h"
#include "relay/token.h"
#include "rtmp/auth.h"
#include "rtmp/server_session.h"
#include "rtmp/swf.h"

namespace relay {

class Hooks;
class Login;
class PasswordFile;
class Forwards;
class Pulls;
class Session;

// A client's wish, for the one who decides.
struct Request {
  enum class Action { connect, publish, play };
  Action action = Action::connect;
  std::uint64_t client_id = 0;
  std::string address;  // the client's, with port
  std::string app, app_query;
  std::string stream, query;  // not with connect
  std::string tc_url, page_url, swf_url, flash_version;
  std::string app_as_sent;                    // without query, but with an instance or slashes
  std::string publish_type = "live";          // publish
  double start_ms = -2000, duration_ms = -1;  // play, as on the wire
  bool reset = true;                          // play
  bool looks_like_publisher = false;          // from what connect says; nobody is bound to it
  std::string user;                           // who it is; empty: nobody knows
  bool logged_in = false;                     // with a password; tokens name users, too
};
struct Decision {
  bool allow = true;
  std::string reason = {};  // of a refusal, for the client
  std::string rename = {};  // another stream, "app/stream", or of connect another app
  std::string user = {};    // who it is, if that turned out
  bool logged_in = false;   // with a password
  // URLs as in rules for routes:
  std::vector<std::string> forward = {};  // publish: where it goes as well
  std::string pull = {};                  // play: where it comes from, if nobody publishes it here
};

// What something is asked for.
enum class Wishes { all, publish, play };

// What happens, for logs and applications. Calls come on the connections' threads and must be
// short.
class Observer {
 public:
  virtual ~Observer() = default;
  // Whether it has a say in what clients want, and is to be asked.
  virtual bool decides() const { return true; }
  // Answers through `decide`, at once or later, once, from any thread. The client waits.
  virtual void on_request(const Request&, std::function<void(Decision)> decide) { decide({}); }
  // Who logs in is not in the password file. Answers as on_request(); nothing: there is no such
  // user.
  virtual void on_password(const std::string& /*user*/,
                           std::function<void(std::optional<std::string>)> tell) {
    tell(std::nullopt);
  }
  virtual void on_client_added(std::uint64_t, const std::string& /*address*/) {}
  // `why`: the error that ended it, Error::closed for the client's own end.
  virtual void on_client_removed(std::uint64_t, const boost::system::error_code& /*why*/) {}
  // Somebody went over a limit: a client's host, or a publisher's stream, masked. Told in
  // moderation; `count` is how often it has happened to anybody.
  virtual void on_limit(Limit, const std::string& /*who*/, std::uint64_t /*count*/) {}
  // What is forwarded or pulled: its state has changed.
  virtual void on_route(const RouteStats&) {}
  // In the order in which it happens; not to publish or unpublish from within.
  virtual void on_stream_published(const std::string& /*name*/) {}
  virtual void on_stream_unpublished(const std::string& /*name*/) {}
};

class Server {
 public:
  struct Settings {
    std::string address = "localhost";
    std::uint16_t port = 1935;  // 0: any free
    unsigned threads = 0;       // 0: as many as there are cores
    std::uint32_t chunk_size = 60'000;
    GopCacheLimits gop_cache;
    StartAt start_at = StartAt::gop;
    FrameQueue::Limits player_queue;
    // That a frame may wait to be written with others. With 15 ms a player gets some 35 writes a
    // second instead of 77 where video and sound come apart.
    rtmp::Duration latency = std::chrono::milliseconds(15);
    enum class LegacyPlayers { convert, forward, refuse };
    // What players that did not announce Enhanced RTMP get of enhanced streams: what has a legacy
    // form, everything, or a refusal.
    LegacyPlayers legacy_players = LegacyPlayers::convert;
    Stream::Duplicate duplicate_publish = Stream::Duplicate::takeover_if_idle;
    rtmp::Duration publisher_idle = std::chrono::seconds(5);  // for takeover_if_idle
    // That players of a publisher that went away are not told so, for it may come back. An end that
    // is meant should reach them at once, so without a word it does.
    rtmp::Duration publisher_grace = {};
    std::size_t max_connections = 10'000;
    std::size_t max_connections_per_host = 0;  // 0: no limit
    // Before connect is answered. Others of the host wait for their turn, which must come within
    // the handshake_timeout.
    std::size_t max_unconnected_per_host = 64;
    std::size_t max_players_per_stream = 0;  // 0: no limit
    // Of frames and unfinished messages, all together. Half of it may be kept for late players.
    // Above it slow players lose what waits for them, nobody new comes in, and who is in the middle
    // of a large message is ended.
    std::size_t max_memory = std::size_t{1024} * 1024 * 1024;
    rtmp::Duration handshake_timeout = std::chrono::seconds(5);
    rtmp::Duration connect_timeout = std::chrono::seconds(10);
    rtmp::Duration request_timeout = std::chrono::seconds(15);
    rtmp::Duration publisher_timeout = std::chrono::seconds(30);  // without media
    rtmp::Duration ping_interval = std::chrono::seconds(30);
    rtmp::Duration decision_timeout = std::chrono::seconds(10);  // of the observer; a refusal then
    rtmp::Duration drain_timeout = std::chrono::seconds(2);      // of stop()
    // Asked before the observer.
    AccessRules access;
    // What queries of streams must be signed with (rtmp/signed_query.h); empty: they need not be.
    std::string url_secret;
    Wishes signed_urls = Wishes::all;
    // How clients log in, what they must for, and the passwords, if there is a file.
    rtmp::auth::Mode authmod = rtmp::auth::Mode::none;
    Wishes login_for = Wishes::publish;
    std::shared_ptr<PasswordFile> passwords;
    // Tokens that clients show, and what for; null: none.
    std::shared_ptr<const TokenKeys> token_keys;
    std::string token_issuer, token_audience;
    Wishes token_for = Wishes::all;
    // A web service that is asked after the observer; null: none.
    std::shared_ptr<Hooks> hooks;
    Protocols protocols;
    // Of web pages that may play and publish here: "https://a.example, https://b.example", or "*".
    std::string cors_origin;
    // What clients must prove to have before connect is answered.
    std::optional<rtmp::swf::Player> swf;
    rtmp::Duration swf_timeout = std::chrono::seconds(10);
    RouteSettings routes;
    std::shared_ptr<net::TlsServer> tls;  // null: plain
    // Connections from there must begin with a header of the PROXY protocol, which says who the
    // client is. None of them may do without: else a client could write one for itself.
    std::optional<Networks> proxies;
    rtmp::Duration proxy_timeout = std::chrono::seconds(3);
    unsigned unix_mode = 0660;              // of the file of a unix socket
    std::shared_ptr<AccessLog> access_log;  // null: none. The same as long as the server is there
  };
  using ClientStats = relay::ClientStats;
  using Stats = ServerStats;

  // The observer must outlive the server.
  Server(Settings settings, Observer& observer);
  // Stops.
  ~Server();

  // Listens. The error is the operating system's.
  net::error_code start();
  // Ends every connection and waits until the last handler is gone; players get what waits for them
  // first, within the settings' drain_timeout. Not from a callback.
  void stop();

  // From start() on; 0 and nothing once stopped.
  std::uint16_t port() const { return port_; }
  std::string addresses() const;
  // As they are now. Any thread.
  std::shared_ptr<const Settings> settings() const;
  // From now on, on any thread, for clients that are there as well. Address, port, threads,
  // chunk_size and latency stay as they were, and clients that are there keep their ping_interval
  // and what they had until their connect.
  void change(Settings settings);
  // For publishers and players inside this process.
  Hub& hub() { return hub_; }
  Observer& observer() { return observer_; }
  Login& login() { return *login_; }
  const std::shared_ptr<Desk>& desk() const { return desk_; }
  const std::shared_ptr<Budget>& memory() const { return memory_; }
  // Somebody goes over a limit. Any thread.
  void count(Limit limit, const std::string& who);

  // Ends that client, or does nothing if it is not there.
  bool kick(std::uint64_t client_id);
  // Ends the clients that publish or play that stream; how many there were. Waits for the workers:
  // not from one of their threads.
  std::size_t drop_stream(const std::string& name);
  // Asks the client to connect again, to that tcUrl (E-RTMP's ReconnectRequest); whether it is
  // there and announced that it understands it. Others are left as they are: they would lose their
  // stream and come back to the same place.
  bool redirect(std::uint64_t client_id, const std::string& tc_url);
  // The same for all who publish or play that stream; how many were asked. Waits for the workers.
  std::size_t redirect_stream(const std::string& name, const std::string& tc_url);
  // Takes no new clients, tells those that understand it to connect again (E-RTMP's
  // ReconnectRequest), and ends those that are left after that time. Returns at once.
  void drain(rtmp::Duration time);
  // From now on streams whose name fits the pattern go to `url` as well, which is as in a rule
  // (RouteRules); its number, or 0 if it cannot be used. Any thread.
  std::uint64_t forward(const std::string& pattern, const std::string& url);
  // What is published under that name now does, up to its end.
  bool forward_once(const std::string& name, const std::string& url);
  // Ends what forward() began, or the one forward of that number in the figures.
  bool stop_forward(std::uint64_t id);
  // If nobody publishes the stream when somebody asks for it next, it is played from `url`, which
  // is as in a rule. False if that cannot be used. Any thread.
  bool pull(const std::string& name, const std::string& url);
  // A player of the stream, which is counted as one, waits for it: the answer is nothing if it may,
  // or what it is told. It comes at once, or on any thread. `path`: by which servers it asks.
  void fetch(const std::shared_ptr<Stream>& stream, const RoutePath& path,
             std::function<void(const std::optional<rtmp::Status>& refusal)> answer);
  // Waits for the workers: not from one of their threads.
  Stats stats();

  // What this server is known by to others that it forwards to.
  const std::string& route_id() const { return route_id_; }
  const rtmp::ConnectAnswer& connect_answer() const { return connect_answer_; }
  // Whether that place is here.
  bool is_own(const rtmp::Url& url) const;
  net::Worker& next_worker() { return workers_.next(); }

 private:
  friend class Pulls;
  friend class Session;
  // A worker's own, on its thread alone.
  struct Room {
    Room(net::Worker& worker, rtmp::Duration latency) : hall(worker, latency) {}
    Hall hall;
    std::unordered_map<std::uint64_t, std::shared_ptr<Session>> sessions;
  };
  struct Host {
    std::size_t connections = 0;   // those in line, too
    std::size_t http_clients = 0;  // what they become are connections as well
    std::size_t unconnected = 0;   // not in line, and connect is not answered yet
    rtmp::Fifo<Visitor> line;

    bool empty() const { return connections == 0 && http_clients == 0; }
  };

  Stream::Hooks stream_hooks();
  void call_later(rtmp::Duration time, std::function<void()> call);
  // Runs it on each worker, and waits until all are done.
  void in_each_room(const std::function<void(Room&)>& call);
  void on_each_session(const std::function<void(Session&)>& call);
  void start_sampling();
  void stop_sampling();
  void sample();
  Stats totals() const;
  static void add_client(Stats& stats, ClientStats client);
  void stop_listening();
  void wait_for_sessions();
  void wait_for_http_clients();
  void accept(net::Worker& worker, net::Socket socket, const std::string& address);
  void hear_proxy(net::Worker& worker, net::Socket socket, const std::string& address);
  void on_proxy_header(net::ProxyReader& reader, net::Worker& worker, const std::string& address,
                       const rtmp::Result<net::ProxyHeader>& header);
  bool empty() const;
  void welcome(Visitor visitor);
  std::optional<Limit> enqueue(Visitor& visitor);
  // A client that speaks HTTP. On its worker.
  void take_http_client(net::Worker& worker, std::unique_ptr<net::ByteStream> stream,
                        std::vector<std::uint8_t> first, const std::string& address,
                        const std::string& host);
  void leave_http(const std::string& host);
  std::optional<Limit> limit_before(const Host& host, Way way) const;
  void forget_if_empty(const std::string& host);
  void admit(const std::string& name, Host& host);
  void begin(const std::string& host, Visitor visitor);
  void close_doors();
  void connected(const std::string& host);
  void leave(const std::string& host, bool connected);
  void forget(const Session& session);
  std::vector<std::shared_ptr<Session>> sessions() const;

  mutable std::mutex changing_;  // guards settings_
  std::shared_ptr<const Settings> settings_;
  Observer& observer_;
  const std::shared_ptr<Desk> desk_ = std::make_shared<Desk>();
  const std::shared_ptr<Login> login_;
  const std::shared_ptr<Budget> memory_, gop_memory_;
  LimitCounts limits_;
  Moderator moderator_;
  const std::string route_id_ = make_route_id();
  const rtmp::ConnectAnswer connect_answer_;
  const std::unique_ptr<Forwards> forwards_;
  const std::unique_ptr<Pulls> pulls_;
  Hub hub_;
  std::map<net::Worker*, Room> rooms_;
  std::atomic<bool> sampling_ = false;
  HttpDoor http_door_;
  net::Workers workers_;
  std::mutex listening_;  // guards listener_
  std::unique_ptr<net::Listener> listener_;
  std::atomic<std::uint16_t> port_ = 0;
  std::atomic<std::uint64_t> next_id_ = 1;
  const rtmp::Time since_;

  mutable std::mutex mutex_;  // guards what follows
  bool open_ = false;         // new connections are welcome
  std::string addresses_;
  std::size_t waiting_ = 0;  // connections that are not in sessions_ yet
  std::size_t http_clients_ = 0;
  std::condition_variable gone_;  // a session, or a reader
  std::unordered_map<net::ProxyReader*, std::shared_ptr<net::ProxyReader>> readers_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Session>> sessions_;
  std::unordered_map<std::string, Host> hosts_;
  std::uint64_t accepted_ = 0, refused_ = 0;
  // Of the sessions that are gone:
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0, frames_dropped_ = 0;
};

}  // namespace relay
