// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/attempt.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/proxy_dialogue.h"
#include "net/tunnel_client.h"
#include "rtmp/control.h"
#include "rtmp/stream_headers.h"

namespace net {
namespace {

using rtmp::Error;
using rtmp::Result;
using Event = rtmp::ClientSession::Event;

// Messages leave the outbox while the connection has less than this to write, so that the outbox's
// bounds mean something.
constexpr std::size_t output_limit = 256 * 1024;
constexpr auto tcp_info_interval = std::chrono::milliseconds(100);
// What the system keeps of a publisher's stream beyond what is on its way: more of it would hide
// from the outbox that the network is slow.
constexpr int not_sent_limit = 128 * 1024;
constexpr auto second = std::chrono::seconds(1);
// A server that leaves so soon after it accepted a name did not mean it: some check the name later.
constexpr auto probation = std::chrono::seconds(2);

}  // namespace

Attempt::Attempt(Worker& worker, Client::Settings settings, Owner& owner)
    : worker_(worker),
      settings_(std::move(settings)),
      texts_(settings_),
      owner_(&owner),
      socket_(worker.context()),
      timer_(worker.context()) {}

// --- to the server

void Attempt::start() {
  if (ended_) return;
  if (settings_.tls) {
    std::string error;
    tls_ = TlsContext::client(settings_.tls_settings, error);
    if (!tls_) {
      end(texts_.settings(error));
      return;
    }
  }
  connect();
}

void Attempt::connect() {
  connect_error_ = {};
  if (settings_.connect_timeout > rtmp::Duration::zero())
    connect_by_ = now() + settings_.connect_timeout;
  set_timer(connect_by_);
  if (!settings_.find_proxy || settings_.proxy || is_loopback(settings_.host)) {
    look_up();
  } else {
    find_proxy();
  }
}

void Attempt::find_proxy() {
  proxy_search_.emplace(worker_, [this](ProxyChoice choice) { on_proxy_found(std::move(choice)); });
  const ProxyTarget target{settings_.host, settings_.port, settings_.tls, settings_.tunnel};
  const error_code no_thread =
      proxy_search_->run([find = settings_.find_proxy, target](const std::stop_token& stop) {
        return find(target, stop);
      });
  if (no_thread) end(texts_.no_proxy(no_thread));
}

void Attempt::on_proxy_found(ProxyChoice choice) {
  const auto self = shared_from_this();
  proxy_search_.reset();
  if (auto* fault = std::get_if<std::string>(&choice)) {
    end(texts_.settings(std::move(*fault)));
    return;
  }
  settings_.proxy = std::get<std::optional<Proxy>>(std::move(choice));
  settings_.find_proxy = {};  // also for the connections that authmod wants
  look_up();
}

void Attempt::look_up() {
  const auto& proxy = settings_.proxy;
  lookup_.emplace(worker_, proxy ? proxy->host : settings_.host,
                  proxy ? proxy->port : settings_.port,
                  [this](error_code error, Lookup::Endpoints endpoints) {
                    on_found(error, std::move(endpoints));
                  });
}

void Attempt::on_found(error_code error, Lookup::Endpoints endpoints) {
  const auto self = shared_from_this();
  lookup_.reset();
  if (error || endpoints.empty()) {
    end(texts_.not_found(error));
    return;
  }
  endpoints_ = std::move(endpoints);
  connect_next();
}

// Addresses share the time that is left: one that does not answer leaves the others theirs.
void Attempt::connect_next() {
  if (endpoints_.empty()) {
    end(texts_.not_connected(connect_error_));
    return;
  }
  const auto endpoint = endpoints_.front();
  if (connect_by_ != rtmp::never)
    set_timer(now() + (connect_by_ - now()) / static_cast<int>(endpoints_.size()));
  endpoints_.erase(endpoints_.begin());
  socket_ = Socket(worker_.context());
  socket_.async_connect(endpoint, [self = shared_from_this()](const error_code& error) {
    if (!self->ended_ && !self->cancelled_) self->on_connected(error);
  });
}

void Attempt::on_connected(error_code error) {
  timer_.cancel();
  if (error) {
    const bool in_time = error != boost::asio::error::operation_aborted;
    connect_error_ = in_time ? error : error_code(Error::connect_timeout);
    connect_next();
    return;
  }
  if (leads_by_connect()) return ask_proxy();
  run();
}

// But for HTTP requests in the clear, which an HTTP proxy passes on.
bool Attempt::leads_by_connect() const {
  if (!settings_.proxy) return false;
  return settings_.proxy->kind != Proxy::Kind::http || !settings_.tunnel || settings_.tls;
}

void Attempt::ask_proxy() {
  asking_proxy_ = true;
  set_timer(connect_by_);
  net::ask_proxy(socket_, *settings_.proxy, settings_.host, settings_.port,
                 [self = shared_from_this()](const ProxyFault& fault) {
                   if (!self->ended_ && !self->cancelled_) self->on_asked(fault);
                 });
}

void Attempt::on_asked(const ProxyFault& fault) {
  asking_proxy_ = false;
  timer_.cancel();
  if (fault.kind != ProxyFault::Kind::none) {
    end(texts_.not_led(fault));
    return;
  }
  run();
}

void Attempt::set_timer(rtmp::Time time) {
  if (time == rtmp::never) return;
  timer_.expires_at(time);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error && !self->ended_ && self->timer_.expiry() <= now()) self->on_connect_timeout();
  });
}

