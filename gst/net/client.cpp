// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/client.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <future>

#include "net/failure.h"
#include "net/lookup.h"
#include "rtmp/control.h"

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

// All but the functions for other threads run on the worker's.
class Client::Attempt final : public Driver::Handler, public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Worker& worker, Settings settings, MessageQueue* outbox, Observer& observer);

  // From any thread.
  template <typename Function>
  void post(Function function) {
    boost::asio::post(worker_.context(),
                      [self = shared_from_this(), function] { function(*self); });
  }
  void wake();
  Stats stats() const;

  void start();
  void finish(rtmp::ClientSession::StopCommands commands);
  void cancel();
  void pause(bool pause, double position_ms);
  void seek(double position_ms);
  void set_chunk_size(std::uint32_t size);
  void set_pacing(std::uint64_t bytes_per_second);
  // Cancels, and forgets the observer and the outbox, which may go then.
  void detach();

  void on_established() override;
  Result<void> on_message(rtmp::Message message, rtmp::Time time) override;
  void on_batch_end() override;
  void on_drained() override;
  rtmp::Time deadline() const override;
  Result<void> tick(rtmp::Time time) override;
  void on_closed(error_code error) override;

 private:
  void connect();
  void on_found(error_code error, Lookup::Endpoints endpoints);
  void connect_next();
  void on_connected(error_code error);
  void on_connect_timeout();
  void set_timer(rtmp::Time time);
  void run();

  void follow_session();
  void on_event(Event event);
  void authenticate(const std::string& query);
  void on_started();
  void send_session_output();
  void drain();
  void stop_if_drained();

  bool started() const { return session_ && session_->started() && driver_->open(); }
  void give_up(Failure failure);
  Failure failure_of(error_code error) const;
  void end(std::optional<Failure> failure);
  void update_stats();
  void read_taken_bytes(Stats& stats);
  void read_tcp_info(Stats& stats);

  Worker& worker_;
  Settings settings_;
  const FailureTexts texts_;
  MessageQueue* outbox_;
  Observer* observer_;

  std::shared_ptr<TlsContext> tls_;
  rtmp::Time connect_by_ = rtmp::never;  // with the lookup
  std::optional<Lookup> lookup_;
  Lookup::Endpoints endpoints_;  // not yet tried
  error_code connect_error_;     // of the last one that was
  Socket socket_;                // until it is connected
  boost::asio::steady_timer timer_;

  std::optional<rtmp::ClientSession> session_;
  std::shared_ptr<Driver> driver_;
  bool was_started_ = false;
  rtmp::Time started_at_ = {};
  rtmp::Time next_second_ = rtmp::never;
  std::optional<rtmp::ClientSession::StopCommands> finishing_;
  rtmp::Time finish_by_ = rtmp::never;
  bool stopped_ = false;  // the stop commands are sent
  bool cancelled_ = false;
  bool reconnecting_ = false;       // for authmod
  std::optional<Failure> failure_;  // why we closed
  bool ended_ = false;

  std::atomic<bool> wake_posted_ = false;
  rtmp::Time tcp_info_read_ = {};
  mutable std::mutex stats_mutex_;  // guards stats_
  Stats stats_;
};

Client::Attempt::Attempt(Worker& worker, Settings settings, MessageQueue* outbox,
                         Observer& observer)
    : worker_(worker),
      settings_(std::move(settings)),
      texts_(settings_),
      outbox_(outbox),
      observer_(&observer),
      socket_(worker.context()),
      timer_(worker.context()) {}

// --- to the server

void Client::Attempt::start() {
  if (ended_) return;
  if (outbox_)
    outbox_->set_wake([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->wake();
    });
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

void Client::Attempt::connect() {
  connect_error_ = {};
  if (settings_.connect_timeout > rtmp::Duration::zero())
    connect_by_ = now() + settings_.connect_timeout;
  set_timer(connect_by_);
  lookup_.emplace(worker_, settings_.host, settings_.port,
                  [this](error_code error, Lookup::Endpoints endpoints) {
                    on_found(error, std::move(endpoints));
                  });
}

void Client::Attempt::on_found(error_code error, Lookup::Endpoints endpoints) {
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
void Client::Attempt::connect_next() {
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

void Client::Attempt::on_connected(error_code error) {
  timer_.cancel();
  if (error) {
    const bool in_time = error != boost::asio::error::operation_aborted;
    connect_error_ = in_time ? error : error_code(Error::connect_timeout);
    connect_next();
    return;
  }
  run();
}

void Client::Attempt::set_timer(rtmp::Time time) {
  if (time == rtmp::never) return;
  timer_.expires_at(time);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error && !self->ended_ && self->timer_.expiry() <= now()) self->on_connect_timeout();
  });
}

void Client::Attempt::on_connect_timeout() {
  if (lookup_) {
    lookup_.reset();
    end(texts_.not_found(Error::connect_timeout));
    return;
  }
  error_code ignored;
  socket_.cancel(ignored);  // on_connected() goes on
}

