// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "support/process.h"

namespace net {
namespace {

using namespace std::chrono_literals;
using Tcp = boost::asio::ip::tcp;

class ListenerTest : public testing::Test {
 protected:
  ~ListenerTest() override { listener_.close(); }

  void connect(const std::string& address) {
    Tcp::socket socket(context_);
    error_code error;
    socket.connect({boost::asio::ip::make_address(address), listener_.port()}, error);
    ASSERT_FALSE(error) << address << ": " << error.message();
    sockets_.push_back(std::move(socket));
  }
  bool wait_accepted(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return accepted_.size() >= count; });
  }

  void note_options(int socket) {
    socklen_t size = sizeof user_timeout_ms_;
    ::getsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms_, &size);
    ::getsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &keeps_alive_, &size);
    descriptor_flags_ = ::fcntl(socket, F_GETFD);
  }

  boost::asio::io_context context_;
  std::vector<Tcp::socket> sockets_;
  std::mutex mutex_;  // guards accepted_
  std::condition_variable changed_;
  std::vector<Worker*> accepted_;
  int user_timeout_ms_ = 0, keeps_alive_ = 0, descriptor_flags_ = 0;  // of the last one
  Workers workers_{2};
  Listener listener_{workers_, [this](Worker& worker, Socket socket, const Endpoint& peer) {
                       EXPECT_TRUE(worker.is_current());
                       EXPECT_TRUE(socket.is_open());
                       EXPECT_EQ(to_text(peer), peer_name(socket));
                       const std::lock_guard lock(mutex_);
                       accepted_.push_back(&worker);
                       note_options(socket.native_handle());
                       changed_.notify_all();
                     }};
};

bool has_ipv6() {
  boost::asio::io_context context;
  Tcp::acceptor acceptor(context);
  error_code error;
  acceptor.open(Tcp::v6(), error);
  if (!error) acceptor.bind({boost::asio::ip::address_v6::loopback(), 0}, error);
  return !error;
}

TEST_F(ListenerTest, TakesAnyFreePort) {
  ASSERT_FALSE(listener_.listen("127.0.0.1", 0));
  EXPECT_NE(listener_.port(), 0);
  connect("127.0.0.1");
  EXPECT_TRUE(wait_accepted(1));
}

TEST_F(ListenerTest, ListensOnBothLoopbackAddressesForLocalhost) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  ASSERT_FALSE(listener_.listen("localhost", 0));
  connect("127.0.0.1");
  connect("::1");
  EXPECT_TRUE(wait_accepted(2));
}

TEST_F(ListenerTest, ListensOnEveryAddressOfBothFamiliesForTwoColons) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  ASSERT_FALSE(listener_.listen("::", 0));
  connect("127.0.0.1");
  connect("::1");
  EXPECT_TRUE(wait_accepted(2));
}

TEST_F(ListenerTest, SpreadsConnectionsOverWorkers) {
  ASSERT_FALSE(listener_.listen("127.0.0.1", 0));
  for (int i = 0; i < 4; ++i) connect("127.0.0.1");
  ASSERT_TRUE(wait_accepted(4));
  EXPECT_EQ(std::ranges::count(accepted_, &workers_[0]), 2);
}

TEST_F(ListenerTest, LetsACrowdIn) {
  ASSERT_FALSE(listener_.listen("127.0.0.1", 0));
  for (int i = 0; i < 100; ++i) connect("127.0.0.1");
  EXPECT_TRUE(wait_accepted(100));
}

TEST_F(ListenerTest, LetsThemInWhoWaitedForDescriptors) {
  ASSERT_FALSE(listener_.listen("127.0.0.1", 0));
  Tcp::socket socket(context_, Tcp::v4());
  rlimit limit = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit few = {256, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> taken;
  while (taken.empty() || taken.back() >= 0) taken.push_back(::dup(socket.native_handle()));
  socket.connect({boost::asio::ip::address_v4::loopback(), listener_.port()});
  for (const int descriptor : taken) ::close(descriptor);
  EXPECT_TRUE(wait_accepted(1));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(ListenerTest, LetsTheKernelLookForDeadPeers) {
  ASSERT_FALSE(listener_.listen("127.0.0.1", 0));
  connect("127.0.0.1");
  ASSERT_TRUE(wait_accepted(1));
  EXPECT_EQ(user_timeout_ms_, 30'000);
  EXPECT_EQ(keeps_alive_, 1);
}

TEST_F(ListenerTest, LeavesNoConnectionToProgramsThatTheApplicationStarts) {
  ASSERT_FALSE(listener_.listen("127.0.0.1", 0));
  connect("127.0.0.1");
  ASSERT_TRUE(wait_accepted(1));
  EXPECT_EQ(descriptor_flags_, FD_CLOEXEC);
}

TEST_F(ListenerTest, LeavesNoPortToProgramsThatTheApplicationStarts) {
  ASSERT_FALSE(listener_.listen("127.0.0.1", 0));
  const std::uint16_t port = listener_.port();
  const char* const arguments[] = {"sleep", "60", nullptr};
  pid_t program = 0;  // that runs on after the listener's end
  ASSERT_EQ(::posix_spawnp(&program, arguments[0], nullptr, nullptr,
                           const_cast<char* const*>(arguments), ::environ),
            0);
  listener_.close();
  Listener second(workers_, [](Worker&, Socket, const Endpoint&) {});
  const rtmp::Time give_up = now() + 10s;
  while (second.listen("127.0.0.1", port) && now() < give_up)
    std::this_thread::yield();  // the kernel may still be about to close what it does not inherit
  EXPECT_EQ(second.addresses(), "127.0.0.1:" + std::to_string(port));
  second.close();
  ::kill(program, SIGKILL);
  ::waitpid(program, nullptr, 0);
}

TEST_F(ListenerTest, SaysThatAPortIsInUse) {
  ASSERT_FALSE(listener_.listen("localhost", 0));
  Listener second(workers_, [](Worker&, Socket, const Endpoint&) {});
  EXPECT_EQ(second.listen("localhost", listener_.port()), boost::system::errc::address_in_use);
}

TEST_F(ListenerTest, SaysThatANameIsUnknown) { EXPECT_TRUE(listener_.listen("nosuch.invalid", 0)); }

TEST_F(ListenerTest, AcceptsNothingOnceClosed) {
  const std::uint16_t port = rtmp::test::free_port();
  ASSERT_FALSE(listener_.listen("127.0.0.1", port));
  listener_.close();
  Tcp::socket socket(context_);
  error_code error;
  socket.connect({boost::asio::ip::address_v4::loopback(), port}, error);
  EXPECT_EQ(error, boost::asio::error::connection_refused);
}

TEST_F(ListenerTest, GivesThePortBack) {
  const std::uint16_t port = rtmp::test::free_port();
  ASSERT_FALSE(listener_.listen("127.0.0.1", port));
  listener_.close();
  Listener second(workers_, [](Worker&, Socket, const Endpoint&) {});
  EXPECT_FALSE(second.listen("127.0.0.1", port));
  second.close();
}

}  // namespace
}  // namespace net
