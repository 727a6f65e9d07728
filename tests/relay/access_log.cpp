// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/access_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "support/process.h"

namespace relay {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// --- lines

SessionReport report() {
  return {.id = 7,
          .address = "192.0.2.1:4711",
          .user = "ann",
          .app = "live",
          .tc_url = "rtmp://h/live",
          .page_url = "http://p/",
          .swf_url = "http://s/",
          .flash_version = "LNX 9,0,124,2",
          .name = "cam",
          .query = "",
          .stream = "live/cam",
          .played = true,
          .end = SessionReport::WallTime(1'700'000'000'123ms),
          .time = 93'784'567ms,
          .bytes_in = 11,
          .bytes_out = 22,
          .frames_dropped = 33,
          .reason = "closed"};
}

std::string line(const std::string& form, const SessionReport& report) {
  std::string error;
  const auto format = LogFormat::read(form, error);
  return format ? format->write(report) : error;
}

TEST(LogFormat, IsJson) {
  EXPECT_EQ(line("json", report()),
            R"({"time":"2023-11-14T22:13:20.123Z","id":7,"address":"192.0.2.1:4711",)"
            R"("user":"ann",)"
            R"("command":"PLAY","stream":"live/cam","app":"live","name":"cam","args":"",)"
            R"("tc_url":"rtmp://h/live","page_url":"http://p/","swf_url":"http://s/",)"
            R"("flash_version":"LNX 9,0,124,2","seconds":93784.567,"bytes_in":11,)"
            R"("bytes_out":22,"frames_dropped":33,"reason":"closed"})");
}

TEST(LogFormat, HasNginxRtmpsVariables) {
  EXPECT_EQ(line("$connection $remote_addr $app/$name?$args", report()), "7 192.0.2.1 live/cam?");
  EXPECT_EQ(line("$flashver|$swfurl|$tcurl|$pageurl", report()),
            "LNX 9,0,124,2|http://s/|rtmp://h/live|http://p/");
  EXPECT_EQ(line("$command $bytes_sent $bytes_received $msec", report()),
            "PLAY 22 11 1700000000.123");
  EXPECT_EQ(line("$session_time ($session_readable_time)", report()), "93784 (1d 2h 3m 4s)");
}

TEST(LogFormat, HasVariablesOfItsOwn) {
  EXPECT_EQ(line("$user $stream $frames_dropped [$reason]", report()), "ann live/cam 33 [closed]");
}

TEST(LogFormat, SaysTheLocalTimeAsNginxDoes) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(line("$time_local", report()), "14/Nov/2023:22:13:20 +0000");
}

TEST(LogFormat, NamesAVariableThatItDoesNotKnow) {
  EXPECT_EQ(line("$app $colour.", report()),
            "The format of the access log has an unknown variable, $colour.");
  EXPECT_EQ(line("100 $", report()), "The format of the access log has an unknown variable, $.");
}

TEST(LogFormat, SaysWhatWasDone) {
  SessionReport both = report();
  both.published = true;
  EXPECT_EQ(line("$command", both), "PLAY+PUBLISH");
  both.played = false;
  EXPECT_EQ(line("$command", both), "PUBLISH");
  both.published = false;
  EXPECT_EQ(line("$command", both), "NONE");
}

TEST(LogFormat, MasksTheValuesOfQueries) {
  SessionReport secret = report();
  secret.query = "token=secret&secret&expires=1=2&";
  EXPECT_EQ(line("$args", secret), "token=****&****&expires=****");
}

TEST(LogFormat, MasksQueriesAndUsersOfUrls) {
  SessionReport secret = report();
  secret.tc_url = "rtmp://user:pass@host:1935/live?token=secret";
  secret.page_url = "http://host/a@b/page";
  secret.swf_url = "user:secret@host";
  EXPECT_EQ(line("$tcurl $pageurl $swfurl", secret),
            "rtmp://****@host:1935/live?**** http://host/a@b/page ****@host");
}

TEST(LogFormat, MasksANameUnderWhichNobodyKnowsTheStream) {
  SessionReport renamed = report();
  renamed.name = "secret-key";
  EXPECT_EQ(line("$name $stream", renamed), "secr**** live/cam");
  renamed.stream = "";
  EXPECT_EQ(line("$name", renamed), "secr****") << "it was refused, and may be half a key";
}

TEST(LogFormat, KeepsWhatClientsSayInItsPlace) {
  SessionReport hostile = report();
  hostile.flash_version = "a\n\"b\\\x1b\x7f\xc3\xa9";
  EXPECT_EQ(line("$flashver", hostile), R"(a\x0A\x22b\x5C\x1B\x7F\xC3\xA9)");
  EXPECT_NE(line("json", hostile)
                .find(R"("flash_version":"a\u000a\"b\\\u001b\u007f)"
                      "\xc3\xa9\""),
            std::string::npos)
      << line("json", hostile);
}

