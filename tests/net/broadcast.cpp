// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/broadcast.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

namespace net {
namespace {

using rtmp::as_bytes;

// A socket to write to, and its reader.
class Pair {
 public:
  Pair() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets_.data()), 0);
    for (const int socket : sockets_) ::fcntl(socket, F_SETFL, O_NONBLOCK);
  }
  ~Pair() {
    stop_reading();
    ::close(sockets_[0]);
  }
  Pair(const Pair&) = delete;

  int socket() const { return sockets_[0]; }
  std::string read() {
    std::string text(1 << 20, '\0');
    const ssize_t count = ::read(sockets_[1], text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }
  // Writes until the kernel takes no more.
  void fill() {
    const std::string block(4096, 'x');
    while (::send(sockets_[0], block.data(), block.size(), MSG_NOSIGNAL) > 0) {
    }
  }
  void stop_reading() {
    if (sockets_[1] >= 0) ::close(sockets_[1]);
    sockets_[1] = -1;
  }

 private:
  std::array<int, 2> sockets_ = {-1, -1};
};

// Whether the library was there to build with, and the kernel goes along.
bool has_rings() {
#ifdef HAVE_LIBURING
  io_uring_params parameters = {};
  const auto ring = static_cast<int>(::syscall(SYS_io_uring_setup, 1, &parameters));
  if (ring >= 0) ::close(ring);
  return ring >= 0;
#else
  return false;
#endif
}

class BroadcastTest : public testing::TestWithParam<Broadcast::Way> {
 protected:
  BroadcastTest() : broadcast_(GetParam()) {}
  void SetUp() override {
    const bool gathers = GetParam() == Broadcast::Way::best;
    if (gathers && !has_rings()) GTEST_SKIP() << "No io_uring here.";
    std::array<Pair, 20> pairs;
    write_hello(pairs);
    ASSERT_EQ(broadcast_.gathers(), gathers);
  }

  std::span<const ssize_t> write_hello(std::span<Pair> pairs) {
    const auto hello = as_bytes("hello");
    return write(pairs, {&hello, 1});
  }
  void expect_hello_to_each_of(std::span<Pair> pairs) {
    for (const ssize_t result : write_hello(pairs)) EXPECT_EQ(result, 5);
    for (Pair& pair : pairs) EXPECT_EQ(pair.read(), "hello");
  }
  std::span<const ssize_t> write(std::span<Pair> pairs, std::span<const rtmp::Bytes> spans) {
    std::vector<int> sockets;
    for (const Pair& pair : pairs) sockets.push_back(pair.socket());
    return broadcast_.write(spans, sockets);
  }

  Broadcast broadcast_;
};

TEST_P(BroadcastTest, WritesToEachSocket) {
  std::array<Pair, 300> pairs;
  expect_hello_to_each_of(pairs);
}

TEST_P(BroadcastTest, WritesSpansOneAfterTheOther) {
  std::array<Pair, 20> pairs;
  const std::array spans{as_bytes("one "), as_bytes("two "), as_bytes("three")};
  for (const ssize_t result : write(pairs, spans)) EXPECT_EQ(result, 13);
  for (Pair& pair : pairs) EXPECT_EQ(pair.read(), "one two three");
}

TEST_P(BroadcastTest, WritesToFewAsWell) {
  std::array<Pair, 2> pairs;
  expect_hello_to_each_of(pairs);
}

TEST_P(BroadcastTest, DoesNotWaitForAFullSocket) {
  std::array<Pair, 20> pairs;
  pairs[7].fill();
  const auto results = write_hello(pairs);
  EXPECT_EQ(results[7], 0);
  EXPECT_EQ(results[8], 5);
}

TEST_P(BroadcastTest, SaysHowMuchOfALargeWriteWentThrough) {
  std::array<Pair, 20> pairs;
  const std::string large(8 << 20, 'x');
  const auto bytes = as_bytes(large);
  const auto results = write(pairs, {&bytes, 1});
  ASSERT_GT(results[3], 0);
  ASSERT_LT(results[3], static_cast<ssize_t>(large.size()));
  const auto written = static_cast<std::size_t>(results[3]);
  std::size_t read = 0;
  for (std::string part = pairs[3].read(); !part.empty(); part = pairs[3].read())
    read += part.size();
  EXPECT_EQ(read, written);
}

TEST_P(BroadcastTest, SaysWhoHasGone) {
  std::array<Pair, 20> pairs;
  pairs[3].stop_reading();
  const auto results = write_hello(pairs);
  EXPECT_EQ(results[3], -EPIPE);
  EXPECT_EQ(results[4], 5);
}

TEST_P(BroadcastTest, WritesAgainAndAgain) {
  std::array<Pair, 40> pairs;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string text = std::to_string(i) + " ";
    const auto bytes = as_bytes(text);
    write(pairs, {&bytes, 1});
    expected += text;
  }
  for (Pair& pair : pairs) EXPECT_EQ(pair.read(), expected);
}

// As the kernel does to who has opened a ring that ends.
TEST(Broadcast, DoesNotInterruptTheThreadThatOnlyOwnsIt) {
  Pair silent;
  ::fcntl(silent.socket(), F_SETFL, 0);
  const timeval patience = {0, 10'000};
  ::setsockopt(silent.socket(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char nothing = 0;
  ::recv(silent.socket(), &nothing, 1, 0);  // what other tests have left
  for (int i = 0; i < 10; ++i) {
    {
      Broadcast broadcast;
      std::thread([&] {
        std::array<Pair, 20> pairs;
        std::vector<int> sockets;
        for (const Pair& pair : pairs) sockets.push_back(pair.socket());
        const auto hello = as_bytes("hello");
        broadcast.write({&hello, 1}, sockets);
      }).join();
    }
    EXPECT_EQ(::recv(silent.socket(), &nothing, 1, 0), -1);
    EXPECT_EQ(errno, EAGAIN);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, BroadcastTest,
                         testing::Values(Broadcast::Way::best, Broadcast::Way::plain),
                         [](const auto& way) {
                           return way.param == Broadcast::Way::best ? "Best" : "Plain";
                         });

}  // namespace
}  // namespace net
