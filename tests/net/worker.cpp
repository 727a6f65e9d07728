// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/worker.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <set>
#include <vector>

namespace net {
namespace {

struct Note : Chore {
  Note(std::vector<int>& all, int value) : notes(all), number(value) {}
  void run() override { notes.push_back(number); }
  std::vector<int>& notes;
  const int number;
};

class WorkerTest : public testing::Test {
 protected:
  template <typename Call>
  void on_worker(Call call) {
    std::promise<void> done;
    boost::asio::post(worker_.context(), [&] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }
  void note(int number) { worker_.soon(std::make_shared<Note>(notes_, number)); }

  std::vector<int> notes_;  // of the worker's thread
  Worker worker_{"test"};
};

TEST_F(WorkerTest, DoesChoresAtTheEndOfATurn) {
  on_worker([&] {
    {
      const Worker::Turn turn(worker_);
      note(1);
      note(2);
      EXPECT_TRUE(notes_.empty()) << "not from within the call";
    }
    EXPECT_EQ(notes_, (std::vector{1, 2}));
  });
}

TEST_F(WorkerTest, DoesChoresLaterWhereThereIsNoTurn) {
  on_worker([&] {
    note(1);
    EXPECT_TRUE(notes_.empty());
  });
  on_worker([] {});  // comes behind the call before, the next one behind its chores
  on_worker([&] { EXPECT_EQ(notes_, std::vector{1}); });
}

TEST_F(WorkerTest, DoesChoresOfOtherThreads) {
  note(1);
  on_worker([&] { EXPECT_EQ(notes_, std::vector{1}); });
}

// What no thread comes to any more goes while both contexts are there.
TEST(Workers, GoWithSocketsOfEachOtherInTheirQueues) {
  Workers workers(2);
  for (int i = 0; i < 2; ++i) {
    boost::asio::ip::tcp::socket socket(workers[1 - i].context(), boost::asio::ip::tcp::v4());
    workers[i].stop();
    boost::asio::post(workers[i].context(), [socket = std::move(socket)] {
      ADD_FAILURE() << "it was stopped: " << socket.is_open();
    });
  }
}

using Secret = std::array<std::uint8_t, 16>;

Secret draw() {
  Secret secret = {};
  secure_random()(secret);
  return secret;
}

TEST(SecureRandom, GivesNothingTwice) {
  std::set<Secret> all;
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(all.insert(draw()).second);
  std::thread([&] { EXPECT_FALSE(all.contains(draw())); }).join();
}

TEST(SecureRandom, FillsWhatIsLargerThanItsStock) {
  std::vector<std::uint8_t> large(100'000);
  secure_random()(large);
  EXPECT_GT(std::set(large.begin(), large.end()).size(), 250u);
  EXPECT_NE(std::vector(large.end() - 16, large.end()), std::vector<std::uint8_t>(16));
}

TEST(SecureRandom, GivesAChildOtherThanItsParent) {
  draw();  // there is a stock now
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const Secret secret = draw();
    ::_exit(::write(ends[1], secret.data(), secret.size()) == ssize_t{secret.size()} ? 0 : 1);
  }
  Secret of_child = {};
  ASSERT_EQ(::read(ends[0], of_child.data(), of_child.size()), ssize_t{of_child.size()});
  EXPECT_NE(of_child, draw());
  ::waitpid(child, nullptr, 0);
  for (const int end : ends) ::close(end);
}

}  // namespace
}  // namespace net