void Client::Attempt::run() {
  TcpOptions options;
  options.pacing_bytes_per_second = settings_.pacing_bytes_per_second;
  set_tcp_options(socket_.native_handle(), options);
  if (settings_.session.purpose == rtmp::ClientSession::Purpose::publish)
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &not_sent_limit,
                 sizeof not_sent_limit);
  {
    const std::lock_guard lock(stats_mutex_);
    stats_ = {};
    stats_.peer = peer_name(socket_);
  }
  auto stream = tls_ ? tls_->wrap(std::move(socket_)) : make_plain_stream(std::move(socket_));
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

// --- the session

void Client::Attempt::on_established() {
  session_->start(now());
  follow_session();
}

Result<void> Client::Attempt::on_message(rtmp::Message message, rtmp::Time time) {
  const Result<void> received = session_->receive(message, time);
  follow_session();
  return received;
}

void Client::Attempt::follow_session() {
  send_session_output();
  while (driver_->open()) {
    std::optional<Event> event = session_->next_event();
    if (!event) break;
    on_event(std::move(*event));
  }
}

void Client::Attempt::send_session_output() {
  for (const rtmp::Message& message : session_->take_output()) driver_->connection().send(message);
}

void Client::Attempt::on_event(Event event) {
  using namespace rtmp::client_event;
  if (const auto* wanted = std::get_if<AuthenticationWanted>(&event)) {
    authenticate(wanted->query);
    return;
  }
  if (std::holds_alternative<Started>(event)) on_started();
  if (const auto* refused = std::get_if<Refused>(&event)) {
    give_up(was_started_ ? texts_.stopped(refused->status)
                         : texts_.refused(refused->command, refused->status));
  } else if (const auto* wanted = std::get_if<ReconnectWanted>(&event)) {
    if (!was_started_ && session_->waiting_for().empty())
      give_up(texts_.redirected(wanted->status));
  }
  if (observer_) observer_->on_event(std::move(event));
}

// The session asks for this twice at most.
void Client::Attempt::authenticate(const std::string& query) {
  settings_.session.auth_query = query;
  reconnecting_ = true;
  driver_->close(Error::cancelled);
}

void Client::Attempt::on_started() {
  was_started_ = true;
  started_at_ = now();
  next_second_ = started_at_ + second;
  if (finishing_) finish_by_ = now() + settings_.drain_timeout;
  wake();
}

void Client::Attempt::on_batch_end() {
  driver_->reschedule();
  update_stats();
}

rtmp::Time Client::Attempt::deadline() const {
  return std::min({session_->deadline(), finish_by_, next_second_});
}

Result<void> Client::Attempt::tick(rtmp::Time time) {
  if (time >= finish_by_) {
    failure_ = texts_.not_drained();
    return Error::write_timeout;
  }
  if (time >= next_second_) {
    next_second_ = time + second;
    update_stats();
    if (observer_) observer_->on_second(time);
  }
  return session_->tick(time);
}

// --- publishing

void Client::Attempt::wake() {
  if (wake_posted_.exchange(true)) return;
  post([](Attempt& self) {
    self.wake_posted_ = false;
    self.drain();
  });
}

void Client::Attempt::drain() {
  if (!started()) return;
  bool sent = false;
  while (outbox_ && driver_->connection().output().size() < output_limit) {
    std::optional<rtmp::Message> message = outbox_->try_pop();
    if (!message) break;
    driver_->connection().send(session_->to_send(std::move(*message)));
    sent = true;
  }
  if (sent) driver_->flush();
  stop_if_drained();
  update_stats();
}

// The next part goes by way of the worker's queue, so that its other connections, and what the peer
// says, have their turn.
void Client::Attempt::on_drained() {
  update_stats();
  if (!started()) return;
  if (outbox_ && outbox_->level().messages > 0) {
    wake();
  } else {
    stop_if_drained();
  }
}

void Client::Attempt::stop_if_drained() {
  if (!finishing_ || !started()) return;
  if (outbox_ && outbox_->level().messages > 0) return;
  if (!driver_->connection().output().empty()) return;
  stopped_ = true;
  finish_by_ = rtmp::never;
  session_->stop(*finishing_);
  send_session_output();
  driver_->finish({});
}

void Client::Attempt::finish(rtmp::ClientSession::StopCommands commands) {
  if (ended_ || finishing_) return;
  finishing_ = commands;
  if (started()) {
    finish_by_ = now() + settings_.drain_timeout;
    driver_->reschedule();
    drain();
  } else if (!outbox_ || outbox_->level().messages == 0) {
    cancel();
  }
}

// --- wishes

void Client::Attempt::pause(bool pause, double position_ms) {
  if (!started()) return;
  session_->pause(pause, position_ms);
  send_session_output();
  driver_->flush();
}

void Client::Attempt::seek(double position_ms) {
  if (!started()) return;
  session_->seek(position_ms);
  send_session_output();
  driver_->flush();
}

