// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/hook_call.h"

#include <gtest/gtest.h>

namespace relay {
namespace {

using Answer = net::HttpClient::Answer;

HookDetails details(Request::Action action = Request::Action::publish) {
  HookDetails details;
  details.request.action = action;
  details.request.client_id = 7;
  details.request.address = "127.0.0.1:4711";
  details.request.app = "live";
  details.request.stream = "cam";
  details.name = "live/cam";
  return details;
}

std::string form(HookEvent event, const HookDetails& details) {
  return write_hook(HookStyle::nginx, event, details).content;
}

std::string arguments(const std::string& query) {
  HookDetails publish = details();
  const std::string without = form(HookEvent::publish, publish);
  publish.request.query = query;
  return form(HookEvent::publish, publish).substr(without.size());
}

TEST(HookForm, HasTheFieldsOfNginx) {
  EXPECT_EQ(form(HookEvent::publish, details()),
            "call=publish&app=live&flashver=&swfurl=&tcurl=&pageurl=&addr=127.0.0.1&clientid=7"
            "&name=cam&type=live");
}

TEST(HookForm, SaysWhatHasBecomeOfAPublish) {
  HookDetails update = details();
  update.time = std::chrono::seconds(90);
  update.timestamp = 90'040;
  EXPECT_TRUE(form(HookEvent::update, update).ends_with("&name=cam&time=90&timestamp=90040"));
  EXPECT_TRUE(form(HookEvent::update, update).starts_with("call=update_publish&"));
  EXPECT_TRUE(form(HookEvent::publish_done, update).ends_with("&name=cam"));
}

TEST(HookForm, EncodesEverythingThatIsNotPlain) {
  HookDetails publish = details();
  publish.request.flash_version = "FMLE/3.0 (a&b=c)\r\n\xc3\xa4";
  EXPECT_NE(
      form(HookEvent::publish, publish).find("&flashver=FMLE%2F3.0%20%28a%26b%3Dc%29%0D%0A%C3%A4&"),
      std::string::npos);
}

TEST(HookForm, NamesAddressesWithoutPortAndBrackets) {
  HookDetails publish = details();
  publish.request.address = "[fe80::1]:4711";
  EXPECT_NE(form(HookEvent::publish, publish).find("&addr=fe80%3A%3A1&"), std::string::npos);
}

TEST(HookForm, AppendsTheClientsArgumentsAsTheyAreMeant) {
  EXPECT_EQ(arguments("key=abc"), "&key=abc");
  EXPECT_EQ(arguments("a=1&b=2&&c"), "&a=1&b=2&c=");
  EXPECT_EQ(arguments("k=a%20b+c%2"), "&k=a%20b%2Bc%252");
  EXPECT_EQ(arguments("k=x=y"), "&k=x%3Dy");
}

TEST(HookForm, LetsNoArgumentTakeThePlaceOfAField) {
  for (const char* argument : {"name=x", "NAME=x", "n%61me=x", "%6Eame=x", "name[]=x", " name=x",
                               "name%00=x", "remote.user=x", "remote_user=x", "call", "=x"})
    EXPECT_EQ(arguments(argument), "") << argument;
  EXPECT_EQ(arguments("username=x"), "&username=x");
}

TEST(HookForm, TellsWhoHasLoggedIn) {
  HookDetails publish = details();
  publish.request.user = "alice";
  EXPECT_NE(form(HookEvent::publish, publish).find("&remote_user=alice&"), std::string::npos);
}

TEST(HookForm, NamesWhatIsOutsideOfTheAppInFull) {
  HookDetails publish = details();
  publish.name = "other/cam";
  EXPECT_NE(form(HookEvent::publish, publish).find("&name=other%2Fcam&"), std::string::npos);
}

TEST(HookStyles, KnowWhatTheyAreCalledFor) {
  EXPECT_TRUE(knows(HookStyle::nginx, HookEvent::update));
  EXPECT_TRUE(knows(HookStyle::srs, HookEvent::disconnect));
  EXPECT_FALSE(knows(HookStyle::srs, HookEvent::update));
  EXPECT_TRUE(knows(HookStyle::mediamtx, HookEvent::play));
  EXPECT_FALSE(knows(HookStyle::mediamtx, HookEvent::connect));
}

class HookAnswer : public testing::Test {
 protected:
  Decision read(HookStyle style, const Answer& answer) {
    return read_hook_answer(style, details(action_).request, answer, fault_);
  }
  Request::Action action_ = Request::Action::publish;
  std::string fault_;
};

TEST_F(HookAnswer, OfAnyStyleAcceptsBySuccessAlone) {
  for (const auto style : {HookStyle::nginx, HookStyle::srs, HookStyle::mediamtx}) {
    for (const unsigned status : {200u, 201u, 204u})
      EXPECT_TRUE(read(style, {.status = status}).allow) << status;
    for (const unsigned status : {0u, 100u, 400u, 401u, 403u, 404u, 500u, 503u, 999u})
      EXPECT_FALSE(read(style, {.status = status}).allow) << status;
  }
}

TEST_F(HookAnswer, OfNginxRenames) {
  for (const char* location : {"cam2", "/cam2", "cam2?x=1"}) {
    const Decision decision = read(HookStyle::nginx, {.status = 302, .location = location});
    EXPECT_TRUE(decision.allow) << location;
    EXPECT_EQ(decision.rename, "live/cam2") << location;
  }
  action_ = Request::Action::connect;
  EXPECT_EQ(read(HookStyle::nginx, {.status = 301, .location = "other"}).rename, "other");
}

TEST_F(HookAnswer, OfNginxNamesAnotherServer) {
  const std::string elsewhere = "rtmp://1.2.3.4/live/cam";
  Decision decision = read(HookStyle::nginx, {.status = 302, .location = elsewhere});
  EXPECT_TRUE(decision.allow);
  EXPECT_EQ(decision.rename, "");
  EXPECT_EQ(decision.forward, std::vector{elsewhere});
  action_ = Request::Action::play;
  decision = read(HookStyle::nginx, {.status = 302, .location = elsewhere});
  EXPECT_TRUE(decision.allow);
  EXPECT_EQ(decision.pull, elsewhere);
  action_ = Request::Action::connect;
  EXPECT_FALSE(read(HookStyle::nginx, {.status = 302, .location = elsewhere}).allow);
}

TEST_F(HookAnswer, WithALocationThatIsNoNameRefuses) {
  for (const char* location :
       {"", "/", "?x=1", "http://host/cam", "rtmp:///live/cam", "a\nb", "\xff"}) {
    EXPECT_FALSE(read(HookStyle::nginx, {.status = 302, .location = location}).allow) << location;
    EXPECT_FALSE(fault_.empty()) << location;
  }
  for (const auto style : {HookStyle::srs, HookStyle::mediamtx})
    EXPECT_FALSE(read(style, {.status = 302, .location = "cam2"}).allow);
}

TEST_F(HookAnswer, OfSrsHasACode) {
  for (const char* body : {"", " \n", "0", "{\"code\":0}", "{\"code\": 0, \"data\": null}"})
    EXPECT_TRUE(read(HookStyle::srs, {.status = 200, .body = body}).allow) << body;
  for (const char* body : {"1", "{\"code\":1}", "{\"code\":\"0\"}", "{}", "[]", "0 0", "<html>",
                           "{\"code\":0", "null", "0.0"})
    EXPECT_FALSE(read(HookStyle::srs, {.status = 200, .body = body}).allow) << body;
}

TEST_F(HookAnswer, OfSrsMayNotBeDeep) {
  EXPECT_FALSE(read(HookStyle::srs, {.status = 200, .body = std::string(60'000, '[')}).allow);
}

TEST_F(HookAnswer, ThatNeverCameIsTheOperatorsBusiness) {
  EXPECT_FALSE(read(HookStyle::nginx, {.fault = "it takes too long"}).allow);
  EXPECT_EQ(fault_, "it takes too long");
  EXPECT_FALSE(read(HookStyle::nginx, {.status = 403}).allow);
  EXPECT_EQ(fault_, "");
}

}  // namespace
}  // namespace relay