void Attempt::on_connect_timeout() {
  if (proxy_search_) {
    proxy_search_.reset();
    end(texts_.no_proxy(Error::connect_timeout));
    return;
  }
  if (lookup_) {
    lookup_.reset();
    end(texts_.not_found(Error::connect_timeout));
    return;
  }
  if (asking_proxy_) {
    end(texts_.not_led({ProxyFault::Kind::broken, Error::connect_timeout}));
    return;
  }
  error_code ignored;
  socket_.cancel(ignored);  // on_connected() goes on
}

void Attempt::run() {
  TcpOptions options;
  options.pacing_bytes_per_second = settings_.pacing_bytes_per_second;
  set_tcp_options(socket_.native_handle(), options);
  close_on_exec(socket_.native_handle());
  if (settings_.session.purpose == rtmp::ClientSession::Purpose::publish)
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &not_sent_limit,
                 sizeof not_sent_limit);
  {
    const std::lock_guard lock(stats_mutex_);
    stats_ = {};
    stats_.peer = peer_name(socket_);
  }
  auto stream = open_stream();
  Driver::Settings settings{settings_.write_timeout, settings_.idle_timeout};
  settings.close_timeout = std::min(settings.close_timeout, settings_.drain_timeout);
  session_.emplace(settings_.session, secure_random());
  driver_ = std::make_shared<Driver>(
      worker_, std::move(stream),
      rtmp::Connection::client(settings_.connection, now(), secure_random()), settings, *this);
  // Another connection may take this one's place before its last call is over.
  driver_->start(std::make_shared<std::pair<std::shared_ptr<Attempt>, std::shared_ptr<Driver>>>(
      shared_from_this(), driver_));
}

std::unique_ptr<ByteStream> Attempt::open_stream() {
  const auto dress = [tls = tls_](Socket socket) {
    return tls ? tls->wrap(std::move(socket)) : make_plain_stream(std::move(socket));
  };
  if (!settings_.tunnel) return dress(std::move(socket_));
  TunnelSettings tunnel = tunnel_settings();
  error_code ignored;
  Way way{socket_.remote_endpoint(ignored),
          {},
          settings_.host,
          settings_.port,
          settings_.connect_timeout};
  if (leads_by_connect()) way.proxy = settings_.proxy;
  tunnel.connect = [dress, way, &worker = worker_](TunnelSettings::Connected connected) {
    go_again(worker, way, [dress, connected](error_code error, Socket socket) {
      connected(error, error ? nullptr : dress(std::move(socket)));
    });
  };
  return open_tunnel(worker_, dress(std::move(socket_)), std::move(tunnel));
}

TunnelSettings Attempt::tunnel_settings() const {
  TunnelSettings tunnel;
  tunnel.authority = place(settings_.host, settings_.port);
  tunnel.request_timeout = settings_.connection.handshake_timeout;
  if (settings_.proxy && !leads_by_connect()) {
    tunnel.prefix = "http://" + tunnel.authority;
    tunnel.proxy_authorization = proxy_authorization(*settings_.proxy);
  }
  return tunnel;
}

