// Asks a web service what clients may do, and tells it what they have done.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>

#include "net/http_client.h"
#include "relay/hook_call.h"
#include "relay/server.h"

namespace relay {

// From any thread.
class Hooks : public std::enable_shared_from_this<Hooks> {
 public:
  struct Settings {
    HookStyle style = HookStyle::nginx;
    std::array<std::optional<net::HttpUrl>, hook_event_count> urls = {};  // by HookEvent
    rtmp::Duration timeout = std::chrono::seconds(5);
    rtmp::Duration update_interval = std::chrono::seconds(30);
    std::string ca_file = {};
    // A service does not answer as it should; not too often. Called on a thread of ours.
    std::function<void(const std::string&)> on_fault = [](const std::string&) {};
  };
  class Visit;
  struct Watched;

  explicit Hooks(Settings settings);

  bool guards_publishing() const { return url(HookEvent::publish).has_value(); }
  // What the service says; `then` comes at once or later, on any thread, or never if we go first.
  void ask(const Request& request, std::function<void(Decision)> then);
  // A wish was granted: what follows is told from now on, until the visit goes. `name`: under which
  // it is done; `drop` is called, on any thread, if the service does not want it to go on.
  std::unique_ptr<Visit> begin(const Request& request, const std::string& name,
                               std::function<void()> drop);
  // Until everything is told, but not for longer than that.
  void wait(rtmp::Duration most) { client_.wait(most); }

 private:
  const std::optional<net::HttpUrl>& url(HookEvent event) const {
    return settings_.urls[static_cast<std::size_t>(event)];
  }
  // Nothing where nobody wants to know.
  std::optional<net::HttpClient::Call> call_about(HookEvent event,
                                                  const HookDetails& details) const;
  void send(net::HttpClient::Call call, std::function<void(const net::HttpClient::Answer&)> then);
  // As soon as the service has answered what it was told of the client before.
  void tell(HookEvent event, const HookDetails& details);
  void tell_first(std::uint64_t client_id);
  void watch(std::weak_ptr<const Watched> watched);
  void update(const std::shared_ptr<const Watched>& watched);
  void log(const std::string& place, const std::string& fault);

  const Settings settings_;
  Moderator moderator_;
  std::mutex mutex_;  // guards what follows
  // What is to be told, by client. The first is under way.
  std::map<std::uint64_t, std::deque<net::HttpClient::Call>> to_tell_;
  net::HttpClient client_;  // the last: it calls us until it has stopped
};

// What is going on, as far as timers see it. They never keep us.
struct Hooks::Watched {
  HookDetails now() const;

  const HookDetails details;
  const std::function<void()> drop;
  const rtmp::Time since = net::now();
  std::atomic<std::int64_t> timestamp = -1;  // of the last media, in ms; negative: none
};

// A connection, a publish or a play that the service knows of.
class Hooks::Visit {
 public:
  Visit(std::shared_ptr<Hooks> hooks, std::shared_ptr<Watched> watched)
      : hooks_(std::move(hooks)), watched_(std::move(watched)) {}
  // Tells that it is over.
  ~Visit();
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  // Media has passed.
  void heard(std::int64_t timestamp) { watched_->timestamp = timestamp; }
  // Before the end of a connection.
  void count(std::uint64_t bytes_in, std::uint64_t bytes_out) {
    bytes_in_ = bytes_in;
    bytes_out_ = bytes_out;
  }

 private:
  const std::shared_ptr<Hooks> hooks_;
  const std::shared_ptr<Watched> watched_;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
};

}  // namespace relay
