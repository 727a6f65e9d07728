// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/limits.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "relay/server_test.h"
#include "rtmp/control.h"

namespace relay {
namespace {

using namespace std::chrono_literals;
using namespace test;
using rtmp::Error;

// --- names and causes

TEST(Limits, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < limit_count; ++i) names.insert(to_name(static_cast<Limit>(i)));
  EXPECT_EQ(names.size(), limit_count);
  EXPECT_EQ(to_name(Limit::memory), "memory");
}

TEST(Limits, AreFoundBehindTheEndOfAConnection) {
  const auto behind = [](Error error) { return limit_behind(error, 3, true); };
  EXPECT_EQ(behind(Error::message_changed), Limit::message_change);
  EXPECT_EQ(behind(Error::too_many_chunk_streams), Limit::chunk_streams);
  EXPECT_EQ(behind(Error::too_many_partial_bytes), Limit::partial_bytes);
  EXPECT_EQ(behind(Error::tiny_chunk_flood), Limit::tiny_chunks);
  EXPECT_EQ(behind(Error::amf_too_large), Limit::amf_size);
  EXPECT_EQ(behind(Error::idle_timeout), Limit::ping_timeout);
  EXPECT_EQ(limit_behind(boost::asio::error::timed_out, 3, true), Limit::network_timeout);
}

TEST(Limits, AreNotBehindAnEndThatIsMeant) {
  EXPECT_EQ(limit_behind(Error::closed, 3, true), std::nullopt);
  EXPECT_EQ(limit_behind(Error::cancelled, 3, true), std::nullopt);
  EXPECT_EQ(limit_behind(boost::asio::error::connection_reset, 3, true), std::nullopt);
}

TEST(Limits, TellWhoKnocksByTheFirstByte) {
  const auto knocks = [](std::uint8_t byte) {
    return limit_behind(Error::unsupported_version, byte, false);
  };
  EXPECT_EQ(knocks(3), Limit::first_byte_rtmp);
  EXPECT_EQ(knocks(0x16), Limit::first_byte_tls);
  EXPECT_EQ(knocks('P'), Limit::first_byte_http);
  EXPECT_EQ(knocks(6), Limit::first_byte_rtmpe);
  EXPECT_EQ(knocks(0x80), Limit::first_byte_other);
}

// --- what is told

const rtmp::Time start = rtmp::Time{} + 1h;

TEST(Moderator, TellsEachThingOnceAMinute) {
  Moderator moderator;
  EXPECT_TRUE(moderator.admits("one", start));
  EXPECT_FALSE(moderator.admits("one", start + 59s));
  EXPECT_TRUE(moderator.admits("other", start + 59s));
  EXPECT_TRUE(moderator.admits("one", start + 61s));
}

TEST(Moderator, TellsFewThingsASecond) {
  Moderator moderator;
  int told = 0;
  for (int i = 0; i < 1000; ++i) told += moderator.admits(std::to_string(i), start);
  EXPECT_EQ(told, 10);
  EXPECT_TRUE(moderator.admits("next", start + 1s));
}

// --- memory

TEST(Budget, CountsWhatIsHeld) {
  const auto budget = std::make_shared<Budget>(100);
  {
    Budget::Share share(budget, 60), other(budget, 30);
    EXPECT_EQ(budget->used(), 90u);
    share.set(10);
    EXPECT_EQ(budget->used(), 40u);
    other = Budget::Share(budget, 7);
    EXPECT_EQ(budget->used(), 17u);
  }
  EXPECT_EQ(budget->used(), 0u);
}

TEST(Budget, IsExceededAboveItsLimit) {
  const auto budget = std::make_shared<Budget>(100);
  Budget::Share share(budget, 100);
  EXPECT_FALSE(budget->exceeded());
  share.set(101);
  EXPECT_TRUE(budget->exceeded());
}

// --- one over each, against a server

// A client that says what no client of ours would.
class LimitTest : public ServerTest {
 protected:
  SyncClient& shake_hands(Server::Settings settings = ServerTest::settings()) {
    start(std::move(settings));
    return next_client();
  }
  SyncClient& next_client() {
    client_ = player();
    EXPECT_TRUE(client_->only_shake_hands());
    return *client_;
  }
  void connect(SyncClient& client, const std::string& app = "live") {
    client.send_raw(rtmp::write_command({"connect", 1, rtmp::amf::Object{{"app", app}}, {}}, 0));
  }
  void create_stream(SyncClient& client) {
    client.send_raw(rtmp::write_command({"createStream", 2, rtmp::amf::Null{}, {}}, 0));
  }
  // The connection ends, for that reason; others do not.
  void expect_end(Limit limit) {
    ASSERT_TRUE(client_->run_until_closed());
    client_->close();
    ASSERT_TRUE(observer_.wait_removed(1));
    EXPECT_EQ(count(limit), 1u);
    EXPECT_TRUE(observer_.told(limit));
    const auto healthy = player();
    EXPECT_TRUE(healthy->start());
  }
  // From a server that speaks RTMP alone.
  void expect_end_after(Limit limit, std::initializer_list<std::uint8_t> bytes) {
    Server::Settings plain = settings();
    plain.protocols = {Protocols::bit(Protocol::rtmp)};
    start(plain);
    client_ = player();
    const std::vector<std::uint8_t> sent(bytes);
    client_->send_bytes(sent);
    expect_end(limit);
  }