// --- the session

void Attempt::on_established() {
  const bool proves = settings_.connection.keep_swf_key;
  session_->start(now(), proves ? driver_->connection().swf_key() : rtmp::swf::Key());
  follow_session();
}

Result<void> Attempt::on_message(rtmp::Message message, rtmp::Time time) {
  const Result<void> received = session_->receive(message, time);
  follow_session();
  return received;
}

void Attempt::follow_session() {
  send_session_output();
  while (driver_->open()) {
    std::optional<Event> event = session_->next_event();
    if (!event) break;
    on_event(std::move(*event));
  }
}

void Attempt::send_session_output() {
  for (const rtmp::Message& message : session_->take_output()) driver_->connection().send(message);
}

void Attempt::on_event(Event event) {
  using namespace rtmp::client_event;
  if (const auto* wanted = std::get_if<AuthenticationWanted>(&event)) {
    authenticate(wanted->query);
    return;
  }
  if (std::holds_alternative<Started>(event)) on_started();
  if (std::holds_alternative<MediaReceived>(event)) carried_ = true;
  if (const auto* refused = std::get_if<Refused>(&event)) {
    give_up(was_started_ ? texts_.stopped(refused->status)
                         : texts_.refused(refused->command, refused->status));
  } else if (const auto* wanted = std::get_if<ReconnectWanted>(&event)) {
    if (!was_started_ && session_->waiting_for().empty())
      give_up(texts_.redirected(wanted->status));
  }
  if (owner_) owner_->on_event(*this, std::move(event));
}

// The session asks for this twice at most.
void Attempt::authenticate(const std::string& query) {
  settings_.session.auth_query = query;
  authenticating_ = true;
  driver_->close(Error::cancelled);
}

void Attempt::on_started() {
  was_started_ = true;
  started_at_ = now();
  next_second_ = started_at_ + second;
}

void Attempt::on_batch_end(rtmp::Time) {
  driver_->reschedule();
  update_stats();
}

rtmp::Time Attempt::deadline() const {
  return std::min({session_->deadline(), finish_by_, next_second_});
}

Result<void> Attempt::tick(rtmp::Time time) {
  if (time >= finish_by_) {
    failure_ = texts_.not_drained();
    return Error::write_timeout;
  }
  if (time >= next_second_) {
    next_second_ = time + second;
    update_stats();
    if (owner_) owner_->on_second(*this, time);
  }
  return session_->tick(time);
}

// --- publishing

bool Attempt::has_room() const { return driver_->connection().output().size() < output_limit; }

void Attempt::send(rtmp::Message message) {
  const std::size_t bytes = message.payload.size();
  const bool frame = rtmp::is_frame(message);
  rtmp::Connection& connection = driver_->connection();
  connection.send(session_->to_send(std::move(message)));
  if (frame) sent_.push_back({connection.stats().bytes_out + connection.output().size(), bytes});
}

void Attempt::flush() {
  driver_->flush();
  update_stats();
}

void Attempt::on_drained() {
  update_stats();
  if (owner_ && started()) owner_->on_room(*this);
}

void Attempt::limit_drain() {
  finish_by_ = now() + settings_.drain_timeout;
  driver_->reschedule();
}

bool Attempt::stop(rtmp::ClientSession::StopCommands commands) {
  if (!driver_->connection().output().empty()) return false;
  stopped_ = true;
  finish_by_ = rtmp::never;
  session_->stop(commands);
  send_session_output();
  driver_->finish({});
  return true;
}

Attempt::Loss Attempt::unsent() const {
  Loss loss;
  loss.frames = sent_.size();
  for (const Sent& frame : sent_) loss.bytes += frame.bytes;
  return loss;
}

// --- wishes

void Attempt::pause(bool pause, double position_ms) {
  if (!started()) return;
  session_->pause(pause, position_ms);
  send_session_output();
  driver_->flush();
}

void Attempt::seek(double position_ms) {
  if (!started()) return;
  session_->seek(position_ms);
  send_session_output();
  driver_->flush();
}

void Attempt::set_chunk_size(std::uint32_t size) {
  settings_.session.chunk_size = size;
  if (!started()) return;
  driver_->connection().send(rtmp::control::write(rtmp::control::SetChunkSize{size}));
  driver_->flush();
}

