// The server that elements share, and those who listen to it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <atomic>
#include <optional>
#include <vector>

#include "elements/server_groups.h"
#include "elements/server_http.h"
#include "elements/shared_server.h"
#include "relay/admission.h"

GST_DEBUG_CATEGORY_EXTERN(rtmp_server_debug);
#define GST_CAT_DEFAULT rtmp_server_debug

namespace shared_server {

using relay::Server;
using server_properties::Place;
using server_properties::Values;

// Calls from the server's threads go to all parties, outside of the lock.
class Shared final : public relay::Observer {
 public:
  using Decide = std::function<void(relay::Decision)>;
  using Tell = std::function<void(std::optional<std::string>)>;

  Shared(const Values& wanted, std::string by, Server::Settings settings)
      : values(wanted),
        founder(std::move(by)),
        address_(wanted.place().address),
        server(std::move(settings), *this) {}

  using Emitter = server_signals::Emitter;

  // The party may be null.
  void join(const std::shared_ptr<Party>& party, const std::shared_ptr<Emitter>& emitter) {
    const std::lock_guard lock(mutex_);
    if (party) listeners_.push_back(party);
    listeners_.push_back(emitter);
    emitters_.push_back(emitter);
  }

  void leave(const std::shared_ptr<Party>& party, const std::shared_ptr<Emitter>& emitter) {
    const std::lock_guard lock(mutex_);
    std::erase_if(listeners_, [&](const auto& one) { return one == party || one == emitter; });
    std::erase(emitters_, emitter);
  }

  bool decides() const override {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(emitters_, [](const auto& emitter) { return emitter->decides(); });
  }

  void on_request(const relay::Request& request, Decide decide) override {
    auto deciding = emitters();
    std::erase_if(deciding, [](const auto& emitter) { return !emitter->decides(); });
    ask(std::move(deciding), request, {}, std::move(decide));
  }

  void on_password(const std::string& user, Tell tell) override {
    auto knowing = emitters();
    std::erase_if(knowing, [](const auto& emitter) { return !emitter->knows_passwords(); });
    look_up(std::move(knowing), user, std::move(tell));
  }

  void on_client_added(std::uint64_t id, const std::string& address) override {
    GST_INFO("%s: client %" G_GUINT64_FORMAT " from %s", place().c_str(), guint64{id},
             address.c_str());
    for (const auto& listener : listeners()) listener->on_client_added(id, address);
  }

  void on_client_removed(std::uint64_t id, const boost::system::error_code& why) override {
    GST_INFO("%s: client %" G_GUINT64_FORMAT " has gone: %s", place().c_str(), guint64{id},
             why.message().c_str());
    for (const auto& listener : listeners()) listener->on_client_removed(id, why);
  }

  void on_limit(relay::Limit limit, const std::string& who, std::uint64_t count) override {
    GST_WARNING("%s: %s went over the limit %s, the %" G_GUINT64_FORMAT ". time that somebody did",
                place().c_str(), who.c_str(), std::string(to_name(limit)).c_str(), guint64{count});
    for (const auto& listener : listeners()) listener->on_limit(limit, who, count);
  }

  void on_route(const relay::RouteStats& stats) override {
    using State = relay::RouteStats::State;
    const bool bad = stats.state == State::refused || stats.state == State::failed ||
                     stats.state == State::reconnecting;
    GST_CAT_LEVEL_LOG(GST_CAT_DEFAULT, bad ? GST_LEVEL_WARNING : GST_LEVEL_INFO, nullptr,
                      "%s: route %" G_GUINT64_FORMAT " %s %s is %s. %s", place().c_str(),
                      guint64{stats.id}, stats.forward ? "to" : "from", stats.url.c_str(),
                      std::string(to_name(stats.state)).c_str(), stats.reason.c_str());
    for (const auto& listener : listeners()) listener->on_route(stats);
  }

  void on_stream_published(const std::string& name) override {
    GST_INFO("%s: a publisher has come", place().c_str());
    for (const auto& listener : listeners()) listener->on_stream_published(name);
  }

