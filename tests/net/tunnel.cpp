// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <poll.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>

#include "net/async_stream.h"
#include "net/listener.h"
#include "net/tunnel_client.h"
#include "net/tunnel_server.h"

namespace net {
namespace {

namespace http = boost::beast::http;
using namespace std::chrono_literals;
using boost::asio::awaitable;
using Kind = rtmp::tunnel::Request::Kind;
constexpr auto as_value = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr auto patience = 10s;

// One end of a stream, on the test's thread.
class End {
 public:
  End() = default;
  explicit End(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) {}

  void write(std::string_view text) {
    while (!text.empty()) {
      const rtmp::Bytes bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
      error_code error;
      text.remove_prefix(stream_->write_some({&bytes, 1}, error));
      if (!error) continue;
      ASSERT_EQ(error, boost::asio::error::would_block);
      ASSERT_TRUE(wait(POLLOUT));
    }
  }
  // That many bytes, or fewer at the end.
  std::string read(std::size_t size) {
    std::string text(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      error_code error;
      got += stream_->read_some({reinterpret_cast<std::uint8_t*>(text.data()) + got, size - got},
                                error);
      if (error && (error != boost::asio::error::would_block || !wait(POLLIN))) break;
    }
    text.resize(got);
    return text;
  }
  bool at_end() { return read(1).empty(); }
  // Asked on the worker's thread, whose it is.
  std::string fault(Worker& worker) const {
    return boost::asio::post(worker.context(),
                             boost::asio::use_future([this] { return stream_->fault(); }))
        .get();
  }
  void close() { stream_.reset(); }

 private:
  bool wait(short events) {
    pollfd poll = {stream_->socket().native_handle(), events, 0};
    return ::poll(&poll, 1, static_cast<int>(patience / 1ms)) == 1;
  }

  std::unique_ptr<ByteStream> stream_;
};

class TunnelTest : public testing::Test {
 protected:
  TunnelTest()
      : listener_(workers_, [this](Worker& worker, Socket socket, const Endpoint&) {
          ++connections_;
          boost::asio::co_spawn(worker.context(),
                                serve(worker, make_plain_stream(std::move(socket))),
                                boost::asio::detached);
        }) {}
  ~TunnelTest() override {
    listener_.close();
    server_->close();
    accepted_.clear();
    settle();
  }

