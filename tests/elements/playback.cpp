// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "elements/client_playback.h"
#include "elements/pipeline.h"

namespace rtmp::test {
namespace {

using namespace std::chrono_literals;

Message metadata(amf::Value duration) {
  return write_data({"onMetaData", {amf::Object{{"duration", std::move(duration)}}}}, 1, 0);
}

// A film of 100 s that has begun.
struct Film : Playback {
  Film() : Playback({}, {}, 5s) {
    receive(metadata(100));
    receive(sequence_header());
    receive(frame(0));
  }
  void answer(const char* code) { on_status({"status", code, ""}); }
  // The frames that wait, by their numbers, and "h" for what is none; "." at the end.
  std::string contents() {
    inbox().set_flushing(false);
    std::string text;
    while (inbox().level().messages > 0) {
      const auto message = inbox().try_pop();
      if (is_border(*message)) {
        text += "| ";
        continue;
      }
      text += is_frame(*message) ? std::to_string(message->timestamp / 40) : "h";
      text += " ";
    }
    if (inbox().push(frame(0)) == net::MessageQueue::Outcome::closed) text += ".";
    return text;
  }
};

TEST(Playback, KnowsTheDurationFromTheMetadata) {
  Playback playback({}, {}, 5s);
  EXPECT_FALSE(playback.duration_ms());
  EXPECT_TRUE(playback.receive(metadata(12.5)));
  EXPECT_EQ(playback.duration_ms(), 12'500);
  EXPECT_TRUE(playback.seekable());
  EXPECT_FALSE(playback.receive(metadata(12.5)));
}

TEST(Playback, TakesNoDurationThatIsNone) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const amf::Value& none : {amf::Value(0), amf::Value(-1), amf::Value(std::nan("")),
                                 amf::Value(infinity), amf::Value(1e300), amf::Value("long")}) {
    Playback playback({}, {}, 5s);
    EXPECT_FALSE(playback.receive(metadata(none)));
    EXPECT_FALSE(playback.seekable());
    EXPECT_FALSE(playback.begin_seek(0, {}));
  }
}

TEST(Playback, IsNotSeekableWhereSomebodyPublishes) {
  Film film;
  film.answer("NetStream.Play.PublishNotify");
  EXPECT_FALSE(film.seekable());
  EXPECT_FALSE(film.duration_ms());
}

TEST(Playback, LosesFramesButNoHeadersUpToTheAnswerOfASeek) {
  Film film;
  ASSERT_TRUE(film.begin_seek(10'000, {}));
  film.receive(frame(1));
  film.receive(sequence_header());
  film.answer("NetStream.Seek.Notify");
  film.receive(frame(250));
  EXPECT_EQ(film.contents(), "h h h 250 ");
}

TEST(Playback, WaitsForTheAnswerOfTheLastSeek) {
  Film film;
  film.begin_seek(10'000, {});
  film.begin_seek(20'000, {});
  film.answer("NetStream.Seek.Notify");
  film.receive(frame(250));
  film.answer("NetStream.Seek.Notify");
  film.receive(frame(500));
  EXPECT_EQ(film.contents(), "h h 500 ");
}

TEST(Playback, TakesWhatComesAfterSomeTimeForTheAnswer) {
  Film film;
  film.begin_seek(10'000, Time(10s));
  film.tick(Time(14s));
  film.receive(frame(1));
  film.tick(Time(15s));
  film.receive(frame(250));
  EXPECT_EQ(film.contents(), "h h 250 ");
}

TEST(Playback, DoesNotEndWithAnEofThatASeekMakes) {
  Film film;
  film.begin_seek(10'000, {});
  film.end();
  film.answer("NetStream.Seek.Notify");
  film.receive(frame(250));
  EXPECT_EQ(film.contents(), "h h 250 ");
}

TEST(Playback, EndsWhereASeekFailsAfterTheEnd) {
  Film film;
  film.begin_seek(10'000, {});
  film.end();
  film.answer("NetStream.Seek.Failed");
  EXPECT_EQ(film.contents(), "h h .");
}

TEST(Playback, GoesOnWithASeekAfterTheEnd) {
  Film film;
  film.end();
  ASSERT_TRUE(film.begin_seek(0, {}));
  film.answer("NetStream.Seek.Notify");
  film.receive(frame(0));
  EXPECT_EQ(film.contents(), "h h 0 ");
}

TEST(Playback, IsNotSeekableOnceTheConnectionIsGone) {
  Film film;
  film.close();
  EXPECT_FALSE(film.begin_seek(0, {}));
  EXPECT_EQ(film.contents(), "h h 0 .");
}

TEST(Playback, SaysUpToWhereTheStreamHasCome) {
  Film film;
  film.receive(frame(3));
  EXPECT_EQ(film.received_ms(), 120);
  film.begin_seek(10'000, {});
  film.receive(frame(4));
  EXPECT_EQ(film.received_ms(), 10'000);
}

// --- another connection

TEST(Playback, PutsABorderBetweenConnections) {
  Playback playback({}, {}, 5s);
  playback.receive(frame(0));
  playback.interrupt();
  EXPECT_FALSE(playback.resume_ms());
  EXPECT_FALSE(playback.reconnect({}));
  Message border;
  playback.inbox().pop(border);
  playback.inbox().pop(border);
  EXPECT_TRUE(Playback::is_border(border));
  EXPECT_FALSE(Playback::resumed_at(border));
}

TEST(Playback, GoesOnInARecordingBehindTheLastFrame) {
  Film film;
  film.receive(frame(1));
  film.interrupt();
  EXPECT_EQ(film.resume_ms(), 0);  // the last key frame
  EXPECT_FALSE(film.reconnect({}));
  for (std::uint32_t i = 0; i < 4; ++i) film.receive(frame(i));
  EXPECT_EQ(film.contents(), "h h 0 1 | 2 3 ");
}

TEST(Playback, KnowsNoFrameByATimeThatIsFarAway) {
  Film film;
  film.receive(frame(1000));
  film.interrupt();
  film.resume_ms();
  film.reconnect({});
  film.receive(frame(1));
  EXPECT_EQ(film.contents(), "h h 1000 | 1 ");
}

TEST(Playback, GoesOnWhereItWasSoughtMeanwhile) {
  Film film;
  film.interrupt();
  ASSERT_TRUE(film.begin_seek(10'000, {}));
  EXPECT_EQ(film.resume_ms(), 10'000);
  EXPECT_FALSE(film.reconnect({}));
  film.receive(frame(250));
  EXPECT_EQ(film.contents(), "h h | 250 ");
}

TEST(Playback, SeeksWhereItWasSoughtAfterTheServerWasAsked) {
  Film film;
  film.interrupt();
  film.resume_ms();
  ASSERT_TRUE(film.begin_seek(10'000, {}));
  EXPECT_EQ(film.reconnect({}), 10'000);
  film.receive(frame(1));
  film.answer("NetStream.Seek.Notify");
  film.receive(frame(250));
  EXPECT_EQ(film.contents(), "h h | 250 ");
}

TEST(Playback, SeeksAgainWhereNoServerHasAnswered) {
  Film film;
  ASSERT_TRUE(film.begin_seek(10'000, {}));
  film.interrupt();
  EXPECT_EQ(film.resume_ms(), 10'000);
}

TEST(Playback, WantsNoMoreOnceTheStreamIsOver) {
  Film film;
  EXPECT_TRUE(film.wants_more());
  film.end();
  EXPECT_FALSE(film.wants_more());
  film.begin_seek(0, {});
  EXPECT_TRUE(film.wants_more());
}

}  // namespace
}  // namespace rtmp::test
