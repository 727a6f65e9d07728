// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/pull.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "relay/data.h"

namespace relay {
namespace {

using namespace rtmp::client_event;

// That players hear nothing of a lost connection.
constexpr auto pause = std::chrono::seconds(5);
constexpr auto published_here = "Somebody publishes the stream here.";

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

}  // namespace

// The stream's publisher, from one connection. Who publishes here comes first.
class Pull::Source final : public Publisher {
 public:
  Source(Pull& pull, std::uint64_t number)
      : pull_(pull.weak_from_this()), path_(pull.path_), number_(number) {}

  void on_replaced() override {
    if (const auto pull = pull_.lock())
      pull->post([number = number_](Pull& self) { self.on_replaced(number); });
  }
  bool yields() const override { return true; }
  RoutePath path() const override { return path_; }

 private:
  const std::weak_ptr<Pull> pull_;
  const RoutePath path_;
  const std::uint64_t number_;
};

Pull::Pull(net::Worker& worker, std::shared_ptr<Stream> stream, std::uint64_t id,
           const rtmp::Url& url, net::Client::Settings settings, rtmp::Duration linger,
           RoutePath path, Owner& owner)
    : worker_(worker),
      stream_(std::move(stream)),
      id_(id),
      url_(url.masked()),
      settings_(std::move(settings)),
      linger_(linger),
      path_(std::move(path)),
      owner_(owner) {}

template <typename Function>
void Pull::post(Function function) {
  boost::asio::post(worker_.context(), [self = shared_from_this(), function] { function(*self); });
}

// --- the connection

void Pull::begin() {
  post([](Pull& self) {
    if (self.state_ != State::connecting) return;
    Observer& observer = self;
    auto client = std::make_unique<net::Client>(self.worker_, self.settings_, nullptr, observer);
    client->start();
    {
      const std::lock_guard lock(self.mutex_);
      self.client_ = std::move(client);
    }
    self.owner_.on_state(self.stats());
  });
}

void Pull::refuse(const std::string& reason) {
  post([reason](Pull& self) { self.end(State::refused, reason); });
}

void Pull::on_event(rtmp::ClientSession::Event event) {
  if (state_ >= State::ending) return;
  std::visit(Overloaded{
                 [this](Connected& connected) {
                   const std::string id = RoutePath::read_id(connected.properties);
                   if (!id.empty()) owner_.on_origin(*this, id);
                 },
                 [this](Started&) {
                   renewed_ = true;
                   ++starts_;
                   set_state(State::streaming, {});
                   owner_.on_accepted(*this);
                   look_for_players();
                 },
                 [this](MediaReceived& media) { take(std::move(media.message)); },
                 [this](StreamEnded&) { unpublish(); },
                 [](auto&) {},
             },
             event);
}

void Pull::on_lost(const net::Failure&) {
  const std::uint64_t bytes = client_->stats().connection.bytes_in;
  {
    const std::lock_guard lock(mutex_);
    bytes_ += bytes;
  }
  if (source_)
    wait(pause, [starts = starts_](Pull& self) {
      if (self.starts_ == starts) self.unpublish();
    });
}

void Pull::on_reconnecting(const net::Client::Reconnection& reconnection) {
  set_state(State::reconnecting, reconnection.reason);
}

bool Pull::wants_more() { return state_ != State::ending; }

// The client must not go within its own call.
void Pull::on_closed(std::optional<net::Failure> failure) {
  const bool refused = failure && failure->code == rtmp::Error::refused;
  const State state = !failure ? State::ended : refused ? State::refused : State::failed;
  post(
      [state, reason = failure ? failure->text : reason_](Pull& self) { self.end(state, reason); });
}

// --- the stream

void Pull::take(rtmp::Message message) {
  message.stream_id = shared_stream_id;
  std::optional<rtmp::Message> clean = std::move(message);
  if (!rtmp::is_media(clean->type)) clean = clean_data(std::move(*clean));
  if (!clean) return;
  if ((!source_ || renewed_) && !publish()) return leave(published_here);
  batch_.push_back(std::move(*clean));
  if (std::exchange(flushing_, true)) return;
  post([](Pull& self) { self.flush(); });
}

void Pull::flush() {
  flushing_ = false;
  if (source_ && !batch_.empty()) stream_->push(*source_, batch_, net::now());
  batch_.clear();
}

// Another connection's stream goes on where the one before was.
bool Pull::publish() {
  flush();
  renewed_ = false;
  source_ = std::make_shared<Source>(*this, ++sources_);  // not the one before: that is replaced
  const bool published =
      stream_->publish(source_, Stream::Duplicate::reject, rtmp::Duration::zero(), net::now());
  was_published_ = was_published_ || published;
  if (!published) source_.reset();
  return published;
}

void Pull::unpublish() {
  flush();
  if (const auto source = std::exchange(source_, nullptr)) stream_->unpublish(*source);
}

void Pull::on_replaced(std::uint64_t source) {
  if (source == sources_) leave(published_here);
}

void Pull::give_way() {
  post([](Pull& self) {
    if (!self.source_ && self.stream_->published()) self.leave(published_here);
  });
}

// --- its time

void Pull::look_for_players() {
  post([](Pull& self) {
    if (self.stream_->players() > 0) return;
    if (!self.was_published_) return self.leave("Nobody waits for it.");
    self.wait(self.linger_, [number = ++self.desertions_](Pull& later) {
      const bool back = later.stream_->players() > 0 || later.desertions_ != number;
      if (!back) later.leave("Nobody watches any more.");
    });
  });
}

void Pull::wait(rtmp::Duration time, std::function<void(Pull&)> then) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(worker_.context(), time);
  timer->async_wait([timer, weak = weak_from_this(), then](const auto& error) {
    const auto self = weak.lock();
    if (!error && self) then(*self);
  });
}

void Pull::stop() {
  post([](Pull& self) { self.leave("The server stops."); });
}

void Pull::leave(const std::string& why) {
  if (state_ >= State::ending) return;
  if (!client_) return end(State::ended, why);
  set_state(State::ending, why);
  client_->cancel();
}

void Pull::end(State state, const std::string& reason) {
  if (state_ >= State::ended) return;
  unpublish();
  std::unique_ptr<net::Client> client;
  {
    const std::lock_guard lock(mutex_);
    if (client_) last_ = client_->stats();
    client = std::move(client_);
  }
  client.reset();
  set_state(state, reason);
  owner_.on_over(*this);
}

// --- figures

void Pull::set_state(State state, const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    if (state == state_ && reason == reason_) return;
    state_ = state;
    reason_ = reason;
  }
  owner_.on_state(stats());
}

RouteStats Pull::stats() const {
  const std::lock_guard lock(mutex_);
  const net::Client::Stats client = client_ ? client_->stats() : last_;
  RouteStats stats;
  stats.id = id_;
  stats.forward = false;
  stats.stream = stream_->name();
  stats.url = url_;
  stats.state = state_;
  stats.reason = reason_;
  stats.peer = client.peer;
  stats.bytes = bytes_ + client.connection.bytes_in;
  stats.reconnects = client.losses.reconnects;
  stats.time_lost = client.losses.time;
  return stats;
}

}  // namespace relay