  void start(TunnelServer::Settings settings = {}) {
    server_.emplace(settings, [this](Worker&, Socket socket, const TunnelOrigin& origin) {
      const std::lock_guard lock(mutex_);
      accepted_.push_back(make_plain_stream(std::move(socket)));
      address_ = origin.address;
      changed_.notify_all();
    });
    ASSERT_FALSE(listener_.listen("127.0.0.1", 0));
  }
  // What one worker does for a session of the other's comes to its end before either goes.
  void settle() {
    for (int hop = 0; hop < 4; ++hop)
      for (std::size_t i = 0; i < workers_.size(); ++i)
        boost::asio::post(workers_[i].context(), boost::asio::use_future([] {})).get();
  }
  End open() {
    TunnelSettings settings;
    settings.authority = "localhost";
    settings.connect = [this](TunnelSettings::Connected connected) {
      error_code error;
      auto stream = connect(error);
      connected(error, std::move(stream));
    };
    error_code error;
    auto first = connect(error);
    EXPECT_FALSE(error);
    return End(open_tunnel(worker_, std::move(first), std::move(settings)));
  }
  // The server's side of the next session.
  End accept() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, patience, [this] { return !accepted_.empty(); }));
    auto stream = std::move(accepted_.front());
    accepted_.erase(accepted_.begin());
    return End(std::move(stream));
  }
  TunnelServer::Answer answer(rtmp::tunnel::Request request, std::string body = {}) {
    return ask(std::move(request), std::move(body)).get();
  }
  std::future<TunnelServer::Answer> ask(rtmp::tunnel::Request request, std::string body = {}) {
    return boost::asio::co_spawn(
        workers_[0].context(),
        server_->answer(workers_[0], std::move(request), std::move(body), {"here"}),
        boost::asio::use_future);
  }
  std::string open_by_hand() {
    const auto answer = this->answer({Kind::open});
    return rtmp::tunnel::read_session_id(answer.body).value_or("");
  }

  // What becomes of the next answers.
  enum class Mood { keep, close, lose };
  std::atomic<Mood> mood_ = Mood::keep;
  std::atomic<int> connections_ = 0;
  std::uint16_t port() const { return listener_.port(); }
  std::string address_;
  Worker& client_worker() { return worker_; }

 private:
  std::unique_ptr<ByteStream> connect(error_code& error) {
    boost::asio::ip::tcp::socket socket(worker_.context());
    socket.connect({boost::asio::ip::address_v4::loopback(), listener_.port()}, error);
    return make_plain_stream(std::move(socket));
  }

  awaitable<void> serve(Worker& worker, std::unique_ptr<ByteStream> bytes) {
    AsyncStream stream(worker, std::move(bytes));
    boost::beast::flat_buffer buffer;
    const TunnelOrigin somewhere{"somewhere"};
    while (true) {
      http::request<http::string_body> request;
      auto [error, size] = co_await http::async_read(stream, buffer, request, as_value);
      if (error) co_return;
      http::response<http::string_body> response;
      const auto target =
          rtmp::tunnel::read_target({request.target().data(), request.target().size()});
      if (target) {
        auto answer =
            co_await server_->answer(worker, *target, std::move(request.body()), somewhere);
        response.result(answer.status);
        response.body() = std::move(answer.body);
      } else {
        response.result(404);
      }
      if (mood_ == Mood::lose) {
        mood_ = Mood::keep;
        co_return;
      }
      response.keep_alive(mood_ == Mood::keep);
      response.prepare_payload();
      std::tie(error, size) = co_await http::async_write(stream, response, as_value);
      if (error || !response.keep_alive()) co_return;
    }
  }

  std::mutex mutex_;  // guards accepted_ and address_
  std::condition_variable changed_;
  std::vector<std::unique_ptr<ByteStream>> accepted_;
  std::optional<TunnelServer> server_;
  Workers workers_{2};
  Worker worker_{"client"};
  Listener listener_;
};

TEST_F(TunnelTest, CarriesBytesBothWays) {
  start();
  End client = open();
  client.write("hello");
  End server = accept();
  EXPECT_EQ(server.read(5), "hello");
  server.write("good day");
  EXPECT_EQ(client.read(8), "good day");
  EXPECT_EQ(address_, "somewhere");
}

TEST_F(TunnelTest, CarriesWhatNobodyAskedFor) {
  start();
  End client = open();
  End server = accept();
  server.write("news");
  EXPECT_EQ(client.read(4), "news");
}

TEST_F(TunnelTest, CarriesMoreThanOneBodyHolds) {
  start();
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i) + " ";
  End client = open();
  End server = accept();
  std::thread writer([&] { client.write(text); });
  EXPECT_TRUE(server.read(text.size()) == text);
  writer.join();
  std::thread answerer([&] { server.write(text); });
  EXPECT_TRUE(client.read(text.size()) == text);
  answerer.join();
}

TEST_F(TunnelTest, EndsWithTheServer) {
  start();
  End client = open();
  End server = accept();
  server.write("bye");
  server.close();
  EXPECT_EQ(client.read(10), "bye");
  EXPECT_EQ(client.fault(client_worker()), "");
}

TEST_F(TunnelTest, EndsWithTheClientAfterWhatItSaid) {
  start();
  End client = open();
  End server = accept();
  client.write("bye");
  client.close();
  EXPECT_EQ(server.read(10), "bye");
}

TEST_F(TunnelTest, GoesOnOverOtherConnections) {
  start();
  mood_ = Mood::close;
  End client = open();
  End server = accept();
  for (int i = 0; i < 5; ++i) {
    client.write("ping");
    ASSERT_EQ(server.read(4), "ping");
    server.write("pong");
    ASSERT_EQ(client.read(4), "pong");
  }
  EXPECT_GE(connections_, 6);
}

