// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/worker.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <future>
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

}  // namespace
}  // namespace net
