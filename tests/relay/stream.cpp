// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/stream.h"

#include <gtest/gtest.h>

#include "relay/frames.h"
#include "relay/hub.h"

namespace relay {
namespace {

using namespace std::chrono_literals;
using namespace test;
using Duplicate = Stream::Duplicate;

const rtmp::Time start = rtmp::Time{} + 1h;

struct TestPublisher : Publisher {
  void on_replaced() override { replaced = true; }
  void on_players(std::size_t count) override { players = count; }
  bool replaced = false;
  std::size_t players = 99;
};

struct TestSubscriber : Subscriber {
  void on_frames(std::span<const FramePtr> frames) override {
    seen += letters(frames);
    all.insert(all.end(), frames.begin(), frames.end());
  }
  std::string seen;
  std::vector<FramePtr> all;
};

struct Shown {
  std::int64_t decoded = 0, shown = 0;
  std::uint8_t mark = 0;  // the payload's last byte
};

class StreamTest : public testing::Test {
 protected:
  std::shared_ptr<TestPublisher> publish(Duplicate policy = Duplicate::reject,
                                         rtmp::Duration at = {}) {
    auto publisher = std::make_shared<TestPublisher>();
    return stream_.publish(publisher, policy, 5s, start + at) ? publisher : nullptr;
  }
  void push(const Publisher& publisher, std::vector<rtmp::Message> batch, rtmp::Duration at = {}) {
    stream_.push(publisher, batch, start + at);
  }
  std::string late_player(StartAt at = StartAt::gop) {
    return letters(stream_.subscribe(std::make_shared<TestSubscriber>(), at).frames);
  }
  std::vector<Shown> pictures_from(StartAt at) {
    std::vector<Shown> all;
    for (const FramePtr& frame : stream_.subscribe(std::make_shared<TestSubscriber>(), at).frames) {
      const rtmp::Bytes payload = frame->encoded.payload;
      const auto packet = rtmp::media::read_video(payload);
      const std::int64_t delay = packet ? packet->tracks.front().composition_time : 0;
      all.push_back({frame->timestamp, frame->timestamp + delay, payload.back()});
    }
    return all;
  }