TEST_F(TunnelTest, RepeatsARequestWhoseAnswerWasLost) {
  start();
  End client = open();
  End server = accept();
  server.write("welcome");
  ASSERT_EQ(client.read(7), "welcome");
  for (int i = 0; i < 5; ++i) {
    mood_ = Mood::lose;
    client.write("ping");
    ASSERT_EQ(server.read(4), "ping");
    server.write("pong");
    ASSERT_EQ(client.read(4), "pong");
  }
}

TEST_F(TunnelTest, EndsWhenTheSessionIsUnknown) {
  start({.silence = 1ms, .hold_idle = 20ms});
  End client = open();
  End server = accept();
  EXPECT_TRUE(server.at_end());
  EXPECT_TRUE(client.at_end());
}

TEST_F(TunnelTest, SaysWhatTheServerAnswered) {
  start();
  TunnelSettings settings;
  settings.prefix = "/elsewhere";
  settings.connect = [](TunnelSettings::Connected connected) {
    connected(boost::asio::error::connection_refused, nullptr);
  };
  Worker worker("other");
  boost::asio::ip::tcp::socket socket(worker.context());
  socket.connect({boost::asio::ip::address_v4::loopback(), port()});
  End client(open_tunnel(worker, make_plain_stream(std::move(socket)), std::move(settings)));
  EXPECT_TRUE(client.at_end());
  const std::string fault = client.fault(worker);
  EXPECT_NE(fault.find("404 Not Found"), std::string::npos) << fault;
}

TEST_F(TunnelTest, TakesRequestsInTheirOrder) {
  start();
  const std::string id = open_by_hand();
  End server = accept();
  answer({Kind::idle, id, 0});
  auto second = ask({Kind::send, id, 2}, "world");
  auto first = ask({Kind::send, id, 1}, "hello ");
  EXPECT_EQ(second.get().status, 200u);
  EXPECT_EQ(first.get().status, 200u);
  EXPECT_EQ(server.read(11), "hello world");
}

TEST_F(TunnelTest, GivesTheSameAnswerAgain) {
  start();
  const std::string id = open_by_hand();
  End server = accept();
  server.write("news");
  const std::string answer = this->answer({Kind::idle, id, 0}).body;
  EXPECT_EQ(answer, "\x01news");
  EXPECT_EQ(this->answer({Kind::idle, id, 0}).body, answer);
  EXPECT_EQ(this->answer({Kind::idle, id, 1}).body, "\x01");
}

TEST_F(TunnelTest, RefusesWhatItDoesNotKnow) {
  start();
  const std::string id = open_by_hand();
  EXPECT_EQ(answer({Kind::ident}).status, 404u);
  EXPECT_EQ(answer({Kind::idle, "someone", 0}).status, 404u);
  EXPECT_EQ(answer({Kind::idle, id, 7}).status, 400u);
}

TEST_F(TunnelTest, ForgetsASessionThatIsClosed) {
  start();
  const std::string id = open_by_hand();
  End server = accept();
  EXPECT_EQ(answer({Kind::close, id, 0}).body, std::string(1, '\0'));
  EXPECT_TRUE(server.at_end());
  EXPECT_EQ(answer({Kind::idle, id, 1}).status, 404u);
}

TEST_F(TunnelTest, EndsASessionWithoutRequests) {
  start({.silence = 20ms});
  const std::string id = open_by_hand();
  End server = accept();
  EXPECT_TRUE(server.at_end());
  EXPECT_EQ(answer({Kind::idle, id, 0}).status, 404u);
}

TEST_F(TunnelTest, GivesIdsThatNobodyGuesses) {
  start();
  const std::string id = open_by_hand();
  EXPECT_EQ(id.size(), 20u);
  EXPECT_NE(id, open_by_hand());
}

}  // namespace
}  // namespace net