  std::unique_ptr<SyncClient> client_;
};

TEST_F(LimitTest, TurnsTlsAway) { expect_end_after(Limit::first_byte_tls, {0x16, 3, 1, 2, 0}); }
TEST_F(LimitTest, TurnsHttpAway) { expect_end_after(Limit::first_byte_http, {'G', 'E', 'T', ' '}); }
TEST_F(LimitTest, TurnsRtmpeAway) { expect_end_after(Limit::first_byte_rtmpe, {6, 0, 0, 0}); }
TEST_F(LimitTest, TurnsRtmpAwayWhereItIsOff) {
  Server::Settings encrypted = settings();
  encrypted.protocols = {static_cast<unsigned>(Protocol::rtmpe)};
  start(encrypted);
  EXPECT_TRUE(player()->run_until_closed());
  ASSERT_TRUE(observer_.wait_removed(1));
  EXPECT_EQ(count(Limit::first_byte_rtmp), 1u);
}
TEST_F(LimitTest, TurnsOthersAway) { expect_end_after(Limit::first_byte_other, {0x80, 0, 0}); }

TEST_F(LimitTest, WaitsNoLongerForConnect) {
  Server::Settings impatient = settings();
  impatient.connect_timeout = 100ms;
  shake_hands(impatient);
  ASSERT_TRUE(observer_.wait_removed(1));
  EXPECT_EQ(count(Limit::connect_timeout), 1u);
}

TEST_F(LimitTest, WaitsNoLongerForPublishOrPlay) {
  Server::Settings impatient = settings();
  impatient.request_timeout = 100ms;
  connect(shake_hands(impatient));
  ASSERT_TRUE(observer_.wait_removed(1));
  EXPECT_EQ(count(Limit::request_timeout), 1u);
}

TEST_F(LimitTest, WaitsNoLongerForAnAnswerToAPing) {
  Server::Settings impatient = settings();
  impatient.ping_interval = 50ms;
  start(impatient);
  const auto sink = player();
  ASSERT_TRUE(sink->start());
  ASSERT_TRUE(observer_.wait_removed(1)) << "nobody reads the ping";
  EXPECT_EQ(count(Limit::ping_timeout), 1u);
}

TEST_F(LimitTest, EndsWhoChangesAMessageInTheMiddle) {
  const std::vector<std::uint8_t> begun = {4, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0};
  std::vector<std::uint8_t> bytes = begun;
  bytes.resize(bytes.size() + 128);
  bytes.insert(bytes.end(), begun.begin(), begun.end());
  bytes[140 + 6] = 1;  // another size
  shake_hands().send_bytes(bytes);
  expect_end(Limit::message_change);
}

TEST_F(LimitTest, EndsWhoUsesTooManyChunkStreams) {
  std::vector<std::uint8_t> bytes;
  for (std::uint8_t id = 0; id < 65; ++id) {
    const std::uint8_t chunk[] = {0, id, 0, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0xAF};
    bytes.insert(bytes.end(), std::begin(chunk), std::end(chunk));
  }
  shake_hands().send_bytes(bytes);
  expect_end(Limit::chunk_streams);
}

TEST_F(LimitTest, EndsWhoSetsAnImpossibleChunkSize) {
  const std::uint8_t bytes[] = {2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0};
  shake_hands().send_bytes(bytes);
  expect_end(Limit::chunk_size);
}

TEST_F(LimitTest, EndsWhoSendsTooManyTinyChunks) {
  std::vector<std::uint8_t> bytes = {2, 0, 0, 0, 0, 0, 4,    1, 0, 0, 0, 0, 0, 0,   0,
                                     1, 4, 0, 0, 0, 0, 0xF0, 0, 8, 0, 0, 0, 0, 0xAF};
  for (int i = 0; i < 16 * 1024; ++i) bytes.insert(bytes.end(), {0xC4, 0});
  shake_hands().send_bytes(bytes);
  expect_end(Limit::tiny_chunks);
}

TEST_F(LimitTest, EndsWhoNestsValuesTooDeep) {
  rtmp::amf::Value value = 1.0;
  for (int i = 0; i < 17; ++i) value = rtmp::amf::StrictArray{{value}};
  shake_hands().send_raw(rtmp::write_command({"connect", 1, rtmp::amf::Null{}, {value}}, 0));
  expect_end(Limit::amf_depth);
}

TEST_F(LimitTest, EndsWhoSendsTooManyValues) {
  const rtmp::amf::StrictArray many{std::vector<rtmp::amf::Value>(4097, 1.0)};
  shake_hands().send_raw(rtmp::write_command({"connect", 1, rtmp::amf::Null{}, {many}}, 0));
  expect_end(Limit::amf_size);
}

TEST_F(LimitTest, EndsWhoCreatesTooManyStreams) {
  connect(shake_hands());
  for (int i = 0; i < 17; ++i) create_stream(*client_);
  expect_end(Limit::message_streams);
}

TEST_F(LimitTest, EndsWhoGivesTooManyCommandsBeforePublishOrPlay) {
  connect(shake_hands());
  for (int i = 0; i < 300; ++i)
    client_->send_raw(rtmp::write_command({"_checkbw", 0, rtmp::amf::Null{}, {}}, 0));
  expect_end(Limit::commands);
}

TEST_F(LimitTest, RefusesNamesThatAreTooLong) {
  connect(shake_hands(), std::string(513, 'a'));
  ASSERT_TRUE(client_->run_until([this] { return count(Limit::names) == 1; }));
}

TEST_F(LimitTest, RefusesAHostWithTooManyConnections) {
  Server::Settings limited = settings();
  limited.max_connections_per_host = 1;
  shake_hands(limited);
  const auto second = player();
  EXPECT_TRUE(second->run_until_closed());
  EXPECT_EQ(count(Limit::connections_per_host), 1u);
}

TEST_F(LimitTest, GivesUpAGroupOfPicturesThatIsTooLarge) {
  Server::Settings limited = settings();
  limited.gop_cache.bytes = 100'000;
  start(limited);
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  source->send({key(0, 60'000), inter(40, 60'000)});
  ASSERT_TRUE(source->run_until([this] { return count(Limit::gop_cache) == 1; }));
  EXPECT_EQ(observer_.told_of.front(), "live****") << "a name may be a secret";
  EXPECT_EQ(server_->stats().gop_memory, 0u);
}

class MemoryTest : public LimitTest {
 protected:
  void start_with(std::size_t bytes) {
    Server::Settings limited = settings();
    limited.max_memory = bytes;
    limited.player_queue = {.bytes = 1u << 30, .time = 1h, .hard_bytes = 1u << 30, .hard_time = 1h};
    start(limited);
  }
  // Sends the first chunk of a message of 64000 bytes on that chunk stream and leaves it at that.
  void begin_message(SyncClient& client, std::uint8_t chunk_stream) {
    client.send_raw(rtmp::control::write(rtmp::control::SetChunkSize{63'000}));
    std::vector<std::uint8_t> bytes = {chunk_stream, 0, 0, 0, 0, 0xFA, 0, 8, 0, 0, 0, 0};
    bytes.resize(bytes.size() + 63'000);
    client.send_bytes(bytes);
  }
};

TEST_F(MemoryTest, HoldsNoMoreThanHalfForLatePlayers) {
  start_with(200'000);
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  source->send({key(0, 90'000)});
  ASSERT_TRUE(source->run_until([this] { return server_->stats().gop_memory > 90'000; }));
  source->send({inter(40, 20'000)});
  ASSERT_TRUE(source->run_until([this] { return count(Limit::gop_cache_total) == 1; }));
  EXPECT_EQ(server_->stats().gop_memory, 0u);
  EXPECT_EQ(server_->stats().memory, 0u);
}

TEST_F(MemoryTest, TakesWhatWaitsForSlowPlayers) {
  start_with(4'000'000);
  const auto stalled = player(), healthy = player();
  ASSERT_TRUE(stalled->start() && healthy->start());
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  std::string expected = sample_access;
  for (int i = 0; i < 2000 && count(Limit::memory) == 0; ++i) {
    source->send({audio(i, 30'000)});
    expected += 'a';
    ASSERT_TRUE(healthy->run_until_seen(expected));
  }
  EXPECT_GE(count(Limit::memory), 1u);
  EXPECT_GT(server_->stats().frames_dropped, 0u);
  EXPECT_FALSE(observer_.has_removed());
}

TEST_F(MemoryTest, LetsNobodyNewIn) {
  start_with(50'000);
  begin_message(next_client(), 4);
  ASSERT_TRUE(client_->run_until([this] { return server_->stats().memory > 50'000; }));
  const auto second = player();
  EXPECT_TRUE(second->run_until_closed());
  EXPECT_EQ(count(Limit::memory), 1u);
}

TEST_F(MemoryTest, EndsWhoIsInTheMiddleOfMuch) {
  start_with(100'000);
  next_client();
  begin_message(*client_, 4);
  begin_message(*client_, 5);
  expect_end(Limit::memory);
  EXPECT_EQ(server_->stats().memory, 0u);
}

// --- the document

std::string contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class Document : public testing::Test {
 protected:
  const std::filesystem::path tests_ =
      std::getenv("RTMP_TEST_DATA") ? std::getenv("RTMP_TEST_DATA") : "../tests";
  const std::string text_ = contents(tests_ / "../docs/limits.md");
};

TEST_F(Document, NamesEveryCounter) {
  for (std::size_t i = 0; i < limit_count; ++i) {
    const std::string name(to_name(static_cast<Limit>(i)));
    EXPECT_NE(text_.find("`" + name + "`"), std::string::npos) << name;
  }
}

TEST_F(Document, NamesTestsThatThereAre) {
  std::string sources;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(tests_))
    if (entry.path().extension() == ".cpp") sources += contents(entry.path());
  const std::regex name("`([A-Za-z]+)\\.([A-Z][A-Za-z0-9]+)`");
  std::size_t found = 0;
  for (std::sregex_iterator it(text_.begin(), text_.end(), name), end; it != end; ++it, ++found) {
    const std::string test = "(" + it->str(1) + ", " + it->str(2) + ")";
    EXPECT_NE(sources.find(test), std::string::npos) << test;
  }
  EXPECT_GT(found, 20u);
}

}  // namespace
}  // namespace relay