void Client::Attempt::set_chunk_size(std::uint32_t size) {
  settings_.session.chunk_size = size;
  if (!started()) return;
  driver_->connection().send(rtmp::control::write(rtmp::control::SetChunkSize{size}));
  driver_->flush();
}

void Client::Attempt::set_pacing(std::uint64_t bytes_per_second) {
  settings_.pacing_bytes_per_second = bytes_per_second;
  if (driver_ && driver_->open())
    net::set_pacing(driver_->stream().socket().native_handle(), bytes_per_second);
}

// --- ends

void Client::Attempt::cancel() {
  if (ended_ || cancelled_) return;
  cancelled_ = true;
  if (driver_ && driver_->open()) {
    driver_->close(Error::cancelled);
    return;
  }
  end(std::nullopt);
}

void Client::Attempt::detach() {
  observer_ = nullptr;
  if (outbox_) outbox_->set_wake({});
  outbox_ = nullptr;
  cancel();
}

void Client::Attempt::give_up(Failure failure) {
  failure_ = std::move(failure);
  driver_->close(failure_->code);
}

void Client::Attempt::on_closed(error_code error) {
  update_stats();
  if (cancelled_) {
    end(std::nullopt);
  } else if (std::exchange(reconnecting_, false)) {
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

Failure Client::Attempt::failure_of(error_code error) const {
  if (!driver_->connection().established()) {
    const std::string fault = driver_->stream().fault();
    return fault.empty() ? texts_.no_handshake(error) : texts_.no_tls(error, fault);
  }
  const std::string_view command = session_->waiting_for();
  if (!command.empty()) return texts_.not_answered(std::string(command), error);
  const bool publish = settings_.session.purpose == rtmp::ClientSession::Purpose::publish;
  if (now() < started_at_ + probation)
    return texts_.broken_at_once(publish ? "publish" : "play", error);
  return texts_.broken(error);
}

void Client::Attempt::end(std::optional<Failure> failure) {
  if (std::exchange(ended_, true)) return;
  lookup_.reset();
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  if (outbox_) outbox_->set_wake({});
  if (observer_) observer_->on_closed(std::move(failure));
}

// --- statistics

Client::Stats Client::Attempt::stats() const {
  const std::lock_guard lock(stats_mutex_);
  return stats_;
}

void Client::Attempt::update_stats() {
  const std::lock_guard lock(stats_mutex_);
  stats_.connection = driver_->connection().stats();
  stats_.output_bytes = driver_->connection().output().size();
  read_taken_bytes(stats_);
  if (now() >= tcp_info_read_ + tcp_info_interval) read_tcp_info(stats_);
}

void Client::Attempt::read_taken_bytes(Stats& stats) {
  int waiting = 0;
  if (!driver_->open() ||
      ::ioctl(driver_->stream().socket().native_handle(), SIOCOUTQ, &waiting) != 0)
    return;
  // With TLS more waits than was given to it.
  const auto taken = static_cast<std::int64_t>(stats.connection.bytes_out) - waiting;
  stats.taken_bytes = std::max<std::int64_t>(taken, static_cast<std::int64_t>(stats.taken_bytes));
}

void Client::Attempt::read_tcp_info(Stats& stats) {
  tcp_info_read_ = now();
  if (!driver_->open()) return;
  tcp_info info = {};
  socklen_t size = sizeof info;
  if (::getsockopt(driver_->stream().socket().native_handle(), IPPROTO_TCP, TCP_INFO, &info,
                   &size) != 0)
    return;
  stats.round_trip_us = info.tcpi_rtt;
  stats.retransmits = info.tcpi_total_retrans;
}

// --- from any thread

Client::Client(Worker& worker, Settings settings, MessageQueue* outbox, Observer& observer)
    : attempt_(std::make_shared<Attempt>(worker, std::move(settings), outbox, observer)) {}

Client::~Client() {
  // The worker never blocks, so this does not take long.
  std::promise<void> detached;
  attempt_->post([&detached](Attempt& attempt) {
    attempt.detach();
    detached.set_value();
  });
  detached.get_future().wait();
}

void Client::start() {
  attempt_->post([](Attempt& attempt) { attempt.start(); });
}

void Client::finish(rtmp::ClientSession::StopCommands commands) {
  attempt_->post([commands](Attempt& attempt) { attempt.finish(commands); });
}

void Client::cancel() {
  attempt_->post([](Attempt& attempt) { attempt.cancel(); });
}

void Client::pause(bool pause, double position_ms) {
  attempt_->post([=](Attempt& attempt) { attempt.pause(pause, position_ms); });
}

void Client::seek(double position_ms) {
  attempt_->post([=](Attempt& attempt) { attempt.seek(position_ms); });
}

void Client::set_chunk_size(std::uint32_t size) {
  attempt_->post([=](Attempt& attempt) { attempt.set_chunk_size(size); });
}

void Client::set_pacing(std::uint64_t bytes_per_second) {
  attempt_->post([=](Attempt& attempt) { attempt.set_pacing(bytes_per_second); });
}

Client::Stats Client::stats() const { return attempt_->stats(); }

}  // namespace net
