// A server with a witness, for tests that are its clients.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include "relay/server.h"
#include "relay/sync_client.h"

namespace relay::test {

using Purpose = SyncClient::Purpose;

struct TestObserver : Observer {
  void on_request(const Request& request, std::function<void(Decision)> answer) override {
    answer(decide ? decide(request) : Decision{});
  }
  void on_client_added(std::uint64_t, const std::string&) override {
    const std::lock_guard lock(mutex);
    ++added;
    changed.notify_all();
  }
  void on_client_removed(std::uint64_t, const boost::system::error_code& why) override {
    const std::lock_guard lock(mutex);
    removed.push_back(why);
    changed.notify_all();
  }
  bool has_removed() {
    const std::lock_guard lock(mutex);
    return !removed.empty();
  }
  boost::system::error_code first_removed() {
    const std::lock_guard lock(mutex);
    return removed.front();
  }
  bool wait_removed(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10),
                            [&] { return removed.size() >= count; });
  }

  void on_limit(Limit limit, const std::string& who, std::uint64_t) override {
    const std::lock_guard lock(mutex);
    limits.push_back(limit);
    told_of.push_back(who);
  }
  bool told(Limit limit) {
    const std::lock_guard lock(mutex);
    return std::ranges::count(limits, limit) > 0;
  }
  bool wait_added(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), [&] { return added >= count; });
  }

  std::function<Decision(const Request&)> decide;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<boost::system::error_code> removed;
  std::vector<Limit> limits;
  std::vector<std::string> told_of;
  std::size_t added = 0;
};

class ServerTest : public testing::Test {
 protected:
  static Server::Settings settings() {
    Server::Settings settings;
    settings.port = 0;
    settings.threads = 2;
    return settings;
  }
  void start(Server::Settings settings = ServerTest::settings()) {
    server_ = std::make_unique<Server>(std::move(settings), observer_);
    ASSERT_FALSE(server_->start());
  }
  std::unique_ptr<SyncClient> publisher(const std::string& stream = "cam") {
    return std::make_unique<SyncClient>(server_->port(), SyncClient::Purpose::publish, stream);
  }
  std::unique_ptr<SyncClient> player(const std::string& stream = "cam") {
    return std::make_unique<SyncClient>(server_->port(), SyncClient::Purpose::play, stream);
  }
  // How often the limit was gone over.
  std::uint64_t count(Limit limit) {
    return server_->stats().limits[static_cast<std::size_t>(limit)];
  }

  TestObserver observer_;
  std::unique_ptr<Server> server_;
};

// What every player gets before media is not media of the publisher's.
inline const std::string sample_access = "?";

}  // namespace relay::test