  void on_stream_unpublished(const std::string& name) override {
    GST_INFO("%s: a publisher has gone", place().c_str());
    for (const auto& listener : listeners()) listener->on_stream_unpublished(name);
  }

  boost::system::error_code start() {
    const auto error = server.start();
    if (error) return error;
    port_ = server.port();
    listens_ = true;
    return {};
  }
  boost::system::error_code start_web(relay::Web::Settings settings) {
    web_ = std::make_unique<relay::Web>(
        server, std::move(settings),
        relay::Web::Orders{[this](rtmp::Duration time) { drain(time); },
                           [this] { return reload(); }});
    const auto error = web_->listen();
    if (!error) http_port_ = web_->port();
    return error;
  }
  // Whether the rules or the application have a say in who publishes.
  bool guards_publishing() const {
    return relay::guard_publishing(*server.settings()) || decides();
  }
  // From then on the place is free for another server.
  void drain(rtmp::Duration time) {
    server.drain(time);
    port_ = 0;
    listens_ = false;
  }
  // What these settings become with what the values say of the group; the fault leaves them as they
  // are.
  std::string change(const server_groups::Group& group) {
    Server::Settings settings = *server.settings();
    std::string fault;
    group.add_to(settings, values, fault);
    if (fault.empty()) server.change(std::move(settings));
    return fault;
  }
  // Reads again what the properties name, for any thread; the faults.
  std::string reload();
  // Unlike the server's, for any thread.
  std::uint16_t port() const { return port_; }
  std::uint16_t http_port() const { return http_port_; }
  std::string place() const { return Place{address_, port_}.to_text(); }
  bool listens_at(const Place& place) const {
    return listens_ && address_ == place.address &&
           (!net::has_port(address_) || port_ == place.port);
  }

  Values values;              // what its elements have asked for. Under the registry's lock
  const std::string founder;  // who started it

 private:
  // One element after the other: the first refusal is the last word, of new names the first counts.
  static void ask(std::vector<std::shared_ptr<Emitter>> deciding, const relay::Request& request,
                  relay::Decision so_far, Decide decide) {
    if (deciding.empty()) {
      decide(std::move(so_far));
      return;
    }
    const auto next = std::move(deciding.back());
    deciding.pop_back();
    next->on_request(request, [deciding, request, so_far, decide](relay::Decision decision) {
      if (!so_far.rename.empty()) decision.rename = so_far.rename;
      ask(decision.allow ? deciding : decltype(deciding){}, request, std::move(decision), decide);
    });
  }

  // One after the other, until one knows.
  static void look_up(std::vector<std::shared_ptr<Emitter>> knowing, const std::string& user,
                      Tell tell) {
    if (knowing.empty()) {
      tell(std::nullopt);
      return;
    }
    const auto next = std::move(knowing.back());
    knowing.pop_back();
    next->on_password(user, [knowing, user, tell](std::optional<std::string> password) {
      password ? tell(std::move(password)) : look_up(knowing, user, tell);
    });
  }

  std::vector<std::shared_ptr<Emitter>> emitters() const {
    const std::lock_guard lock(mutex_);
    return emitters_;
  }

  std::vector<std::shared_ptr<relay::Observer>> listeners() const {
    const std::lock_guard lock(mutex_);
    return listeners_;
  }

  mutable std::mutex mutex_;  // guards these
  std::vector<std::shared_ptr<relay::Observer>> listeners_;
  std::vector<std::shared_ptr<Emitter>> emitters_;  // of the same, those of the elements' signals
  const std::string address_;
  std::atomic<std::uint16_t> port_ = 0;  // while it listens, if it has one
  std::atomic<bool> listens_ = false;
  std::atomic<std::uint16_t> http_port_ = 0;

 public:
  Server server;  // behind those that it calls until it has stopped

 private:
  std::unique_ptr<relay::Web> web_;  // behind the server, which it asks
};

}  // namespace shared_server
