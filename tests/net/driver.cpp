// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/driver.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <condition_variable>
#include <mutex>

#include "rtmp/control.h"
#include "rtmp/support.h"

namespace net {
namespace {

using namespace std::chrono_literals;
using rtmp::Error;
using rtmp::Message;
using rtmp::MessageType;
using rtmp::Result;

// A handler whose doings a test can wait for.
class TestHandler : public Driver::Handler, public std::enable_shared_from_this<TestHandler> {
 public:
  TestHandler(Worker& worker, Socket socket, Driver::Settings settings)
      : driver(worker, make_plain_stream(std::move(socket)),
               rtmp::Connection::server({}, now(), rtmp::test::test_random()), settings, *this) {}

  void on_established() override {
    const std::lock_guard lock(mutex_);
    established_ = true;
    changed_.notify_all();
  }
  Result<void> on_message(Message message, rtmp::Time) override {
    const std::lock_guard lock(mutex_);
    messages_.push_back(message.type);
    changed_.notify_all();
    if (react) react(message);
    return answer;
  }
  rtmp::Time deadline() const override { return rtmp::never; }
  Result<void> tick(rtmp::Time) override { return {}; }
  void on_closed(error_code error) override {
    const std::lock_guard lock(mutex_);
    closed_ = error;
    changed_.notify_all();
  }

  bool wait_established() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return established_; });
  }
  bool wait_messages(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return messages_.size() >= count; });
  }
  std::optional<error_code> wait_closed() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 10s, [&] { return closed_.has_value(); });
    return closed_;
  }
  // Runs it on the driver's thread.
  template <typename Function>
  void run(Function function) {
    boost::asio::post(driver.worker().context(), function);
  }

  Driver driver;
  std::function<void(const Message&)> react;  // set before the first message
  Result<void> answer;

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool established_ = false;
  std::vector<MessageType> messages_;
  std::optional<error_code> closed_;
};

Message audio(std::size_t size) {
  return {MessageType::audio, 1, 0, rtmp::Buffer::adopt(std::vector<std::uint8_t>(size, 0xAF))};
}