  Stream stream_{"live/cam", {.gop_cache = {.ms = 1000, .bytes = 100'000, .frames = 8}}};
};

TEST_F(StreamTest, HandsFramesOnInOrder) {
  const auto subscriber = std::make_shared<TestSubscriber>();
  stream_.subscribe(subscriber, StartAt::gop);
  const auto publisher = publish();
  push(*publisher, {metadata(), video_header(), audio_header()});
  push(*publisher, {key(0), audio(5), inter(40)});
  stream_.unpublish(*publisher);
  EXPECT_EQ(subscriber->seen, "PMHhkaiU");
}

TEST_F(StreamTest, SharesOnePayloadWithoutCopyingIt) {
  const auto first = std::make_shared<TestSubscriber>();
  const auto second = std::make_shared<TestSubscriber>();
  stream_.subscribe(first, StartAt::gop);
  stream_.subscribe(second, StartAt::gop);
  const auto publisher = publish();
  rtmp::Message video = key(0, 50'000);
  const std::uint8_t* bytes = video.payload.data();
  std::vector<rtmp::Message> batch;
  batch.push_back(std::move(video));
  push(*publisher, std::move(batch));
  EXPECT_EQ(first->all.back(), second->all.back());
  EXPECT_EQ(first->all.back()->encoded.payload.data(), bytes);
  EXPECT_EQ(first->all.back()->encoded.segments.size(), 1u) << "the header is right before it";
}

TEST_F(StreamTest, GivesLatePlayersMetadataHeadersAndTheGop) {
  const auto publisher = publish();
  push(*publisher, {metadata(), video_header(), audio_header(), key(0), inter(40)});
  push(*publisher, {audio(80), key(120), audio(130), inter(160)});
  EXPECT_EQ(late_player(StartAt::gop), "MhHkai");
  EXPECT_EQ(late_player(StartAt::keyframe), "MhH");
  EXPECT_EQ(late_player(StartAt::live), "MhH");
}

TEST_F(StreamTest, StampsHeadersWithTheTimeOfWhatTheyComeBefore) {
  const auto publisher = publish();
  push(*publisher, {video_header(), audio_header(), key(5'000'000)});
  const Snapshot snapshot = stream_.subscribe(std::make_shared<TestSubscriber>(), StartAt::gop);
  for (const FramePtr& frame : snapshot.frames) EXPECT_EQ(frame->timestamp, 5'000'000);
}

TEST_F(StreamTest, BringsLatePlayersToThePresentWithoutDelay) {
  const auto publisher = publish();
  push(*publisher, {metadata(), video_header(), audio_header(), key(120), audio(130)});
  push(*publisher, {inter(160), audio(170), inter(200), audio(210)});
  const Snapshot snapshot =
      stream_.subscribe(std::make_shared<TestSubscriber>(), StartAt::catch_up);
  ASSERT_EQ(letters(snapshot.frames), "MhHkii");
  std::vector<std::int64_t> times;
  for (const FramePtr& frame : snapshot.frames) times.push_back(frame->timestamp);
  EXPECT_EQ(times, (std::vector<std::int64_t>{0, 198, 198, 198, 199, 200}));
  EXPECT_LT(snapshot.frames.back()->sequence, snapshot.last_sequence) << "sound is newer";
}

std::vector<std::uint8_t> marks_as_shown(std::vector<Shown> pictures) {
  std::ranges::sort(pictures, {}, &Shown::shown);
  std::vector<std::uint8_t> marks;
  for (const Shown& picture : pictures) marks.push_back(picture.mark);
  return marks;
}

// A picture of H.264, or of H.265, whose header leaves out that it is shown at once.
rtmp::Message picture(bool h265, std::int64_t time, std::uint8_t shown_after, std::uint8_t mark) {
  constexpr auto video = rtmp::MessageType::video;
  const std::uint8_t legacy = mark == 1 ? 0x17 : 0x27, frames = mark == 1 ? 0x91 : 0xA1;
  if (!h265) return message(video, time, {legacy, 1, 0, 0, shown_after, mark});
  if (shown_after > 0)
    return message(video, time, {frames, 'h', 'v', 'c', '1', 0, 0, shown_after, mark});
  const std::uint8_t frames_x = frames + 2;
  return message(video, time, {frames_x, 'h', 'v', 'c', '1', mark});
}

// I P B B P B B ..., each B decoded when it is shown.
TEST_F(StreamTest, BringsLatePlayersToThePresentPastPicturesThatAreReordered) {
  stream_.change({});  // with room for longer GOPs
  for (const bool h265 : {false, true}) {
    const auto publisher = publish();
    std::vector<rtmp::Message> gop;
    for (std::uint8_t mark = 1; mark <= 100; ++mark) {
      const std::uint8_t shown_after = mark == 1 ? 40 : mark % 3 == 2 ? 120 : 0;
      gop.push_back(picture(h265, 1000 + 40 * mark, shown_after, mark));
    }
    push(*publisher, std::move(gop));
    const auto before = pictures_from(StartAt::gop), after = pictures_from(StartAt::catch_up);
    ASSERT_EQ(after.size(), 100u);
    EXPECT_EQ(marks_as_shown(after), marks_as_shown(before));
    EXPECT_EQ(after.back().decoded, before.back().decoded);
    EXPECT_GT(after.front().decoded, before.back().decoded - 110);
    for (std::size_t i = 0; i < after.size(); ++i) {
      EXPECT_GE(after[i].shown, after[i].decoded) << i;
      EXPECT_TRUE(i == 0 || after[i].decoded > after[i - 1].decoded) << i;
      const bool to_come = before[i].shown >= before.back().decoded;
      EXPECT_TRUE(!to_come || after[i].shown == before[i].shown) << i;
    }
    stream_.unpublish(*publisher);
  }
}

// A message of two tracks says nothing of one time.
TEST_F(StreamTest, BeginsWithTheGopWhereSeveralTracksInOneAreReordered) {
  const auto publisher = publish();
  const auto two_tracks =
      message(rtmp::MessageType::video, 160,
              {0xA6, 0x11, 'h', 'v', 'c', '1', 0, 0, 0, 4, 0, 0, 80, 1, 1, 0, 0, 4, 0, 0, 80, 2});
  push(*publisher, {key(120), two_tracks, inter(200), inter(210), audio(220)});
  const Snapshot snapshot =
      stream_.subscribe(std::make_shared<TestSubscriber>(), StartAt::catch_up);
  ASSERT_EQ(letters(snapshot.frames), "kiiia");
  EXPECT_EQ(snapshot.frames.front()->timestamp, 120);
}

TEST_F(StreamTest, StampsMetadataWithZeroWhichFFmpegDoesNotTakeForSubtitles) {
  const auto publisher = publish();
  push(*publisher, {metadata(), key(5'000'000)});
  const Snapshot snapshot = stream_.subscribe(std::make_shared<TestSubscriber>(), StartAt::gop);
  ASSERT_EQ(letters(snapshot.frames), "Mk");
  EXPECT_EQ(snapshot.frames.front()->timestamp, 0);
}

TEST_F(StreamTest, KeepsTheLastHeaderOfEachKind) {
  const auto publisher = publish();
  push(*publisher, {video_header(0), key(0), video_header(40), key(40)});
  const Snapshot snapshot = stream_.subscribe(std::make_shared<TestSubscriber>(), StartAt::gop);
  EXPECT_EQ(letters(snapshot.frames), "Hk");
}

TEST_F(StreamTest, CachesNoPicturesOfAnOlderHeader) {
  const auto publisher = publish();
  push(*publisher, {video_header(0), key(0), inter(40),
                    message(rtmp::MessageType::video, 80, {0x17, 0, 0, 0, 0, 1, 0x4D, 0, 0x1F})});
  EXPECT_EQ(late_player(), "H");
}

TEST_F(StreamTest, KeepsTheGopWhenTheSameHeaderComesAgain) {
  const auto publisher = publish();
  push(*publisher, {video_header(0), key(0), inter(40), video_header(80), inter(80)});
  EXPECT_EQ(late_player(), "Hkii");
}

TEST_F(StreamTest, BeginsEachTrackOfPicturesWithItsOwnKeyFrame) {
  const auto second = [](std::uint8_t first_byte, std::int64_t timestamp) {
    return message(rtmp::MessageType::video, timestamp,
                   {first_byte, 0x03, 'a', 'v', 'c', '1', 1, 0xAA});
  };
  constexpr std::uint8_t key_of_second = 0x96, inter_of_second = 0xA6;
  const auto publisher = publish();
  push(*publisher, {second(inter_of_second, 0), second(key_of_second, 10), audio(15), key(20)});
  push(*publisher, {second(inter_of_second, 30), inter(40)});
  EXPECT_EQ(late_player(), "kkii");
  push(*publisher, {second(key_of_second, 50)});
  EXPECT_EQ(late_player(), "kik");
}

TEST_F(StreamTest, BoundsTheGopInTime) {
  const auto publisher = publish();
  push(*publisher, {key(0), inter(900)});
  EXPECT_EQ(late_player(), "ki");
  push(*publisher, {inter(1100)});
  EXPECT_EQ(late_player(), "");
  push(*publisher, {inter(1200), key(1300)});
  EXPECT_EQ(late_player(), "k");
}

TEST_F(StreamTest, BoundsTheGopInBytes) {
  const auto publisher = publish();
  push(*publisher, {key(0, 60'000), inter(40, 60'000)});
  EXPECT_EQ(stream_.stats(start).gop_bytes, 0u);
}

TEST_F(StreamTest, BoundsTheGopInFrames) {
  const auto publisher = publish();
  push(*publisher, {key(0)});
  for (int i = 1; i < 8; ++i) push(*publisher, {inter(i)});
  EXPECT_EQ(stream_.stats(start).gop_frames, 8u);
  push(*publisher, {inter(8)});
  EXPECT_EQ(stream_.stats(start).gop_frames, 0u);
}

TEST_F(StreamTest, CachesNothingOfAudioAlone) {
  const auto publisher = publish();
  for (int i = 0; i < 100; ++i) push(*publisher, {audio(i)});
  EXPECT_EQ(stream_.stats(start).gop_frames, 0u);
}

TEST_F(StreamTest, SaysUpToWhichFrameTheSnapshotGoes) {
  const auto publisher = publish();
  push(*publisher, {key(0), inter(40)});
  const auto subscriber = std::make_shared<TestSubscriber>();
  const Snapshot snapshot = stream_.subscribe(subscriber, StartAt::gop);
  EXPECT_EQ(snapshot.frames.back()->sequence, snapshot.last_sequence);
  push(*publisher, {inter(80)});
  EXPECT_EQ(subscriber->all.front()->sequence, snapshot.last_sequence + 1);
}

TEST_F(StreamTest, ForgetsAPublishersHeadersWithIt) {
  const auto publisher = publish();
  push(*publisher, {metadata(), video_header(), key(0)});
  stream_.unpublish(*publisher);
  EXPECT_EQ(late_player(), "");
  EXPECT_FALSE(stream_.published());
}

TEST_F(StreamTest, RejectsASecondPublisherByPolicy) {
  const auto first = publish();
  EXPECT_EQ(publish(Duplicate::reject), nullptr);
  EXPECT_FALSE(first->replaced);
}

TEST_F(StreamTest, LetsASecondPublisherTakeOverByPolicy) {
  const auto first = publish();
  const auto second = publish(Duplicate::takeover);
  ASSERT_NE(second, nullptr);
  EXPECT_TRUE(first->replaced);
}

TEST_F(StreamTest, LetsASecondPublisherTakeOverFromASilentOne) {
  const auto first = publish();
  push(*first, {key(0)}, 3s);
  EXPECT_EQ(publish(Duplicate::takeover_if_idle, 7s), nullptr);
  EXPECT_NE(publish(Duplicate::takeover_if_idle, 9s), nullptr);
  EXPECT_TRUE(first->replaced);
}

TEST_F(StreamTest, HearsNoMoreOfAPublisherThatWasReplaced) {
  const auto first = publish();
  const auto second = publish(Duplicate::takeover);
  const auto subscriber = std::make_shared<TestSubscriber>();
  stream_.subscribe(subscriber, StartAt::gop);
  push(*first, {key(0)});
  stream_.unpublish(*first);
  EXPECT_EQ(subscriber->seen, "");
  EXPECT_TRUE(stream_.published());
}

TEST_F(StreamTest, CountsPlayersUpToTheLimit) {
  EXPECT_TRUE(stream_.add_player(2));
  EXPECT_TRUE(stream_.add_player(2));
  EXPECT_FALSE(stream_.add_player(2));
  stream_.remove_player();
  EXPECT_TRUE(stream_.add_player(2));
  EXPECT_TRUE(stream_.add_player(0)) << "0 is no limit";
}

TEST_F(StreamTest, TellsThePublisherHowManyPlayersThereAre) {
  ASSERT_TRUE(stream_.add_player(0));
  const auto publisher = publish();
  EXPECT_EQ(publisher->players, 1u);
  ASSERT_TRUE(stream_.add_player(0));
  EXPECT_EQ(publisher->players, 1u) << "it gets nothing yet";
  late_player();
  EXPECT_EQ(publisher->players, 2u);
  stream_.remove_player();
  EXPECT_EQ(publisher->players, 1u);
}

// --- publishers that follow each other

TEST_F(StreamTest, GoesOnThroughATakeoverWithoutAnEnd) {
  const auto subscriber = std::make_shared<TestSubscriber>();
  stream_.subscribe(subscriber, StartAt::gop);
  const auto first = publish();
  push(*first, {key(0)});
  const auto second = publish(Duplicate::takeover);
  push(*second, {metadata(), video_header(), key(0), inter(40)});
  EXPECT_EQ(subscriber->seen, "PkTMHki");
}

// A stream whose players wait for a publisher that went away.
class GraceTest : public testing::Test {
 protected:
  GraceTest() {
    Stream::Hooks hooks;
    hooks.later = [this](rtmp::Duration time, std::function<void()> call) {
      EXPECT_EQ(time, 10s);
      later_.push_back(std::move(call));
    };
    Stream::Settings settings;
    settings.publisher_grace = 10s;
    stream_ = std::make_shared<Stream>("live/cam", settings, hooks);
    stream_->subscribe(subscriber_, StartAt::gop);
    publish({key(1000), audio(1010), inter(1040)}, 0s);
  }
  // A publisher of that name comes and sends.
  void publish(std::vector<rtmp::Message> batch, rtmp::Duration at) {
    publisher_ = std::make_shared<TestPublisher>();
    EXPECT_TRUE(stream_->publish(publisher_, Duplicate::takeover, 5s, start + at));
    stream_->push(*publisher_, batch, start + at);
  }
  void unpublish() { stream_->unpublish(*publisher_); }
  std::vector<std::int64_t> times() const {
    std::vector<std::int64_t> times;
    for (const FramePtr& frame : subscriber_->all)
      if (frame->notice == Frame::Notice::none) times.push_back(frame->timestamp);
    return times;
  }

  std::vector<std::function<void()>> later_;  // what was to be called
  std::shared_ptr<Stream> stream_;
  std::shared_ptr<TestSubscriber> subscriber_ = std::make_shared<TestSubscriber>();
  std::shared_ptr<TestPublisher> publisher_;
};

TEST_F(GraceTest, TellsPlayersNothingOfAPublisherThatComesBack) {
  unpublish();
  publish({video_header(), key(0), inter(40)}, 4s);
  later_.front()();
  EXPECT_EQ(subscriber_->seen, "PkaiRHki");
}

TEST_F(GraceTest, TellsPlayersOfTheEndAfterwards) {
  unpublish();
  EXPECT_EQ(subscriber_->seen, "Pkai");
  later_.front()();
  EXPECT_EQ(subscriber_->seen, "PkaiU");
}

TEST_F(GraceTest, BeginsAnewWithEachPublisherThatGoes) {
  unpublish();
  publish({key(0)}, 4s);
  unpublish();
  later_.front()();
  EXPECT_EQ(subscriber_->seen, "PkaiRk") << "the first wait is over, the second is not";
  later_.back()();
  EXPECT_EQ(subscriber_->seen, "PkaiRkU");
}

TEST_F(GraceTest, EndsWhenNobodyIsWaitedForAnyLonger) {
  unpublish();
  stream_->stop_waiting();
  later_.front()();
  EXPECT_EQ(subscriber_->seen, "PkaiU");
}

TEST_F(StreamTest, GivesANameThatItsPublisherYieldsToAnyOther) {
  struct Yielding : TestPublisher {
    bool yields() const override { return true; }
  };
  const auto first = std::make_shared<Yielding>();
  ASSERT_TRUE(stream_.publish(first, Duplicate::reject, 5s, start));
  EXPECT_TRUE(publish(Duplicate::reject));
  EXPECT_TRUE(first->replaced);
}

TEST(Stream, TellsThatTheLastPlayerHasGone) {
  std::vector<std::string> deserted;
  Stream::Hooks hooks;
  hooks.on_deserted = [&](const std::string& name) { deserted.push_back(name); };
  const auto stream = std::make_shared<Stream>("live/cam", Stream::Settings{}, std::move(hooks));
  stream->add_player(0);
  stream->add_player(0);
  stream->remove_player();
  EXPECT_TRUE(deserted.empty());
  stream->remove_player();
  EXPECT_EQ(deserted, std::vector<std::string>{"live/cam"});
}

TEST_F(GraceTest, TellsTheApplicationAtOnce) {
  unpublish();
  EXPECT_FALSE(stream_->published());
}

TEST_F(GraceTest, GoesOnLaterByTheLengthOfThePause) {
  unpublish();
  publish({key(500'000), inter(500'040)}, 4s);
  EXPECT_EQ(times(), (std::vector<std::int64_t>{1000, 1010, 1040, 5040, 5080}));
}

TEST_F(GraceTest, GoesOnBehindTheLastFrameWithoutAPause) {
  publish({key(0), inter(40)}, 0s);
  EXPECT_EQ(times(), (std::vector<std::int64_t>{1000, 1010, 1040, 1041, 1081}));
}

TEST_F(GraceTest, NeverStepsBehindTheLineThatItGoesOnWith) {
  unpublish();
  publish({key(5000), audio(4000), audio(5020)}, 0s);
  EXPECT_EQ(times(), (std::vector<std::int64_t>{1000, 1010, 1040, 1041, 1041, 1061}));
}

TEST_F(GraceTest, PutsHeadersThatComeFirstNextToTheLastFrameAndMetadataAtZero) {
  unpublish();
  publish({metadata(), video_header(), key(0)}, 0s);
  EXPECT_EQ(times(), (std::vector<std::int64_t>{1000, 1010, 1040, 0, 1040, 1041}));
}

TEST_F(GraceTest, GoesOnWithAKeyFrame) {
  unpublish();
  publish({inter(0), audio(10), key(40), inter(80)}, 0s);
  EXPECT_EQ(subscriber_->seen, "PkaiRaki");
}

TEST_F(GraceTest, ForgetsTheTimeLineWithTheEnd) {
  unpublish();
  later_.front()();
  publish({key(0)}, 60s);
  EXPECT_EQ(times().back(), 0);
  EXPECT_EQ(subscriber_->seen, "PkaiUPk");
}

TEST_F(GraceTest, HandsOnNoEndOfATrack) {
  std::vector end{message(rtmp::MessageType::video, 2000, {0x17, 2, 0, 0, 0})};
  stream_->push(*publisher_, end, start);
  EXPECT_EQ(subscriber_->seen, "Pkai");
}

TEST_F(GraceTest, GivesWhoComesMeanwhileTheNextPublisherAlone) {
  unpublish();
  const auto late = std::make_shared<TestSubscriber>();
  EXPECT_EQ(letters(stream_->subscribe(late, StartAt::gop).frames), "");
  publish({video_header(), key(0)}, 4s);
  EXPECT_EQ(late->seen, "RHk");
}

TEST(Hub, TellsOfPublishersInTheOrderInWhichTheyComeAndGo) {
  std::string told;
  Stream::Hooks hooks;
  hooks.on_change = [&](const std::string& name, bool published) {
    told += name + (published ? "+ " : "- ");
  };
  Hub hub({}, hooks);
  const auto stream = hub.get("a");
  const auto first = std::make_shared<TestPublisher>();
  const auto second = std::make_shared<TestPublisher>();
  stream->publish(first, Duplicate::takeover, 5s, start);
  stream->publish(second, Duplicate::takeover, 5s, start);
  stream->unpublish(*first);
  stream->unpublish(*second);
  EXPECT_EQ(told, "a+ a- a+ a- ");
}

TEST(Hub, GivesOneStreamForOneName) {
  Hub hub({});
  const auto stream = hub.get("live/cam");
  EXPECT_EQ(hub.get("live/cam"), stream);
  EXPECT_NE(hub.get("live/other"), stream);
}

TEST(Hub, ForgetsStreamsThatNobodyHolds) {
  Hub hub({});
  hub.get("live/cam");
  EXPECT_EQ(hub.find("live/cam"), nullptr);
  EXPECT_TRUE(hub.all().empty());
}

}  // namespace
}  // namespace relay