void Attempt::set_pacing(std::uint64_t bytes_per_second) {
  settings_.pacing_bytes_per_second = bytes_per_second;
  if (driver_ && driver_->open())
    net::set_pacing(driver_->stream().socket().native_handle(), bytes_per_second);
}

// --- ends

void Attempt::cancel() {
  if (ended_ || cancelled_) return;
  cancelled_ = true;
  if (driver_ && driver_->open()) {
    driver_->close(Error::cancelled);
    return;
  }
  end(std::nullopt);
}

void Attempt::abandon() {
  owner_ = nullptr;
  cancel();
}

// deleteStream names the stream by its number: what FCUnpublish would end may be the same name's
// stream on another connection, which has taken over.
void Attempt::retire() {
  owner_ = nullptr;
  if (!started()) return cancel();
  session_->stop({.fc_unpublish = false, .close_stream = false, .delete_stream = true});
  send_session_output();
  driver_->finish({});
}

void Attempt::give_up(Failure failure) {
  failure_ = std::move(failure);
  driver_->close(failure_->code);
}

bool Attempt::was_futile() const {
  return was_started_ && !carried_ && now() < started_at_ + probation;
}

// What the peer took up to its end.
void Attempt::on_closing() { update_stats(); }

void Attempt::on_closed(error_code error) {
  if (cancelled_) {
    end(std::nullopt);
  } else if (std::exchange(authenticating_, false)) {
    session_.reset();
    driver_.reset();
    connect();
  } else if (failure_) {
    end(std::move(failure_));
  } else if (stopped_) {
    const bool all = driver_->connection().output().empty();
    end(all ? std::nullopt : std::optional(texts_.not_drained()));
  } else {
    end(failure_of(error));
  }
}

Failure Attempt::failure_of(error_code error) const {
  if (!driver_->connection().established()) return failure_to_connect(error);
  const std::string_view command = session_->waiting_for();
  if (!command.empty()) return texts_.not_answered(std::string(command), error);
  const bool publish = settings_.session.purpose == rtmp::ClientSession::Purpose::publish;
  if (now() < started_at_ + probation)
    return texts_.broken_at_once(publish ? "publish" : "play", error);
  return texts_.broken(error);
}

Failure Attempt::failure_to_connect(error_code error) const {
  const std::string fault = driver_->stream().fault();
  if (fault.empty()) return texts_.no_handshake(error);
  return settings_.tunnel ? texts_.no_tunnel(error, fault) : texts_.no_tls(error, fault);
}

void Attempt::end(std::optional<Failure> failure) {
  if (std::exchange(ended_, true)) return;
  proxy_search_.reset();
  lookup_.reset();
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  if (owner_) owner_->on_closed(*this, std::move(failure));
}

// --- statistics

Client::Stats Attempt::stats() const {
  const std::lock_guard lock(stats_mutex_);
  return stats_;
}

void Attempt::update_stats() {
  const std::lock_guard lock(stats_mutex_);
  stats_.connection = driver_->connection().stats();
  stats_.output_bytes = driver_->connection().output().size();
  read_taken_bytes(stats_);
  if (now() >= tcp_info_read_ + tcp_info_interval) read_tcp_info(stats_);
}

void Attempt::read_taken_bytes(Client::Stats& stats) {
  int waiting = 0;
  if (::ioctl(driver_->stream().socket().native_handle(), SIOCOUTQ, &waiting) != 0) return;
  // With TLS more waits than was given to it.
  const auto taken = static_cast<std::int64_t>(stats.connection.bytes_out) - waiting;
  stats.taken_bytes = std::max<std::int64_t>(taken, static_cast<std::int64_t>(stats.taken_bytes));
  forget_taken(stats.taken_bytes);
}

void Attempt::forget_taken(std::uint64_t taken_bytes) {
  while (!sent_.empty() && sent_.front().end <= taken_bytes) {
    sent_.pop_front();
    carried_ = true;
  }
}

void Attempt::read_tcp_info(Client::Stats& stats) {
  tcp_info_read_ = now();
  if (!driver_->open()) return;
  const TcpFigures figures = tcp_figures(driver_->stream().socket().native_handle());
  stats.round_trip_us = figures.round_trip_us;
  stats.retransmits = figures.retransmits;
}

}  // namespace net
