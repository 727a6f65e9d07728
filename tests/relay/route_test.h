// Servers that reach each other, with witnesses.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "relay/server_test.h"
#include "support/process.h"

namespace relay::test {

// Remembers what becomes of the routes.
struct RouteObserver : TestObserver {
  void on_route(const RouteStats& stats) override {
    const std::lock_guard lock(mutex);
    routes.push_back(stats);
    changed.notify_all();
  }
  bool wait_state(RouteStats::State state, std::size_t count = 1) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), [&] { return states(state) >= count; });
  }
  std::size_t states(RouteStats::State state) const {
    return static_cast<std::size_t>(std::ranges::count(routes, state, &RouteStats::state));
  }
  RouteStats last_route() {
    const std::lock_guard lock(mutex);
    return routes.back();
  }

  std::vector<RouteStats> routes;
};

inline Server::Settings any_port() {
  Server::Settings settings;
  settings.port = 0;
  settings.threads = 2;
  return settings;
}

// For a server that comes back where it was.
inline Server::Settings own_port() {
  Server::Settings settings = any_port();
  settings.port = rtmp::test::free_port();
  return settings;
}

struct Site {
  explicit Site(Server::Settings settings = any_port()) : server(std::move(settings), observer) {
    EXPECT_FALSE(server.start());
  }
  std::string url() const { return "rtmp://127.0.0.1:" + std::to_string(server.port()) + "/"; }
  std::unique_ptr<SyncClient> publisher(const std::string& stream = "cam") {
    return std::make_unique<SyncClient>(server.port(), Purpose::publish, stream);
  }
  std::unique_ptr<SyncClient> player(const std::string& stream = "cam") {
    return std::make_unique<SyncClient>(server.port(), Purpose::play, stream);
  }

  RouteObserver observer;
  Server server;
};

}  // namespace relay::test