// The peer: a plain socket of the test's own, with a client's connection over it.
class Peer {
 public:
  explicit Peer(int socket)
      : socket_(socket),
        connection_(rtmp::Connection::client({}, now(), rtmp::test::test_random(2))) {
    const timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Peer() { close(); }

  // The socket alone, for the caller to close.
  int release() { return std::exchange(socket_, -1); }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  void shake_hands() {
    write();
    while (!connection_.established() && read() > 0) write();
  }
  void send(const Message& message) {
    connection_.send(message);
    write();
  }
  // Bytes that are no RTMP.
  void send_raw(rtmp::Bytes bytes) {
    (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // Reads on to the driver's end; the messages' payload bytes.
  std::size_t read_all() {
    while (read() > 0) continue;
    return payload_;
  }

  ssize_t read() {
    std::vector<std::uint8_t> bytes(64 * 1024);
    const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (count <= 0) return count;
    connection_.receive(rtmp::Bytes(bytes).first(static_cast<std::size_t>(count)), now());
    while (auto message = connection_.next_message().value()) payload_ += message->payload.size();
    return count;
  }

 private:
  void write() {
    while (!connection_.output().empty()) {
      rtmp::Bytes span;
      connection_.gather({&span, 1});
      const ssize_t count = ::send(socket_, span.data(), span.size(), MSG_NOSIGNAL);
      if (count < 0) return;
      connection_.written(static_cast<std::size_t>(count));
    }
  }

  int socket_;
  rtmp::Connection connection_;
  std::size_t payload_ = 0;
};

class DriverTest : public testing::Test {
 protected:
  void start(Driver::Settings settings = {}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    Socket socket(worker_.context());
    socket.assign(boost::asio::local::stream_protocol(), ends[0]);
    peer_ = std::make_unique<Peer>(ends[1]);
    handler_ = std::make_shared<TestHandler>(worker_, std::move(socket), settings);
  }
  void run() {
    handler_->run([handler = handler_] { handler->driver.start(handler); });
    peer_->shake_hands();
    ASSERT_TRUE(handler_->wait_established());
  }

  Worker worker_{"test"};
  std::unique_ptr<Peer> peer_;
  std::shared_ptr<TestHandler> handler_;
};

TEST_F(DriverTest, HandsMessagesOver) {
  start();
  run();
  peer_->send(audio(10));
  peer_->send(audio(100'000));
  EXPECT_TRUE(handler_->wait_messages(2));
}

TEST_F(DriverTest, TellsThatThePeerClosed) {
  start();
  run();
  peer_->close();
  EXPECT_EQ(handler_->wait_closed(), error_code(Error::closed));
}

TEST_F(DriverTest, WritesEverythingBeforeItsEnd) {
  start();
  run();
  handler_->run([handler = handler_] {
    for (int i = 0; i < 40; ++i) handler->driver.connection().send(audio(100'000));
    handler->driver.finish(Error::cancelled);
  });
  EXPECT_EQ(peer_->read_all(), 4'000'000u);
  peer_->close();
  EXPECT_EQ(handler_->wait_closed(), error_code(Error::cancelled));
}

TEST_F(DriverTest, DoesNotWaitForeverForThePeersEnd) {
  start({.close_timeout = 50ms});
  run();
  handler_->run([handler = handler_] { handler->driver.finish(Error::cancelled); });
  EXPECT_EQ(handler_->wait_closed(), error_code(Error::cancelled));
}

TEST_F(DriverTest, EndsAConnectionWhoseHandlerObjects) {
  start({.close_timeout = 50ms});
  handler_->answer = Error::unexpected_command;
  run();
  peer_->send(audio(10));
  EXPECT_EQ(handler_->wait_closed(), error_code(Error::unexpected_command));
}

TEST_F(DriverTest, EndsAConnectionThatIsNoRtmp) {
  start({.close_timeout = 50ms});
  handler_->run([handler = handler_] { handler->driver.start(handler); });
  peer_->send_raw(rtmp::as_bytes("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(handler_->wait_closed(), error_code(Error::unsupported_version));
}

TEST_F(DriverTest, CloseFromWithinAMessageIsTheLastWord) {
  start();
  handler_->react = [this](const Message&) { handler_->driver.close(Error::refused); };
  run();
  peer_->send(audio(10));
  EXPECT_EQ(handler_->wait_closed(), error_code(Error::refused));
  handler_->react = {};
}

TEST_F(DriverTest, GivesUpAPeerThatTakesNothing) {
  start({.write_timeout = 50ms});
  run();
  handler_->run([handler = handler_] {
    for (int i = 0; i < 100; ++i) handler->driver.connection().send(audio(100'000));
    handler->driver.flush();
  });
  EXPECT_EQ(handler_->wait_closed(), error_code(Error::write_timeout));
}

TEST_F(DriverTest, GivesUpAPeerThatSaysNothing) {
  start({.idle_timeout = 50ms});
  run();
  EXPECT_EQ(handler_->wait_closed(), error_code(Error::idle_timeout));
}

TEST_F(DriverTest, HearsWhatAPeerSaidBeforeItClosed) {
  start();
  run();
  peer_->send(audio(10));
  peer_->close();
  handler_->run([handler = handler_] {
    handler->driver.connection().send(audio(100'000));
    handler->driver.flush();
  });
  EXPECT_TRUE(handler_->wait_messages(1));
  EXPECT_TRUE(handler_->wait_closed().has_value());
}

// The other way round both would wait for each other for ever.
TEST_F(DriverTest, ReadsOnOfAPeerThatIsBehindWithItsStream) {
  start();
  run();
  handler_->run([handler = handler_] {
    for (int i = 0; i < 100; ++i) handler->driver.connection().send(audio(100'000));
    handler->driver.flush();
  });
  for (int i = 0; i < 100; ++i) peer_->send(audio(10'000));
  EXPECT_TRUE(handler_->wait_messages(100));
  peer_->close();
  EXPECT_TRUE(handler_->wait_closed().has_value());
}

TEST_F(DriverTest, ReadsNoMoreOfAPeerThatDoesNotReadTheAnswers) {
  start();
  std::atomic<std::size_t> asked = 0;
  handler_->react = [&](const Message&) {
    ++asked;
    handler_->driver.connection().send(audio(100'000));
  };
  run();
  // What the driver reads before its output is full is bounded; then the peer's sends do not get
  // through: the socket says so.
  constexpr std::size_t flood = 100'000;
  std::size_t sent = 0;
  std::vector<std::uint8_t> ping = {0x04, 0, 0, 0, 0, 0, 1, 8, 1, 0, 0, 0, 0xAF};
  const int socket = peer_->release();
  while (sent<flood&& ::send(socket, ping.data(), ping.size(), MSG_NOSIGNAL | MSG_DONTWAIT)> 0)
    ++sent;
  EXPECT_LT(sent, flood);
  EXPECT_LT(asked, flood);
  ::close(socket);
  EXPECT_TRUE(handler_->wait_closed().has_value());
  handler_->react = {};
}

}  // namespace
}  // namespace net
