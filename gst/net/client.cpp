// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/client.h"

#include <boost/asio/post.hpp>
#include <future>

#include "net/attempt.h"
#include "rtmp/resumption.h"
#include "rtmp/url.h"

namespace net {
namespace {

using rtmp::Error;
using Event = rtmp::ClientSession::Event;
using namespace rtmp::client_event;

// A lost connection that is to be finished has that long to come back for what waits.
constexpr auto last_chance = std::chrono::seconds(3);

// A server that accepts a stream and leaves at once, so many times in a row, refuses it: some check
// the name late, and say nothing.
constexpr unsigned max_futile = 3;

// What a server may send before the first frame, without being taken for the stream already.
constexpr std::size_t max_next_events = 64;

// Where a server sends us. Nothing if we cannot go there: not a location of RTMP, or one with less
// encryption than the stream has.
bool redirect(Client::Settings& settings, const std::string& reference) {
  const std::string tc_url = resolve_tc_url(settings.session.tc_url, reference);
  const auto parsed = rtmp::parse_url(tc_url + "/stream");
  const auto* url = std::get_if<rtmp::Url>(&parsed);
  if (!url || url->host.empty() || url->app.empty()) return false;
  using rtmp::Scheme;
  const bool encrypted = url->scheme == Scheme::rtmpe;
  if (!encrypted && url->scheme != Scheme::rtmp && url->scheme != Scheme::rtmps) return false;
  const bool tls = rtmp::uses_tls(url->scheme);
  if (settings.tls && !tls) return false;
  using Kind = rtmp::ClientHandshake::Kind;
  if (settings.connection.handshake == Kind::encrypted && !encrypted && !tls) return false;
  if (encrypted || settings.connection.handshake == Kind::encrypted)
    settings.connection.handshake = encrypted ? Kind::encrypted : Kind::simple;
  if (url->host != settings.host) settings.session.credentials = {};  // they are for that host
  settings.host = settings.tls_settings.host = url->host;
  settings.port = url->port;
  settings.tls = tls;
  settings.session.app = url->app;
  settings.session.tc_url = tc_url;
  return true;
}

}  // namespace

// The stream over all its connections. All but the functions for other threads run on the worker's.
class Client::Core final : public Attempt::Owner, public std::enable_shared_from_this<Core> {
 public:
  Core(Worker& worker, Settings settings, MessageQueue* outbox, Observer& observer)
      : worker_(worker),
        home_(std::move(settings)),
        settings_(home_),
        policy_(home_.reconnect),
        outbox_(outbox),
        observer_(&observer),
        retry_timer_(worker.context()),
        finish_timer_(worker.context()) {}

  // From any thread.
  template <typename Function>
  void post(Function function) {
    boost::asio::post(worker_.context(),
                      [self = shared_from_this(), function] { function(*self); });
  }
  void wake();
  Stats stats() const;
  bool on_its_thread() const { return worker_.is_current(); }

  void start();
  void finish(rtmp::ClientSession::StopCommands commands);
  void cancel();
  void pause(bool pause, double position_ms);
  void seek(double position_ms);
  void set_chunk_size(std::uint32_t size);
  void set_pacing(std::uint64_t bytes_per_second);
  void set_reconnect(const ReconnectPolicy::Settings& settings) { policy_.set(settings); }
  // Cancels, and forgets the observer and the outbox, which may go then.
  void detach();

  void on_event(Attempt& attempt, Event event) override;
  void on_room(Attempt& attempt) override;
  void on_second(Attempt& attempt, rtmp::Time time) override;
  void on_closed(Attempt& attempt, std::optional<Failure> failure) override;

 private:
  void connect();
  std::shared_ptr<Attempt> begin_attempt();
  void on_started();
  void lose(const Attempt& attempt, const Failure& failure);
  bool heals(const Failure& failure);
  void retry(const Failure& failure);
  void wait(boost::asio::steady_timer& timer, rtmp::Duration delay, void (Core::*then)());

  void on_move_wanted(Attempt& attempt, const ReconnectWanted& wanted);
  void begin_move();
  void on_next_event(Event event);
  void tell_next_events();
  void on_next_closed(const Failure& failure);
  void move();

  void drain();
  void publish(rtmp::Message message);
  void stop_if_drained();
  void give_up_finishing();
  void lose_outbox();
  void count_lost(std::uint64_t frames, std::uint64_t bytes);
  void end(std::optional<Failure> failure);

  bool started() const { return current_ && current_->started(); }
  bool outbox_empty() const { return !outbox_ || outbox_->level().messages == 0; }
  void show(const std::shared_ptr<Attempt>& attempt);