TEST(LogFormat, IsUtf8WhateverClientsSay) {
  SessionReport hostile = report();
  hostile.flash_version = "\xff\xc3(\xc2\x85\xe2\x98";
  EXPECT_NE(
      line("json", hostile).find(R"("flash_version":"\ufffd\ufffd(\ufffd\ufffd\ufffd\ufffd")"),
      std::string::npos)
      << line("json", hostile);
}

// --- the file

class AccessLogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string error;
    format_ = *LogFormat::read("$connection", error);
  }
  std::string path(const std::string& name = "log") const { return folder_ / name; }
  static std::string contents(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(std::uint64_t id) {
    SessionReport one = report();
    one.id = id;
    log_.write(one);
    log_.flush();
  }

  rtmp::test::TemporaryFolder folder_;
  LogFormat format_;
  std::vector<std::string> faults_;  // the log's thread's, until it has flushed
  AccessLog log_{[this](const std::string& fault) { faults_.push_back(fault); }};
};

TEST_F(AccessLogTest, HasALineForEachReport) {
  ASSERT_EQ(log_.set(path(), format_), "");
  write(1);
  write(2);
  EXPECT_EQ(contents(path()), "1\n2\n");
}

TEST_F(AccessLogTest, GoesOnWhereAnotherEnded) {
  std::ofstream(path()) << "0\n";
  ASSERT_EQ(log_.set(path(), format_), "");
  write(1);
  EXPECT_EQ(contents(path()), "0\n1\n");
}

TEST_F(AccessLogTest, WritesNothingWithoutAFile) {
  write(1);
  ASSERT_EQ(log_.set("", format_), "");
  write(2);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  EXPECT_EQ(log_.lost(), 0u);
}

TEST_F(AccessLogTest, IsNotForEverybodysEyes) {
  ASSERT_EQ(log_.set(path(), format_), "");
  EXPECT_EQ(fs::status(path()).permissions() & fs::perms::others_all, fs::perms::none);
}

TEST_F(AccessLogTest, LeavesARenamedFile) {
  ASSERT_EQ(log_.set(path(), format_), "");
  write(1);
  fs::rename(path(), path("old"));
  write(2);
  EXPECT_EQ(contents(path("old")), "1\n");
  EXPECT_EQ(contents(path()), "2\n");
}

TEST_F(AccessLogTest, OpensItAgainAtOnceOnDemand) {
  ASSERT_EQ(log_.set(path(), format_), "");
  fs::rename(path(), path("old"));
  log_.reopen();
  log_.flush();
  EXPECT_TRUE(fs::exists(path()));
}

TEST_F(AccessLogTest, GoesOnInTheRenamedFileIfThereCanBeNoOther) {
  ASSERT_EQ(log_.set(path(), format_), "");
  fs::rename(path(), path("old"));
  fs::create_directory(path());
  write(1);
  write(2);
  EXPECT_EQ(contents(path("old")), "1\n2\n");
  EXPECT_GE(faults_.size(), 1u);
}

TEST_F(AccessLogTest, GoesOnAsBeforeWhereAnotherFileCannotBeWritten) {
  ASSERT_EQ(log_.set(path(), format_), "");
  EXPECT_NE(log_.set("/nowhere/log", format_).find("/nowhere/log"), std::string::npos);
  write(1);
  EXPECT_EQ(contents(path()), "1\n");
}

TEST_F(AccessLogTest, WritesEachLineWhereItWasSetWhenTheLineCame) {
  std::promise<void> told, go_on;
  AccessLog log([&](const std::string&) {
    told.set_value();
    go_on.get_future().wait();
  });
  ASSERT_EQ(log.set("/dev/full", format_), "");
  log.write(report());
  told.get_future().wait();  // its thread is busy from now on
  log.write(report());
  ASSERT_EQ(log.set(path(), format_), "");
  log.write(report());
  go_on.set_value();
  log.flush();
  EXPECT_EQ(contents(path()), "7\n");
  EXPECT_EQ(log.lost(), 2u);
}

TEST_F(AccessLogTest, KeepsTheBeginningOfWhatIsLong) {
  std::string error;
  ASSERT_EQ(log_.set(path(), *LogFormat::read("$flashver", error)), "");
  SessionReport talkative = report();
  talkative.flash_version = std::string(1'000'000, 'x');
  log_.write(talkative);
  log_.flush();
  EXPECT_EQ(contents(path()), std::string(AccessLog::max_text, 'x') + "\n");
}

TEST_F(AccessLogTest, CountsLinesThatADiskDoesNotTakeAndTellsOnce) {
  ASSERT_EQ(log_.set("/dev/full", format_), "");
  write(1);
  write(2);
  EXPECT_EQ(log_.lost(), 2u);
  EXPECT_EQ(faults_.size(), 1u);
}

TEST_F(AccessLogTest, CountsLinesThatDoNotFitIntoItsQueue) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  const int reader = ::open(path().c_str(), O_RDONLY | O_NONBLOCK);
  const SessionReport wide = report();
  std::string error;
  ASSERT_EQ(log_.set(path(), *LogFormat::read(std::string(100, 'x') + "$connection", error)), "");
  for (std::size_t i = 0; i < 3 * AccessLog::max_waiting; ++i) log_.write(wide);
  EXPECT_GT(log_.lost(), 0u) << "nobody reads what it writes";
  ::close(reader);
}

}  // namespace
}  // namespace relay
