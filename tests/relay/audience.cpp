// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/audience.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <condition_variable>
#include <future>
#include <numeric>

#include "relay/frames.h"

namespace relay {
namespace {

using namespace std::chrono_literals;
using namespace test;

struct TestPublisher : Publisher {
  void on_replaced() override {}
};

// What a player was given, "ka|i" for two batches.
class TestPlayer : public Player {
 public:
  explicit TestPlayer(bool writes = true) : writes_(writes) {}
  bool deliver(const Batch& batch) override {
    const std::lock_guard lock(mutex_);
    if (!seen_.empty()) seen_ += '|';
    seen_ += letters(batch.frames);
    times_.push_back(net::now());
    changed_.notify_all();
    return writes_;
  }
  std::string wait_for(const std::string& seen) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 10s, [&] { return seen_ == seen; });
    return seen_;
  }
  rtmp::Time last_time() {
    const std::lock_guard lock(mutex_);
    return times_.back();
  }

 private:
  const bool writes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string seen_;
  std::vector<rtmp::Time> times_;
};

class AudienceTest : public testing::Test {
 protected:
  ~AudienceTest() override {
    on_worker([this] {
      for (auto& player : players_) audience_->remove(*player);
    });
  }

  void gather_for(rtmp::Duration latency) {
    stream_->publish(publisher_, Stream::Duplicate::reject, 5s, net::now());
    audience_ = std::make_shared<Audience>(worker_, stream_, latency, post_);
  }
  void on_worker(std::function<void()> work) {
    std::promise<void> done;
    boost::asio::post(worker_.context(), [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  TestPlayer& add_player(bool writes = true) {
    TestPlayer& player = *players_.emplace_back(std::make_unique<TestPlayer>(writes));
    on_worker([&] { audience_->add(player, StartAt::live); });
    return player;
  }
  void push(std::vector<rtmp::Message> messages) {
    stream_->push(*publisher_, messages, net::now());
  }

  net::Worker worker_{"test"};
  std::shared_ptr<Stream> stream_ = std::make_shared<Stream>("live/cam", Stream::Settings{});
  std::shared_ptr<TestPublisher> publisher_ = std::make_shared<TestPublisher>();
  std::vector<std::unique_ptr<TestPlayer>> players_;
  PostRoom post_;
  std::shared_ptr<Audience> audience_;
};

TEST_F(AudienceTest, HandsOnAtOnceWhatCameTogether) {
  gather_for(0s);
  TestPlayer& player = add_player();
  push({audio(0), audio(20)});
  EXPECT_EQ(player.wait_for("aa"), "aa");
  push({audio(40)});
  EXPECT_EQ(player.wait_for("aa|a"), "aa|a");
}

TEST_F(AudienceTest, CountsHowLongFramesWaitedForEachPlayerThatTheyAreWrittenTo) {
  gather_for(0s);
  TestPlayer& player = add_player();
  TestPlayer& other = add_player();
  TestPlayer& slow = add_player(false);
  std::vector messages{audio(0), audio(20)};
  stream_->push(*publisher_, messages, net::now() - 1h);
  for (TestPlayer* one : {&player, &other, &slow}) EXPECT_EQ(one->wait_for("aa"), "aa");
  on_worker([&] {
    EXPECT_EQ(post_.delays.counts.back(), 4u) << "above all bounds";
    EXPECT_EQ(std::accumulate(post_.delays.counts.begin(), post_.delays.counts.end(), 0u), 4u);
    EXPECT_GE(post_.delays.sum_us, 4u * 3600 * 1'000'000);
  });
}

TEST_F(AudienceTest, GathersFramesForItsLatency) {
  gather_for(300ms);
  TestPlayer& player = add_player();
  const rtmp::Time first = net::now();
  push({audio(0)});
  push({audio(20), inter(20)});
  EXPECT_EQ(player.wait_for("aai"), "aai");
  EXPECT_GE(player.last_time() - first, 300ms);
}

TEST_F(AudienceTest, LetsNoKeyFrameWait) {
  gather_for(1h);
  TestPlayer& player = add_player();
  push({audio(0)});
  push({key(20)});
  EXPECT_EQ(player.wait_for("ak"), "ak");
}

TEST_F(AudienceTest, LetsNoNoticeWait) {
  gather_for(1h);
  TestPlayer& player = add_player();
  push({audio(0)});
  stream_->unpublish(*publisher_);
  EXPECT_EQ(player.wait_for("aU"), "aU");
}

TEST_F(AudienceTest, LetsNothingWaitThatHasBecomeMuch) {
  gather_for(1h);
  TestPlayer& player = add_player();
  push({inter(0, 200'000)});
  push({inter(40, 200'000)});
  EXPECT_EQ(player.wait_for("ii"), "ii");
}

TEST_F(AudienceTest, GivesWhoComesLaterOnlyWhatFollows) {
  gather_for(1h);
  TestPlayer& early = add_player();
  push({audio(0)});
  TestPlayer& late = add_player();
  push({key(20)});
  EXPECT_EQ(early.wait_for("ak"), "ak");
  EXPECT_EQ(late.wait_for("k"), "k");
}

TEST_F(AudienceTest, GivesEveryRowEverythingOnce) {
  gather_for(100ms);
  std::vector<TestPlayer*> players;
  while (players.size() < 2500) players.push_back(&add_player());
  push({audio(0), inter(0)});
  for (TestPlayer* player : players) ASSERT_EQ(player->wait_for("ai"), "ai");
  push({key(20)});
  for (TestPlayer* player : players) ASSERT_EQ(player->wait_for("ai|k"), "ai|k");
}

TEST_F(AudienceTest, LeavesStreamsThatNobodyPlays) {
  gather_for(0s);
  TestPlayer& player = add_player();
  on_worker([&] { audience_->remove(player); });
  EXPECT_TRUE(audience_->empty());
  push({key(0)});
  on_worker([] {});
  EXPECT_EQ(player.wait_for(""), "");
}

TEST(Batch, IsTheBytesOfAllItsFrames) {
  const std::vector<FramePtr> frames = {make_frame(key(0, 100'000), 1, 60'000),
                                        make_frame(audio(5), 2, 60'000)};
  const Batch batch(frames);
  std::size_t size = 0;
  for (const rtmp::Bytes& bytes : batch.chunks.bytes) size += bytes.size();
  EXPECT_EQ(size, frames[0]->size() + frames[1]->size());
  EXPECT_EQ(batch.chunks.size, size);
  EXPECT_TRUE(batch.pictures.test(0));
  EXPECT_FALSE(batch.enhanced);
}

TEST(Batch, HasNoBytesWhereSomethingHappened) {
  const std::vector<FramePtr> frames = {make_notice(Frame::Notice::published, 1),
                                        make_frame(key(0), 2, 60'000)};
  EXPECT_TRUE(Batch(frames).chunks.bytes.empty());
}

}  // namespace
}  // namespace relay