  Worker& worker_;
  Settings home_;
  Settings settings_;  // as home_, or of where a server sent us
  ReconnectPolicy policy_;
  MessageQueue* outbox_;
  Observer* observer_;

  std::shared_ptr<Attempt> current_;
  // Where a server sends us: takes the current one's place once the stream can go on there.
  std::shared_ptr<Attempt> next_;
  std::vector<Event> next_events_;  // of its start, and what comes before its first frame
  bool was_started_ = false;        // at some time
  unsigned futile_ = 0;             // connections in a row
  bool after_loss_ = false;         // the next start is a reconnection
  rtmp::Resumption resumption_;
  boost::asio::steady_timer retry_timer_;

  std::optional<rtmp::ClientSession::StopCommands> finishing_;
  boost::asio::steady_timer finish_timer_;
  bool ended_ = false;

  std::atomic<bool> wake_posted_ = false;
  mutable std::mutex stats_mutex_;  // guards what follows
  std::shared_ptr<const Attempt> shown_;
  Losses losses_;
  std::optional<rtmp::Time> lost_at_;
};

// --- connections

void Client::Core::start() {
  if (ended_) return;
  if (outbox_)
    outbox_->set_wake([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->wake();
    });
  connect();
}

void Client::Core::connect() {
  if (current_) return;
  current_ = begin_attempt();
  show(current_);
  const auto attempt = current_;  // it may end at once
  attempt->start();
}

std::shared_ptr<Attempt> Client::Core::begin_attempt() {
  Settings settings = settings_;
  if (was_started_) observer_->prepare(settings.session);
  return std::make_shared<Attempt>(worker_, std::move(settings), *this);
}

void Client::Core::show(const std::shared_ptr<Attempt>& attempt) {
  const std::lock_guard lock(stats_mutex_);
  shown_ = attempt;
}

void Client::Core::on_event(Attempt& attempt, Event event) {
  if (&attempt == next_.get()) return on_next_event(std::move(event));
  if (std::holds_alternative<Started>(event)) on_started();
  const auto* wanted = std::get_if<ReconnectWanted>(&event);
  const auto move = wanted ? std::optional(*wanted) : std::nullopt;
  if (observer_) observer_->on_event(std::move(event));
  if (move && observer_) on_move_wanted(attempt, *move);
}

void Client::Core::on_started() {
  policy_.on_started(now());
  was_started_ = true;
  if (finishing_) {
    finish_timer_.cancel();
    current_->limit_drain();
  }
  {
    const std::lock_guard lock(stats_mutex_);
    if (lost_at_) losses_.time += now() - *std::exchange(lost_at_, std::nullopt);
    if (after_loss_) ++losses_.reconnects;
  }
  if (std::exchange(after_loss_, false) && outbox_) observer_->on_key_frame_wanted();
  wake();
}

void Client::Core::on_second(Attempt& attempt, rtmp::Time time) {
  if (&attempt == current_.get()) observer_->on_second(time);
}

void Client::Core::on_closed(Attempt& attempt, std::optional<Failure> failure) {
  if (&attempt == next_.get()) {
    if (failure) on_next_closed(*failure);
    return;
  }
  // The end of a connection that another follows is no news, whatever its reason: at one server the
  // new one may have taken the name over.
  if (attempt.was_started()) futile_ = attempt.was_futile() ? futile_ + 1 : 0;
  if (!failure || (!next_ && !heals(*failure))) return end(std::move(failure));
  const auto closed = std::exchange(current_, nullptr);
  if (closed->was_started()) {
    lose(*closed, *failure);
  } else {
    settings_ = home_;  // where a server had sent us nobody is
  }
  if (finishing_ && outbox_empty()) return end(std::nullopt);
  if (!next_) return retry(*failure);
  current_ = std::exchange(next_, nullptr);
  show(current_);
  if (!next_events_.empty()) {
    on_started();
    tell_next_events();
  }
}

bool Client::Core::heals(const Failure& failure) {
  const bool drained_in_time = !finishing_ || failure.code != Error::write_timeout;
  const bool may_retry = was_started_ ? policy_.enabled() : policy_.from_start();
  return may_retry && futile_ < max_futile && !is_final(failure) && drained_in_time &&
         observer_->wants_more();
}

void Client::Core::lose(const Attempt& attempt, const Failure& failure) {
  after_loss_ = true;
  resumption_.begin();
  const Attempt::Loss unsent = attempt.unsent();
  count_lost(unsent.frames, unsent.bytes);
  {
    const std::lock_guard lock(stats_mutex_);
    lost_at_ = now();
  }
  if (finishing_) wait(finish_timer_, last_chance, &Core::give_up_finishing);
  observer_->on_lost(failure);
}

void Client::Core::retry(const Failure& failure) {
  const auto delay = policy_.next_delay(now(), secure_random());
  if (!delay) return end(failure);
  observer_->on_reconnecting({policy_.attempts(), *delay, failure.text});
  wait(retry_timer_, *delay, &Core::connect);
}

void Client::Core::wait(boost::asio::steady_timer& timer, rtmp::Duration delay,
                        void (Core::*then)()) {
  timer.expires_after(delay);
  timer.async_wait([self = shared_from_this(), then](const error_code& error) {
    if (!error && !self->ended_) ((*self).*then)();
  });
}

// --- where a server sends us

void Client::Core::on_move_wanted(Attempt& attempt, const ReconnectWanted& wanted) {
  if (ended_ || finishing_ || next_ || !observer_->wants_more()) return;
  Settings settings = settings_;
  if (!policy_.may_move(now()) || !redirect(settings, wanted.tc_url)) return;
  settings_ = std::move(settings);
  observer_->on_reconnecting(
      {1, {}, "The server asks to go on at " + settings_.session.tc_url + "."});
  if (attempt.started()) return begin_move();
  const auto refusing = std::exchange(current_, nullptr);
  refusing->abandon();
  connect();
}

void Client::Core::begin_move() {
  if (next_ || !started()) return connect();
  next_ = begin_attempt();
  const auto attempt = next_;
  attempt->start();
}

// What it plays goes on with its first frame; what is published, with a key frame.
void Client::Core::on_next_event(Event event) {
  const auto* media = std::get_if<MediaReceived>(&event);
  if (!media && !std::holds_alternative<Started>(event)) return;
  const bool goes_on =
      media && (rtmp::is_frame(media->message) || next_events_.size() >= max_next_events);
  next_events_.push_back(std::move(event));
  if (goes_on) {
    move();
  } else if (!media && outbox_) {
    observer_->on_key_frame_wanted();
  }
}

void Client::Core::tell_next_events() {
  for (Event& event : std::exchange(next_events_, {})) observer_->on_event(std::move(event));
}

// The server that wants us to go may think that the name is taken, by ourselves. Anything else
// leaves time for another attempt.
void Client::Core::on_next_closed(const Failure& failure) {
  next_.reset();
  next_events_.clear();
  if (outbox_ && failure.code == Error::refused) {
    lose(*current_, failure);
    std::exchange(current_, nullptr)->retire();
    return retry(failure);
  }
  const auto delay = policy_.next_delay(now(), secure_random());
  if (delay) wait(retry_timer_, *delay, &Core::begin_move);
}

void Client::Core::move() {
  std::exchange(current_, std::exchange(next_, nullptr))->retire();
  show(current_);
  {
    const std::lock_guard lock(stats_mutex_);
    ++losses_.reconnects;
  }
  resumption_.begin();
  policy_.on_started(now());
  tell_next_events();
}

// --- publishing

void Client::Core::wake() {
  if (wake_posted_.exchange(true)) return;
  post([](Core& self) {
    self.wake_posted_ = false;
    self.drain();
  });
}

void Client::Core::drain() {
  if (!outbox_ || !started()) return;
  while (started() && current_->has_room()) {
    std::optional<rtmp::Message> message = outbox_->try_pop();
    if (!message) break;
    publish(std::move(*message));
  }
  if (started()) current_->flush();
  stop_if_drained();
}

void Client::Core::publish(rtmp::Message message) {
  if (next_ && next_->started() && resumption_.may_begin_with(message)) move();
  const bool resumes = resumption_.waiting();
  const auto verdict = resumption_.judge(message);
  if (verdict == rtmp::Resumption::Verdict::lose) count_lost(1, message.payload.size());
  if (verdict != rtmp::Resumption::Verdict::send) return;
  if (resumes)
    for (rtmp::Message& header : resumption_.headers(message.timestamp))
      current_->send(std::move(header));
  current_->send(std::move(message));
}

// The next part goes by way of the worker's queue, so that its other connections, and what the peer
// says, have their turn.
void Client::Core::on_room(Attempt& attempt) {
  if (&attempt != current_.get() || !outbox_) return;
  if (outbox_empty()) {
    stop_if_drained();
  } else {
    wake();
  }
}

void Client::Core::stop_if_drained() {
  if (finishing_ && started() && outbox_empty()) current_->stop(*finishing_);
}

void Client::Core::finish(rtmp::ClientSession::StopCommands commands) {
  if (ended_ || finishing_) return;
  finishing_ = commands;
  if (started()) {
    current_->limit_drain();
    drain();
  } else if (outbox_empty()) {
    cancel();
  } else if (after_loss_ || policy_.from_start()) {
    wait(finish_timer_, last_chance, &Core::give_up_finishing);
  }
}

void Client::Core::give_up_finishing() {
  if (started()) return;
  cancel();
}

void Client::Core::lose_outbox() {
  std::uint64_t frames = 0, bytes = 0;
  while (auto message = outbox_->try_pop()) {
    if (!rtmp::is_frame(*message)) continue;
    ++frames;
    bytes += message->payload.size();
  }
  count_lost(frames, bytes);
}

void Client::Core::count_lost(std::uint64_t frames, std::uint64_t bytes) {
  const std::lock_guard lock(stats_mutex_);
  losses_.frames += frames;
  losses_.bytes += bytes;
}

// --- wishes

void Client::Core::pause(bool pause, double position_ms) {
  if (current_) current_->pause(pause, position_ms);
}

void Client::Core::seek(double position_ms) {
  if (current_) current_->seek(position_ms);
}

void Client::Core::set_chunk_size(std::uint32_t size) {
  home_.session.chunk_size = settings_.session.chunk_size = size;
  if (current_) current_->set_chunk_size(size);
}

void Client::Core::set_pacing(std::uint64_t bytes_per_second) {
  home_.pacing_bytes_per_second = settings_.pacing_bytes_per_second = bytes_per_second;
  if (current_) current_->set_pacing(bytes_per_second);
}

// --- ends

void Client::Core::cancel() {
  if (ended_) return;
  if (const auto next = std::exchange(next_, nullptr)) next->abandon();
  retry_timer_.cancel();
  if (current_) {
    current_->cancel();
  } else {
    end(std::nullopt);
  }
}

void Client::Core::detach() {
  observer_ = nullptr;
  if (outbox_) outbox_->set_wake({});
  outbox_ = nullptr;
  ended_ = true;
  retry_timer_.cancel();
  finish_timer_.cancel();
  for (auto* attempt : {&current_, &next_})
    if (const auto owned = std::exchange(*attempt, nullptr)) owned->abandon();
}

void Client::Core::end(std::optional<Failure> failure) {
  if (std::exchange(ended_, true)) return;
  if (const auto next = std::exchange(next_, nullptr)) next->abandon();
  retry_timer_.cancel();
  finish_timer_.cancel();
  if (outbox_) {
    outbox_->set_wake({});
    if (finishing_ && !failure) lose_outbox();
  }
  if (observer_) observer_->on_closed(std::move(failure));
}

Client::Stats Client::Core::stats() const {
  const std::lock_guard lock(stats_mutex_);
  Stats stats = shown_ ? shown_->stats() : Stats();
  stats.losses = losses_;
  if (lost_at_) stats.losses.time += now() - *lost_at_;
  return stats;
}

// --- from any thread

Client::Client(Worker& worker, Settings settings, MessageQueue* outbox, Observer& observer)
    : core_(std::make_shared<Core>(worker, std::move(settings), outbox, observer)) {}

Client::~Client() {
  if (core_->on_its_thread()) {
    core_->detach();
    return;
  }
  // The worker never blocks, so this does not take long.
  std::promise<void> detached;
  core_->post([&detached](Core& core) {
    core.detach();
    detached.set_value();
  });
  detached.get_future().wait();
}

void Client::start() {
  core_->post([](Core& core) { core.start(); });
}

void Client::finish(rtmp::ClientSession::StopCommands commands) {
  core_->post([commands](Core& core) { core.finish(commands); });
}

void Client::cancel() {
  core_->post([](Core& core) { core.cancel(); });
}

void Client::pause(bool pause, double position_ms) {
  core_->post([=](Core& core) { core.pause(pause, position_ms); });
}

void Client::seek(double position_ms) {
  core_->post([=](Core& core) { core.seek(position_ms); });
}

void Client::set_chunk_size(std::uint32_t size) {
  core_->post([=](Core& core) { core.set_chunk_size(size); });
}

void Client::set_pacing(std::uint64_t bytes_per_second) {
  core_->post([=](Core& core) { core.set_pacing(bytes_per_second); });
}

void Client::set_reconnect(const ReconnectPolicy::Settings& settings) {
  core_->post([=](Core& core) { core.set_reconnect(settings); });
}

Client::Stats Client::stats() const { return core_->stats(); }

}  // namespace net
