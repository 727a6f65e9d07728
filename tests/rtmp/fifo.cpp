// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/fifo.h"

#include <gtest/gtest.h>

#include <memory>

namespace rtmp {
namespace {

TEST(Fifo, GivesItemsInTheOrderTheyCame) {
  Fifo<std::unique_ptr<int>> fifo;
  int next = 0;
  for (int i = 0; i < 100; ++i) {
    fifo.push(std::make_unique<int>(2 * i));
    fifo.push(std::make_unique<int>(2 * i + 1));
    EXPECT_EQ(*fifo.pop(), next++);
  }
  EXPECT_EQ(fifo.size(), 100u);
  while (const auto item = fifo.take()) EXPECT_EQ(**item, next++);
  EXPECT_EQ(next, 200);
}

TEST(Fifo, HasNothingToTakeWhenItIsEmpty) {
  Fifo<int> fifo;
  EXPECT_FALSE(fifo.take());
  fifo.push(1);
  fifo.clear();
  EXPECT_TRUE(fifo.empty());
  EXPECT_EQ(fifo.begin(), fifo.end());
}

TEST(Fifo, DropsItemsFromItsMiddle) {
  Fifo<int> fifo;
  for (int i = 0; i < 6; ++i) fifo.push(i);
  fifo.pop();
  fifo.erase_if([](int item) { return item % 2 == 0; });
  EXPECT_EQ(std::vector<int>(fifo.begin(), fifo.end()), (std::vector<int>{1, 3, 5}));
}

TEST(Fifo, GivesUpItsMemoryAfterItWasLong) {
  Fifo<int> fifo;
  for (int i = 0; i < 1000; ++i) fifo.push(i);
  while (!fifo.empty()) fifo.pop();
  EXPECT_EQ(fifo.begin(), nullptr);
}

}  // namespace
}  // namespace rtmp
