// A client under test, and what it tells.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>

#include "net/client.h"
#include "net/test_server.h"

namespace rtmp::test {

using namespace net;
using namespace rtmp::client_event;
using Purpose = rtmp::ClientSession::Purpose;

// Remembers what the client told, for the test's thread to wait for.
class Recorder final : public Client::Observer {
 public:
  void on_event(rtmp::ClientSession::Event event) override {
    const std::lock_guard lock(mutex_);
    if (const auto* media = std::get_if<MediaReceived>(&event)) media_.push_back(media->message);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }
  void on_closed(std::optional<Failure> failure) override {
    const std::lock_guard lock(mutex_);
    ++closed_;
    failure_ = std::move(failure);
    changed_.notify_all();
  }

  template <typename T>
  bool wait_for() {
    return wait([this] {
      return std::ranges::any_of(events_, [](auto& e) { return std::holds_alternative<T>(e); });
    });
  }
  bool wait_media(std::size_t count) {
    return wait([&] { return media_.size() >= count; });
  }
  bool wait_closed() {
    return wait([this] { return closed_ > 0; });
  }
  Failure failure() {
    EXPECT_TRUE(wait_closed());
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(failure_);
    return failure_.value_or(Failure{});
  }
  bool clean_end() {
    const bool closed = wait_closed();
    const std::lock_guard lock(mutex_);
    if (failure_) ADD_FAILURE() << failure_->text;
    return closed && !failure_;
  }
  int closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  std::vector<Message> media() const {
    const std::lock_guard lock(mutex_);
    return media_;
  }

 private:
  template <typename Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, TestServer::patience, condition);
  }

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::vector<rtmp::ClientSession::Event> events_;
  std::vector<Message> media_;
  int closed_ = 0;
  std::optional<Failure> failure_;
};

inline Client::Settings settings_for(std::uint16_t port, Purpose purpose = Purpose::publish) {
  Client::Settings settings;
  settings.host = "127.0.0.1";
  settings.port = port;
  settings.session.purpose = purpose;
  settings.session.app = "live";
  settings.session.tc_url = "rtmp://127.0.0.1:" + std::to_string(port) + "/live";
  settings.session.stream = "camera";
  return settings;
}

struct Running {
  explicit Running(Client::Settings settings)
      : client(worker, std::move(settings), &outbox, recorder) {
    client.start();
  }

  Worker worker{"test"};
  MessageQueue outbox{{.bytes = 64 * 1024 * 1024, .ms = 3'600'000}};
  Recorder recorder;
  Client client;
};

}  // namespace rtmp::test
