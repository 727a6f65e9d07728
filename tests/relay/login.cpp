// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/login.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "relay/admission.h"

namespace relay {
namespace {

using rtmp::auth::Mode;

std::optional<Passwords> read(std::string_view text) {
  std::string error;
  return read_passwords(text, error);
}

std::string fault(std::string_view text) {
  std::string error;
  EXPECT_EQ(read_passwords(text, error), std::nullopt);
  return error;
}

TEST(Passwords, AreReadFromLines) {
  const Passwords expected{{"alice", "s3cr3t"}, {"bob", "a:b c"}};
  EXPECT_EQ(read("# encoders\n\nalice:s3cr3t\r\nbob:a:b c"), expected);
  EXPECT_EQ(read(""), Passwords{});
}

TEST(Passwords, AreNotShownWhereTheyCannotBeRead) {
  EXPECT_EQ(fault("alice:s3cr3t\nbobs3cr3t\n"), "line 2 is not user:password.");
  for (const char* line : {"s3cr3t", ":s3cr3t", "alice:", "\xff:s3cr3t"})
    EXPECT_EQ(fault(line).find("s3cr3t"), std::string::npos) << line;
  EXPECT_EQ(fault("a:1\na:2"), "line 2 has a user who was there before.");
}

class PasswordFileTest : public testing::Test {
 protected:
  void SetUp() override { write("alice:first"); }
  void TearDown() override { std::filesystem::remove(path_); }
  // Each time as if it was a second later.
  void write(const std::string& text) {
    std::ofstream(path_) << text;
    std::filesystem::last_write_time(
        path_, std::filesystem::file_time_type::clock::now() + std::chrono::seconds(++age_));
  }
  void open() {
    std::string error;
    file_ = PasswordFile::open(
        path_, [this](const std::string& fault) { reloads_.push_back(fault); }, error);
    ASSERT_TRUE(file_) << error;
  }
  std::optional<std::string> find(const std::string& user) {
    return file_->find(user, now_ += std::chrono::seconds(2));
  }

  const std::string path_ = testing::TempDir() + "rtmp-passwords-" + std::to_string(::getpid());
  std::shared_ptr<PasswordFile> file_;
  std::vector<std::string> reloads_;
  rtmp::Time now_ = {};
  int age_ = 0;
};

TEST_F(PasswordFileTest, KnowsWhoIsInIt) {
  open();
  EXPECT_EQ(find("alice"), "first");
  EXPECT_EQ(find("bob"), std::nullopt);
  EXPECT_TRUE(reloads_.empty());
}

TEST_F(PasswordFileTest, IsReadAgainWhenItChanges) {
  open();
  write("alice:second");
  EXPECT_EQ(find("alice"), "second");
  EXPECT_EQ(reloads_, std::vector<std::string>{""});
}

TEST_F(PasswordFileTest, KeepsWhatItHadIfTheNewContentCannotBeRead) {
  open();
  write("alice");
  EXPECT_EQ(find("alice"), "first");
  ASSERT_EQ(reloads_.size(), 1u);
  EXPECT_NE(reloads_[0].find(path_), std::string::npos);
  std::filesystem::remove(path_);
  EXPECT_EQ(find("alice"), "first");
}

TEST_F(PasswordFileTest, ThatIsMissingIsAnErrorThatNamesIt) {
  std::string error;
  EXPECT_FALSE(PasswordFile::open(
      "/nowhere/passwords", [](const std::string&) {}, error));
  EXPECT_NE(error.find("/nowhere/passwords"), std::string::npos);
  EXPECT_FALSE(PasswordFile::open(
      testing::TempDir(), [](const std::string&) {}, error));
}

struct Knowing : Observer {
  void on_password(const std::string& user,
                   std::function<void(std::optional<std::string>)> tell) override {
    ++asked;
    tell(user == "carol" ? std::optional<std::string>("hers") : std::nullopt);
  }
  int asked = 0;
};

class LoginTest : public PasswordFileTest {
 protected:
  void SetUp() override {
    PasswordFileTest::SetUp();
    open();
    settings_.authmod = Mode::adobe;
    settings_.passwords = file_;
    request_.app = request_.app_as_sent = "live";
    request_.looks_like_publisher = true;
  }
  Decision check(const std::string& query = "") {
    std::optional<Decision> answer;
    request_.app_query = query;
    login_->check(request_, settings_, observer_, [&](Decision decision) { answer = decision; });
    return answer.value();
  }
  Decision log_in(const std::string& user, const std::string& password) {
    const rtmp::auth::Credentials credentials{user, password};
    const auto asked = check(rtmp::auth::begin_query(Mode::adobe, credentials).substr(1));
    return check(rtmp::auth::response_query(rtmp::auth::read_challenge(asked.reason), credentials,
                                            "live", net::secure_random())
                     .substr(1));
  }

  Knowing observer_;
  Server::Settings settings_;
  Request request_;
  std::shared_ptr<Login> login_ = std::make_shared<Login>(net::secure_random());
};

TEST_F(LoginTest, TellsWhoHasLoggedIn) {
  const Decision decision = log_in("alice", "first");
  EXPECT_TRUE(decision.allow);
  EXPECT_EQ(decision.user, "alice");
  EXPECT_TRUE(decision.logged_in);
  EXPECT_EQ(observer_.asked, 0);
}

TEST_F(LoginTest, AsksTheObserverForThoseWhoAreNotInTheFile) {
  EXPECT_EQ(log_in("carol", "hers").user, "carol");
  EXPECT_FALSE(log_in("carol", "his").allow);
  EXPECT_FALSE(log_in("dave", "hers").allow);
  EXPECT_EQ(observer_.asked, 3);
}

TEST_F(LoginTest, SaysOfAWrongPasswordAndAnUnknownUserTheSame) {
  EXPECT_EQ(log_in("alice", "second").reason, log_in("mallory", "second").reason);
}

TEST_F(LoginTest, AsksOnlyThoseWhoMust) {
  EXPECT_FALSE(check().allow);
  request_.looks_like_publisher = false;
  EXPECT_TRUE(check().allow);
  settings_.login_for = Wishes::play;
  EXPECT_FALSE(check().allow);
  settings_.login_for = Wishes::all;
  EXPECT_FALSE(check().allow);
  settings_.authmod = Mode::none;
  EXPECT_TRUE(check().allow);
}

TEST_F(LoginTest, TakesThoseAtTheirWordWhoNeedNot) {
  request_.looks_like_publisher = false;
  EXPECT_EQ(log_in("alice", "first").user, "alice");
  EXPECT_FALSE(log_in("alice", "second").allow);
}

}  // namespace
}  // namespace relay
