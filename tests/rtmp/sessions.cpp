// The sessions against each other over two connections, and each against a scripted peer.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <cmath>

#include "pair.h"
#include "rtmp/client_session.h"
#include "rtmp/flv.h"
#include "rtmp/server_session.h"

namespace rtmp {
namespace {

using namespace std::chrono_literals;
using test::from_hex;
using test::to_hex;
using Texts = std::vector<std::string>;
using Purpose = ClientSession::Purpose;

constexpr Time start = Time{} + 1h;

std::string number(double value) { return std::to_string(static_cast<long long>(value)); }

// --- what sessions say, as text ---

std::string kind_of(MessageType type) {
  if (type == MessageType::audio) return "audio";
  return type == MessageType::video ? "video" : "data";
}

std::string describe_media(const Message& message) {
  return kind_of(message.type) + " @" + std::to_string(message.stream_id) + " " +
         std::to_string(message.timestamp) + " " + to_hex(message.payload);
}

struct DescribeServer {
  std::string operator()(const server_event::ConnectRequest& e) { return "connect " + e.app; }
  std::string operator()(const server_event::PublishRequest& e) {
    return "publish @" + number(e.stream_id) + " " + e.name + "?" + e.query + " " + e.type;
  }
  std::string operator()(const server_event::PlayRequest& e) {
    return "play @" + number(e.stream_id) + " " + e.name + "?" + e.query + " " +
           std::array{"any", "live", "at"}[static_cast<std::size_t>(e.start)] + " " +
           number(e.start_ms) + " " + number(e.duration_ms) + (e.reset ? " reset" : "");
  }
  std::string operator()(const server_event::MediaReceived& e) { return describe_media(e.message); }
  std::string operator()(const server_event::StreamClosed& e) {
    return "closed @" + number(e.stream_id);
  }
  std::string operator()(const server_event::PauseRequest& e) {
    return (e.pause ? "pause @" : "resume @") + number(e.stream_id) + " " + number(e.position_ms);
  }
  std::string operator()(const server_event::SeekRequest& e) {
    return "seek @" + number(e.stream_id) + " " + number(e.position_ms);
  }
  std::string operator()(const server_event::ReceiveRequest& e) {
    return kind_of(e.type) + (e.enabled ? " on" : " off");
  }
};

struct DescribeClient {
  std::string operator()(const client_event::Connected&) { return "connected"; }
  std::string operator()(const client_event::Started& e) {
    return "started @" + number(e.stream_id);
  }
  std::string operator()(const client_event::Refused& e) {
    return "refused " + e.command + " " + e.status.code;
  }
  std::string operator()(const client_event::AuthenticationWanted& e) { return "auth " + e.query; }
  std::string operator()(const client_event::ReconnectWanted& e) { return "reconnect " + e.tc_url; }
  std::string operator()(const client_event::StatusReceived& e) {
    return "status " + e.status.code;
  }
  std::string operator()(const client_event::MediaReceived& e) { return describe_media(e.message); }
  std::string operator()(const client_event::StreamEnded& e) {
    return std::string("ended ") + std::array{"eof", "unpublished", "stopped",
                                              "complete"}[static_cast<std::size_t>(e.reason)];
  }
  std::string operator()(const client_event::StreamResumed&) { return "resumed"; }
};

// "NAME TRANSACTION [@STREAM] code or arguments" of a command, "#TYPE payload" of anything else.
std::string describe_sent(const Message& message) {
  if (message.type != MessageType::command)
    return "#" + std::to_string(static_cast<int>(message.type)) + " " + to_hex(message.payload);
  const Command command = read_command(message).value();
  std::string text = command.name + " " + number(command.transaction_id);
  if (message.stream_id > 0) text += " @" + number(message.stream_id);
  for (const amf::Value& argument : command.arguments) {
    const std::string code = read_status(argument).code;
    text += " " + (code.empty() ? amf::to_text(argument) : code);
  }
  return text;
}

Texts take_sent(auto& session) {
  Texts texts;
  for (const Message& message : session.take_output()) texts.push_back(describe_sent(message));
  return texts;
}

Message media(MessageType type, std::uint32_t stream_id, std::string_view payload,
              std::int64_t timestamp = 0) {
  return {type, stream_id, timestamp, Buffer::adopt(from_hex(payload))};
}

const Message early_audio = media(MessageType::audio, 1, "af00");

// --- the server against a scripted client ---

class Server : public testing::Test {
 protected:
  Result<void> receive(const Message& message) { return session_.receive(message, now_); }
  Result<void> ask(std::string name, double transaction, std::vector<amf::Value> arguments = {},
                   std::uint32_t stream_id = 0) {
    return receive(write_command({std::move(name), transaction, amf::Null{}, std::move(arguments)},
                                 stream_id));
  }
  Result<void> connect(amf::Value object = amf::Object{{"app", "live"}}) {
    return receive(write_command({"connect", 1, std::move(object), {}}, 0));
  }

  void connected() {
    ASSERT_TRUE(connect());
    session_.accept_connect();
    forget();
  }
  void with_stream() {
    connected();
    ASSERT_TRUE(ask("createStream", 2));
    forget();
  }
  void publishing() {
    with_stream();
    ASSERT_TRUE(ask("publish", 5, {"cam", "live"}, 1));
    session_.accept_publish(1);
    forget();
  }
  void playing() {
    with_stream();
    ASSERT_TRUE(ask("play", 5, {"cam"}, 1));
    session_.accept_play(1);
    forget();
  }

  void forget() {
    events();
    sent();
  }
  Texts events() {
    Texts texts;
    while (auto event = session_.next_event())
      texts.push_back(std::visit(DescribeServer(), *event));
    return texts;
  }
  Texts sent() { return take_sent(session_); }

  ServerSession session_{{}, start};
  Time now_ = start;
};

TEST_F(Server, AnswersConnectWithWindowsAndChunkSizeFirst) {
  ASSERT_TRUE(connect());
  EXPECT_EQ(events(), Texts{"connect live"});
  session_.accept_connect();
  EXPECT_EQ(sent(), (Texts{"#5 002625a0", "#6 002625a002", "#1 0000ea60",
                           "_result 1 NetConnection.Connect.Success"}));
}

TEST_F(Server, TellsAppQueryAndTheDefaultInstanceApart) {
  ASSERT_TRUE(
      connect(amf::Object{{"app", "/live/_definst_/?vhost=x"}, {"tcUrl", "rtmp://h/live"}}));
  const auto request = std::get<server_event::ConnectRequest>(*session_.next_event());
  EXPECT_EQ(request.app, "live");
  EXPECT_EQ(request.app_query, "vhost=x");
  EXPECT_EQ(request.tc_url, "rtmp://h/live");
}

TEST_F(Server, TakesARequestWithoutANameForTheAppAlone) {
  with_stream();
  ASSERT_TRUE(ask("publish", 5, {"?key=1"}, 1));
  const auto request = std::get<server_event::PublishRequest>(*session_.next_event());
  EXPECT_EQ(request.name, "");
  EXPECT_EQ(request.query, "key=1");
}

TEST_F(Server, ToleratesConnectWithoutFieldsOrWithOthers) {
  const char* names[] = {"app", "tcUrl", "pageUrl", "swfUrl", "flashVer", "objectEncoding"};
  const amf::Value values[] = {amf::Null{},   amf::Undefined{},           7,           true,
                               amf::Object{}, amf::StrictArray{{1, "x"}}, std::nan("")};
  for (const char* name : names) {
    for (const amf::Value& value : values) {
      session_ = ServerSession({}, start);
      ASSERT_TRUE(connect(amf::Object{{name, value}}));
      EXPECT_EQ(events(), Texts{"connect "});
      session_.accept_connect();
      EXPECT_TRUE(session_.connected());
    }
  }
  session_ = ServerSession({}, start);
  ASSERT_TRUE(connect(amf::Null{}));
  EXPECT_EQ(events(), Texts{"connect "});
}

TEST_F(Server, AnswersConnectWithItsOwnTransaction) {
  ASSERT_TRUE(receive(write_command({"connect", 7, amf::Object{}, {}}, 0)));
  session_.reject_connect({"error", "NetConnection.Connect.Rejected", "no"});
  EXPECT_EQ(sent(), Texts{"_error 7 NetConnection.Connect.Rejected"});
}

TEST_F(Server, HearsNoMoreOfARejectedClient) {
  ASSERT_TRUE(connect());
  ASSERT_TRUE(ask("createStream", 2));
  session_.reject_connect({"error", "NetConnection.Connect.Rejected", "no"});
  forget();
  EXPECT_TRUE(ask("createStream", 3));
  EXPECT_EQ(sent(), Texts{});
}

TEST_F(Server, RefusesBadAppNames) {
  for (const std::string& name :
       {std::string(513, 'a'), std::string("a\nb"), std::string("\xff")}) {
    session_ = ServerSession({}, start);
    ASSERT_TRUE(connect(amf::Object{{"app", name}}));
    EXPECT_EQ(events(), Texts{});
    EXPECT_EQ(sent(), Texts{"_error 1 NetConnection.Connect.InvalidApp"});
  }
}

TEST_F(Server, EndsWithCommandsBeforeConnectAndASecondConnect) {
  EXPECT_EQ(ask("createStream", 1).error(), Error::unexpected_command);
  connected();
  EXPECT_EQ(connect().error(), Error::unexpected_command);
}

TEST_F(Server, TakesControlAndMediaBeforeConnectCalmly) {
  EXPECT_TRUE(receive(early_audio));
  EXPECT_TRUE(receive(media(MessageType::user_control, 0, "0003")));
  EXPECT_TRUE(receive(media(static_cast<MessageType>(99), 0, "0003")));
  EXPECT_EQ(events(), Texts{});
}

TEST_F(Server, AnswersWhatWasAskedBehindConnectInOrder) {
  ASSERT_TRUE(connect());
  ASSERT_TRUE(ask("createStream", 2));
  ASSERT_TRUE(ask("publish", 3, {"cam"}, 1));
  ASSERT_TRUE(receive(early_audio));
  EXPECT_EQ(events(), Texts{"connect live"});
  session_.accept_connect();
  EXPECT_EQ(sent().back(), "_result 2 1");
  EXPECT_EQ(events(), Texts{"publish @1 cam? live"});
  ASSERT_TRUE(receive(media(MessageType::audio, 1, "af01")));
  session_.accept_publish(1);
  EXPECT_EQ(events(), (Texts{"audio @1 0 af00", "audio @1 0 af01"}));
}

TEST_F(Server, ReportsAFaultBehindConnectAtItsNextChance) {
  ASSERT_TRUE(connect());
  ASSERT_TRUE(connect());
  session_.accept_connect();
  EXPECT_EQ(session_.deadline(), now_);
  EXPECT_EQ(session_.tick(now_).error(), Error::unexpected_command);
}

TEST_F(Server, HoldsOnlySoMuchUntilItAnswers) {
  ASSERT_TRUE(connect());
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(ask("createStream", 2));
  EXPECT_TRUE(receive(early_audio));
  EXPECT_EQ(ask("createStream", 2).error(), Error::too_many_commands);
}

TEST_F(Server, NeverGivesOneRequestsAnswerToTheNext) {
  with_stream();
  ASSERT_TRUE(ask("publish", 3, {"mine"}, 1));
  ASSERT_TRUE(ask("closeStream", 0, {}, 1));
  ASSERT_TRUE(ask("publish", 4, {"yours"}, 1));
  EXPECT_EQ(events(), Texts{"publish @1 mine? live"});
  session_.accept_publish(1);
  EXPECT_EQ(events(), (Texts{"closed @1", "publish @1 yours? live"}));
}

TEST_F(Server, NumbersStreamsFromOneAndLimitsThem) {
  connected();
  for (int i = 1; i <= 16; ++i) {
    ASSERT_TRUE(ask("createStream", 1 + i));
    EXPECT_EQ(sent(), Texts{"_result " + std::to_string(1 + i) + " " + std::to_string(i)});
  }
  EXPECT_EQ(ask("createStream", 99).error(), Error::too_many_streams);
  EXPECT_EQ(sent(), Texts{"_error 99 NetConnection.Call.Failed"});
}

TEST_F(Server, AnswersWhatItDoesNotKnowWithNull) {
  connected();
  ASSERT_TRUE(ask("releaseStream", 2, {"cam"}));
  ASSERT_TRUE(ask("_checkbw", 3));
  ASSERT_TRUE(ask("whoKnows", 4, {1, amf::Object{}}));
  ASSERT_TRUE(ask("getStreamLength", 5, {"cam"}));
  ASSERT_TRUE(ask("noAnswerWanted", 0));
  EXPECT_EQ(sent(), (Texts{"_result 2 null", "_result 3 null", "_result 4 null", "_result 5 0"}));
}

TEST_F(Server, AnswersFlashMediaCommands) {
  connected();
  ASSERT_TRUE(ask("FCPublish", 3, {"cam"}));
  EXPECT_EQ(sent(), (Texts{"_result 3 null", "onFCPublish 0 NetStream.Publish.Start"}));
  ASSERT_TRUE(ask("FCSubscribe", 4, {"cam"}));
  EXPECT_EQ(sent(), Texts{"onFCSubscribe 0 NetStream.Play.Start"});
}

TEST_F(Server, StartsAPublish) {
  with_stream();
  ASSERT_TRUE(ask("publish", 5, {"cam?key=1?2", "record"}, 1));
  EXPECT_EQ(events(), Texts{"publish @1 cam?key=1?2 record"});
  EXPECT_EQ(session_.stream_name(1), "cam?key=1?2");
  session_.accept_publish(1);
  EXPECT_EQ(sent(), Texts{"onStatus 0 @1 NetStream.Publish.Start"});
}

TEST_F(Server, TakesAPublishOnMessageStreamZeroForItsOnlyStream) {
  with_stream();
  ASSERT_TRUE(ask("publish", 5, {"cam"}, 0));
  EXPECT_EQ(events(), Texts{"publish @1 cam? live"});
}

TEST_F(Server, LetsAPublisherTryAnotherName) {
  with_stream();
  ASSERT_TRUE(ask("publish", 5, {"taken"}, 1));
  ASSERT_TRUE(receive(early_audio));
  session_.reject_publish(1, {"error", "NetStream.Publish.BadName", "taken"});
  EXPECT_EQ(sent(), Texts{"onStatus 0 @1 NetStream.Publish.BadName"});
  ASSERT_TRUE(ask("publish", 6, {"free"}, 1));
  session_.accept_publish(1);
  EXPECT_EQ(events(), (Texts{"publish @1 taken? live", "publish @1 free? live"}));
}

TEST_F(Server, RefusesBadStreamNames) {
  with_stream();
  ASSERT_TRUE(ask("publish", 5, {std::string(513, 'a')}, 1));
  ASSERT_TRUE(ask("play", 6, {std::string("a\x01") + "b"}, 1));
  EXPECT_EQ(events(), Texts{});
  EXPECT_EQ(sent(), (Texts{"onStatus 0 @1 NetStream.Publish.BadName",
                           "onStatus 0 @1 NetStream.Play.StreamNotFound"}));
}

TEST_F(Server, LimitsTheNameAndNotTheTokenBehindIt) {
  with_stream();
  ASSERT_TRUE(ask("publish", 5, {"cam?token=" + std::string(1000, 'a')}, 1));
  EXPECT_EQ(events().size(), 1u);
}

TEST_F(Server, RefusesASecondPublishOfAStreamThatPublishes) {
  publishing();
  ASSERT_TRUE(ask("publish", 6, {"other"}, 1));
  EXPECT_EQ(events(), Texts{});
  EXPECT_EQ(sent(), Texts{"onStatus 0 @1 NetStream.Publish.BadName"});
}

TEST_F(Server, EndsAPublishInEachOfItsWays) {
  const auto ends = [&](std::string name, std::vector<amf::Value> arguments, std::uint32_t id) {
    session_ = ServerSession({}, start);
    publishing();
    EXPECT_TRUE(ask(std::move(name), 0, std::move(arguments), id));
    return events() == Texts{"closed @1"} &&
           sent().front() == "onStatus 0 @1 NetStream.Unpublish.Success";
  };
  EXPECT_TRUE(ends("deleteStream", {1}, 0));
  EXPECT_TRUE(ends("deleteStream", {"cam"}, 0));
  EXPECT_TRUE(ends("deleteStream", {0}, 0));
  EXPECT_TRUE(ends("deleteStream", {}, 1));
  EXPECT_TRUE(ends("closeStream", {}, 1));
  EXPECT_TRUE(ends("FCUnpublish", {"cam"}, 0));
  EXPECT_TRUE(ends("publish", {false}, 1));
}

TEST_F(Server, LeavesOtherStreamsAloneWhenOneIsDeleted) {
  publishing();
  ASSERT_TRUE(ask("deleteStream", 0, {2}));
  ASSERT_TRUE(ask("FCUnpublish", 0, {"other"}));
  EXPECT_EQ(events(), Texts{});
  EXPECT_TRUE(session_.active());
}

TEST_F(Server, AsksToPlayWithWhatWasSaid) {
  with_stream();
  const auto asks = [&](std::vector<amf::Value> arguments) {
    EXPECT_TRUE(ask("play", 5, std::move(arguments), 1));
    session_.accept_play(1);
    return events().back();
  };
  EXPECT_EQ(asks({"cam?t=1"}), "play @1 cam?t=1 any 0 -1 reset");
  for (double any : {-2.0, -2000.0, -1.5, -1500.5})
    EXPECT_EQ(asks({"cam", any}), "play @1 cam? any 0 -1 reset") << any;
  for (double live : {-1.0, -1000.0})
    EXPECT_EQ(asks({"cam", live}), "play @1 cam? live 0 -1 reset");
  EXPECT_EQ(asks({"cam", 5000, 100, false}), "play @1 cam? at 5000 100");
  EXPECT_EQ(asks({"cam", std::nan(""), std::nan(""), 0}), "play @1 cam? any 0 -1");
  EXPECT_EQ(asks({"cam", "x", amf::Null{}, 1}), "play @1 cam? any 0 -1 reset");
}

TEST_F(Server, StartsAPlay) {
  with_stream();
  ASSERT_TRUE(ask("play", 5, {"cam"}, 1));
  session_.accept_play(1);
  EXPECT_EQ(sent(), (Texts{"#4 000000000001", "onStatus 0 @1 NetStream.Play.Reset",
                           "onStatus 0 @1 NetStream.Play.Start",
                           "#18 0200117c52746d7053616d706c6541636365737301010101"}));
}

TEST_F(Server, TellsPlayersOfPublishersComingAndGoing) {
  playing();
  session_.notify_unpublish(1);
  EXPECT_EQ(sent(), (Texts{"onStatus 0 @1 NetStream.Play.UnpublishNotify", "#4 000100000001"}));
  session_.notify_publish(1);
  EXPECT_EQ(sent(), (Texts{"#4 000000000001", "onStatus 0 @1 NetStream.Play.PublishNotify"}));
}

TEST_F(Server, HandsOnWhatPlayersWish) {
  playing();
  ASSERT_TRUE(ask("pause", 0, {true, 1500}, 1));
  ASSERT_TRUE(ask("pauseRaw", 0, {false, std::nan("")}, 1));
  ASSERT_TRUE(ask("seek", 0, {9000}, 1));
  ASSERT_TRUE(ask("receiveAudio", 0, {false}, 1));
  ASSERT_TRUE(ask("receiveVideo", 0, {true}, 1));
  EXPECT_EQ(events(),
            (Texts{"pause @1 1500", "resume @1 0", "seek @1 9000", "audio off", "video on"}));
}

TEST_F(Server, TakesNoPlayersWishesFromOthers) {
  publishing();
  ASSERT_TRUE(ask("pause", 0, {true, 1500}, 1));
  ASSERT_TRUE(ask("seek", 0, {9000}, 1));
  ASSERT_TRUE(ask("receiveAudio", 0, {false}, 1));
  EXPECT_EQ(events(), Texts{});
}

TEST_F(Server, HandsOnMediaOfPublishersOnly) {
  playing();
  ASSERT_TRUE(receive(media(MessageType::audio, 1, "af01")));
  ASSERT_TRUE(receive(media(MessageType::data, 1, "020000")));
  EXPECT_EQ(events(), Texts{});
}

TEST_F(Server, TakesMediaOnAnotherStreamForItsOnlyStreams) {
  publishing();
  ASSERT_TRUE(receive(media(MessageType::video, 0, "1701", 40)));
  ASSERT_TRUE(receive(media(MessageType::video, 9, "1702", 80)));
  EXPECT_EQ(events(), (Texts{"video @1 40 1701", "video @1 80 1702"}));
}

TEST_F(Server, TakesSetDataFrameOff) {
  publishing();
  const std::string handler = "02000d40736574446174614672616d65", rest =
                                                                      "02000161"
                                                                      "05";
  ASSERT_TRUE(receive(media(MessageType::data, 1, handler + rest)));
  ASSERT_TRUE(receive(media(MessageType::data_amf3, 1, "00" + handler + rest)));
  ASSERT_TRUE(receive(media(MessageType::data_amf3, 1, handler + rest)));
  ASSERT_TRUE(receive(media(MessageType::data, 1, rest)));
  ASSERT_TRUE(receive(media(MessageType::data, 1, "0200")));
  EXPECT_EQ(events(), (Texts{"data @1 0 " + rest, "data @1 0 " + rest, "data @1 0 " + rest,
                             "data @1 0 " + rest, "data @1 0 0200"}));
}

const char* const aggregate =
    "08 000003 000064 00 000000 af0141 0000000e 09 000006 000064 00 000000 170100000056 00000011"
    "08 000003 00007b 00 000000 af0142";

TEST_F(Server, TakesAggregatesApart) {
  publishing();
  ASSERT_TRUE(receive(media(MessageType::aggregate, 1, aggregate, 5000)));
  EXPECT_EQ(events(),
            (Texts{"audio @1 5000 af0141", "video @1 5000 170100000056", "audio @1 5023 af0142"}));
}

TEST_F(Server, KeepsSeveralStreamsApart) {
  publishing();
  ASSERT_TRUE(ask("createStream", 6));
  ASSERT_TRUE(ask("play", 7, {"other"}, 2));
  ASSERT_TRUE(receive(media(MessageType::audio, 1, "af01")));
  EXPECT_EQ(events(), (Texts{"play @2 other? any 0 -1 reset", "audio @1 0 af01"}));
  session_.accept_play(2);
  ASSERT_TRUE(receive(media(MessageType::audio, 2, "af02")));
  ASSERT_TRUE(receive(media(MessageType::audio, 0, "af03")));
  ASSERT_TRUE(ask("deleteStream", 8, {2}));
  EXPECT_EQ(events(), Texts{"closed @2"});
  EXPECT_TRUE(session_.active());
}

TEST_F(Server, ChangesAStreamFromPlayToPublish) {
  playing();
  ASSERT_TRUE(ask("publish", 6, {"mine"}, 1));
  EXPECT_EQ(events(), (Texts{"closed @1", "publish @1 mine? live"}));
}

TEST_F(Server, ReadsCommandsOfTheOtherEncoding) {
  connected();
  const char* create = "02000c63726561746553747265616d 004000000000000000 05";
  ASSERT_TRUE(receive(media(MessageType::command_amf3, 0, std::string("00") + create)));
  ASSERT_TRUE(receive(media(MessageType::command_amf3, 0, create)));
  EXPECT_EQ(sent(), (Texts{"_result 2 1", "_result 2 2"}));
}

TEST_F(Server, EndsWithACommandThatIsNone) {
  connected();
  EXPECT_EQ(receive(media(MessageType::command, 0, "05")).error(), Error::bad_command);
}

TEST_F(Server, LimitsCommandsBeforePublishToAHundredASecond) {
  connected();
  now_ += 1s;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(ask("_checkbw", 0));
  EXPECT_EQ(ask("_checkbw", 0).error(), Error::too_many_commands);
  now_ += 1s;
  EXPECT_TRUE(ask("_checkbw", 0));
}

TEST_F(Server, WaitsTenSecondsForConnect) {
  EXPECT_EQ(session_.deadline(), start + 10s);
  EXPECT_TRUE(session_.tick(start + 9s));
  EXPECT_EQ(session_.tick(start + 10s).error(), Error::command_timeout);
}

TEST_F(Server, WaitsFifteenSecondsForPublishOrPlay) {
  with_stream();
  EXPECT_TRUE(session_.tick(start + 14s));
  EXPECT_EQ(session_.tick(start + 15s).error(), Error::command_timeout);
}

TEST_F(Server, WaitsForeverWhileAStreamIsUsed) {
  publishing();
  EXPECT_EQ(session_.deadline(), never);
  now_ += 1h;
  ASSERT_TRUE(ask("closeStream", 0, {}, 1));
  EXPECT_EQ(session_.deadline(), now_ + 15s);
}

TEST_F(Server, DoesNotCountTheTimeOfItsOwnAnswers) {
  ASSERT_TRUE(connect());
  EXPECT_EQ(session_.deadline(), never);
  session_.accept_connect();
  EXPECT_TRUE(session_.tick(start + 1h));
  EXPECT_EQ(session_.deadline(), start + 1h + 15s);
}

TEST_F(Server, GivesARefusedClientNoMoreTimeThanItsAnswerTook) {
  with_stream();
  now_ = start + 5s;
  ASSERT_TRUE(ask("publish", 0, {"cam", "live"}, 1));
  session_.reject_publish(1, {"error", "NetStream.Publish.BadName", "No."});
  EXPECT_TRUE(session_.tick(start + 8s));
  EXPECT_EQ(session_.deadline(), start + 15s + 3s);
  now_ = start + 9s;
  ASSERT_TRUE(ask("play", 0, {"cam"}, 1));
  session_.reject_play(1, {"error", "NetStream.Play.Failed", "No."});
  EXPECT_TRUE(session_.tick(start + 9s));
  EXPECT_EQ(session_.deadline(), start + 15s + 3s);
}

// --- the client against a scripted server ---

class Client : public testing::Test {
 protected:
  static ClientSession::Settings settings(Purpose purpose) {
    ClientSession::Settings settings;
    settings.purpose = purpose;
    settings.app = "live";
    settings.tc_url = "rtmp://host/live";
    settings.stream = "cam";
    settings.credentials = {"alice", "s3cr3t"};
    return settings;
  }

  void begin(const ClientSession::Settings& settings) {
    session_.emplace(settings, test::test_random());
    session_->start(now_);
  }
  void begin(Purpose purpose) { begin(settings(purpose)); }
  void created(const ClientSession::Settings& settings) {
    begin(settings);
    accept();
    result(settings.purpose == Purpose::publish ? 4 : 2, 1);
    sent();
  }
  void playing() {
    created(settings(Purpose::play));
    status("NetStream.Play.Start");
    events();
  }
  void publishing() {
    created(settings(Purpose::publish));
    status("NetStream.Publish.Start");
    events();
  }

  Result<void> receive(const Message& message) { return session_->receive(message, now_); }
  Result<void> say(std::string name, double transaction, std::vector<amf::Value> arguments) {
    return receive(
        write_command({std::move(name), transaction, amf::Null{}, std::move(arguments)}, 0));
  }
  void accept() { result(1, write_status({"status", "NetConnection.Connect.Success", ""})); }
  void result(double transaction, amf::Value value) {
    ASSERT_TRUE(say("_result", transaction, {std::move(value)}));
  }
  void status(std::string code, std::string level = "status") {
    ASSERT_TRUE(say("onStatus", 0, {write_status({std::move(level), std::move(code), ""})}));
  }
  void reject(std::string description) {
    ASSERT_TRUE(
        say("_error", 1, {write_status({"error", "NetConnection.Connect.Rejected", description})}));
  }

  Texts events() {
    Texts texts;
    while (auto event = session_->next_event())
      texts.push_back(std::visit(DescribeClient(), *event));
    return texts;
  }
  Texts sent() { return take_sent(*session_); }

  std::optional<ClientSession> session_;
  Time now_ = start;
};

TEST_F(Client, PublishesInTheOrderThatServersInsistOn) {
  auto with_chunk_size = settings(Purpose::publish);
  with_chunk_size.chunk_size = 4096;
  begin(with_chunk_size);
  EXPECT_EQ(sent(), Texts{"connect 1"});
  accept();
  EXPECT_EQ(sent(), (Texts{"#1 00001000", "releaseStream 2 \"cam\"", "FCPublish 3 \"cam\"",
                           "createStream 4"}));
  result(4, 1);
  EXPECT_EQ(sent(), Texts{"publish 5 @1 \"cam\" \"live\""});
  status("NetStream.Publish.Start");
  EXPECT_EQ(events(), (Texts{"connected", "started @1", "status NetStream.Publish.Start"}));
}

TEST_F(Client, PlaysAndSetsTheBufferLength) {
  auto subscribing = settings(Purpose::play);
  subscribing.subscribe = "cam";
  subscribing.duration = 1000;
  begin(subscribing);
  accept();
  EXPECT_EQ(sent(), (Texts{"connect 1", "createStream 2", "FCSubscribe 3 \"cam\""}));
  result(2, 5);
  EXPECT_EQ(sent(), (Texts{"play 4 @5 \"cam\" -2000 1000", "#4 00030000000500000bb8"}));
}

TEST_F(Client, IgnoresFailuresOfWhatNobodyNeeds) {
  begin(Purpose::publish);
  accept();
  ASSERT_TRUE(say("_error", 2, {write_status({"error", "NetConnection.Call.Failed", ""})}));
  ASSERT_TRUE(say("_error", 3, {}));
  ASSERT_TRUE(receive(write_command({"onFCPublish", 0, amf::Null{}, {}}, 0)));
  EXPECT_EQ(events(), Texts{"connected"});
}

TEST_F(Client, IsRefusedAtEachStep) {
  const Status no{"error", "No", ""};
  begin(Purpose::publish);
  reject("no");
  EXPECT_EQ(events(), Texts{"refused connect NetConnection.Connect.Rejected"});
  begin(Purpose::publish);
  status("NetConnection.Connect.Rejected", "error");
  EXPECT_EQ(events(), Texts{"refused connect NetConnection.Connect.Rejected"});
  begin(Purpose::publish);
  result(1, write_status(no));
  EXPECT_EQ(events(), Texts{"refused connect No"});
  begin(Purpose::publish);
  accept();
  ASSERT_TRUE(say("_error", 4, {write_status(no)}));
  EXPECT_EQ(events().back(), "refused createStream No");
  begin(Purpose::publish);
  accept();
  result(4, 0);
  EXPECT_EQ(events().back(), "refused createStream NetConnection.Call.Failed");
  created(settings(Purpose::publish));
  status("NetStream.Publish.BadName", "error");
  EXPECT_EQ(events().back(), "refused publish NetStream.Publish.BadName");
  created(settings(Purpose::play));
  status("NetStream.Play.StreamNotFound", "error");
  EXPECT_EQ(events().back(), "refused play NetStream.Play.StreamNotFound");
}

TEST_F(Client, IsRefusedOnce) {
  created(settings(Purpose::publish));
  status("NetStream.Publish.BadName", "error");
  status("NetStream.Failed", "error");
  EXPECT_EQ(events(), (Texts{"connected", "refused publish NetStream.Publish.BadName"}));
}

TEST_F(Client, SurvivesAFailedSeek) {
  playing();
  status("NetStream.Seek.Failed", "error");
  EXPECT_EQ(events(), Texts{"status NetStream.Seek.Failed"});
  EXPECT_TRUE(session_->started());
  status("NetStream.Play.Failed", "error");
  EXPECT_EQ(events(), Texts{"refused play NetStream.Play.Failed"});
}

TEST_F(Client, TellsAnErrorThatAnswersASeekOrAPause) {
  playing();
  session_->pause(true, 1500);
  session_->seek(9000);
  ASSERT_TRUE(say("_error", 5, {write_status({"error", "NetStream.Failed", ""})}));
  ASSERT_TRUE(say("_error", 4, {}));
  EXPECT_EQ(events(), (Texts{"status NetStream.Seek.Failed", "status NetStream.Pause.Failed"}));
}

// nginx says StreamEOF before it seeks.
TEST_F(Client, HearsOfAnEndAfterASeekOnceMore) {
  playing();
  status("NetStream.Play.Stop");
  status("NetStream.Seek.Notify");
  status("NetStream.Play.Stop");
  EXPECT_EQ(events().size(), 6u);
}

// The three connections of authmod, as a server of that kind sees them.
TEST_F(Client, AuthenticatesWithAdobesMode) {
  auto asking = settings(Purpose::publish);
  begin(asking);
  reject("[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ");
  EXPECT_EQ(events(), Texts{"auth ?authmod=adobe&user=alice"});
  asking.auth_query = "?authmod=adobe&user=alice";
  begin(asking);
  reject(
      "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=alice&salt=ZW5jcnlw"
      "&challenge=Q0hBTExFTkdF&opaque=T1BBUVVF");
  const std::string answer = events().at(0);
  EXPECT_TRUE(answer.starts_with("auth ?authmod=adobe&user=alice&challenge=")) << answer;
  asking.auth_query = answer.substr(5);
  begin(asking);
  const Message connect = session_->take_output().at(0);
  const amf::Object object = *read_command(connect)->object.object();
  EXPECT_EQ(object.find("app")->string(), "live" + asking.auth_query);
  EXPECT_EQ(object.find("tcUrl")->string(), "rtmp://host/live" + asking.auth_query);
  accept();
  EXPECT_EQ(events(), Texts{"connected"});
}

TEST_F(Client, AuthenticatesWithLimelightsMode) {
  auto asking = settings(Purpose::publish);
  begin(asking);
  reject("[ AccessManager.Reject ] : [ code=403 need auth; authmod=llnw ] : ");
  EXPECT_EQ(events(), Texts{"auth ?authmod=llnw&user=alice"});
  asking.auth_query = "?authmod=llnw&user=alice";
  begin(asking);
  reject("[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=needauth&user=alice&nonce=N0nce");
  const std::string answer = events().at(0);
  EXPECT_TRUE(answer.starts_with("auth ?authmod=llnw&user=alice&nonce=N0nce&cnonce=")) << answer;
}

TEST_F(Client, TakesEachStepOfAuthenticationOnce) {
  auto asking = settings(Purpose::publish);
  asking.auth_query = "?authmod=adobe&user=alice";
  begin(asking);
  reject("[ code=403 need auth; authmod=adobe ]");
  EXPECT_EQ(events(), Texts{"refused connect NetConnection.Connect.Rejected"});
  asking.auth_query = "?authmod=adobe&user=alice&challenge=00000000&response=AAAA";
  begin(asking);
  reject("[ authmod=adobe ] : ?reason=needauth&user=alice&salt=a&challenge=b");
  EXPECT_EQ(events(), Texts{"refused connect NetConnection.Connect.Rejected"});
}

TEST_F(Client, AuthenticatesOnlyAsItMay) {
  auto asking = settings(Purpose::publish);
  asking.auth_mode = auth::Mode::llnw;
  begin(asking);
  reject("[ code=403 need auth; authmod=adobe ]");
  EXPECT_EQ(events(), Texts{"refused connect NetConnection.Connect.Rejected"});
  asking.auth_mode = auth::Mode::automatic;
  asking.credentials = {};
  begin(asking);
  reject("[ code=403 need auth; authmod=adobe ]");
  EXPECT_EQ(events(), Texts{"refused connect NetConnection.Connect.Rejected"});
}

TEST_F(Client, AnswersASecureToken) {
  auto asking = settings(Purpose::play);
  asking.secure_token = "TEST";
  const std::string challenge = "0123456789abcdef0123456789abcdef";
  begin(asking);
  sent();
  amf::Object information = write_status({"status", "NetConnection.Connect.Success", ""});
  information.set("secureToken", challenge);
  result(1, information);
  const auto response = auth::secure_token_response(challenge, "TEST");
  ASSERT_TRUE(response);
  EXPECT_EQ(sent().at(0), "secureTokenResponse 0 " + amf::to_text(*response));
}

TEST_F(Client, IsRedirected) {
  begin(Purpose::play);
  amf::Object info = write_status({"error", "NetConnection.Connect.Rejected", ""});
  info.set("ex", amf::Object{{"code", 302}, {"redirect", "rtmp://other/live"}});
  ASSERT_TRUE(say("_error", 1, {info}));
  EXPECT_EQ(events(), Texts{"reconnect rtmp://other/live"});
}

TEST_F(Client, IsAskedToReconnect) {
  playing();
  amf::Object info = write_status({"status", "NetConnection.Connect.ReconnectRequest", ""});
  info.set("tcUrl", "//other/live");
  ASSERT_TRUE(say("onStatus", 0, {info}));
  EXPECT_EQ(events(), Texts{"reconnect //other/live"});
  EXPECT_TRUE(session_->started());
}

TEST_F(Client, EndsAndResumesWithTheStream) {
  playing();
  status("NetStream.Play.UnpublishNotify");
  ASSERT_TRUE(receive(media(MessageType::user_control, 0, "000100000001")));
  EXPECT_EQ(events(), (Texts{"ended unpublished", "status NetStream.Play.UnpublishNotify"}));
  ASSERT_TRUE(receive(media(MessageType::audio, 1, "af01")));
  EXPECT_EQ(events(), (Texts{"resumed", "audio @1 0 af01"}));
  ASSERT_TRUE(receive(media(MessageType::user_control, 0, "000100000001")));
  EXPECT_EQ(events(), Texts{"ended eof"});
  status("NetStream.Play.PublishNotify");
  EXPECT_EQ(events(), (Texts{"resumed", "status NetStream.Play.PublishNotify"}));
}

TEST_F(Client, IgnoresTheEndOfAnotherStream) {
  playing();
  ASSERT_TRUE(receive(media(MessageType::user_control, 0, "000100000002")));
  ASSERT_TRUE(receive(media(MessageType::user_control, 0, "0001")));
  EXPECT_EQ(events(), Texts{});
}

TEST_F(Client, ReadsStatusesThatComeAsData) {
  playing();
  ASSERT_TRUE(receive(write_data(
      {"onPlayStatus", {write_status({"status", "NetStream.Play.Complete", ""})}}, 1, 0)));
  EXPECT_EQ(events(), (Texts{"ended complete", "status NetStream.Play.Complete"}));
}

TEST_F(Client, TakesMediaOnStreamZeroAndNoOther) {
  playing();
  ASSERT_TRUE(receive(media(MessageType::audio, 0, "af01")));
  ASSERT_TRUE(receive(media(MessageType::audio, 2, "af02")));
  EXPECT_EQ(events(), Texts{"audio @0 0 af01"});
}

TEST_F(Client, StartsWithMediaWhereNobodySaysSo) {
  created(settings(Purpose::play));
  const std::string metadata =
      "02000a6f6e4d657461446174610300000900000"
      "9";
  ASSERT_TRUE(receive(write_data({"onMetaData", {amf::EcmaArray{}}}, 1, 0)));
  ASSERT_TRUE(receive(media(MessageType::video, 1, "1701")));
  const Texts got = events();
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[1], "started @1");
  EXPECT_EQ(got[3], "video @1 0 1701");
}

TEST_F(Client, TakesSetDataFrameOffAndAggregatesApart) {
  playing();
  ASSERT_TRUE(receive(write_data({"@setDataFrame", {"onMetaData", 1}}, 1, 7)));
  const std::string plain = to_hex(write_data({"onMetaData", {1}}, 1, 7).payload);
  EXPECT_EQ(events(), Texts{"data @1 7 " + plain});
  ASSERT_TRUE(receive(media(MessageType::aggregate, 1, aggregate, 5000)));
  EXPECT_EQ(events().size(), 3u);
}

TEST_F(Client, SkipsDataThatCannotBeRead) {
  playing();
  EXPECT_TRUE(receive(media(MessageType::data, 1, "02ffff")));
  EXPECT_TRUE(receive(media(MessageType::data, 1,
                            "020001"
                            "61"
                            "ee")));
  EXPECT_TRUE(session_->started());
}

TEST_F(Client, PutsSetDataFrameBeforeMetadata) {
  publishing();
  const Message metadata = session_->to_send(write_data({"onMetaData", {1}}, 0, 7));
  EXPECT_EQ(to_hex(metadata.payload),
            to_hex(write_data({"@setDataFrame", {"onMetaData", 1}}, 1, 7).payload));
  EXPECT_EQ(metadata.stream_id, 1u);
  const Message text = write_data({"onTextData", {1}}, 0, 7);
  EXPECT_EQ(to_hex(session_->to_send(text).payload), to_hex(text.payload));
}

TEST_F(Client, StopsAsItIsTold) {
  publishing();
  session_->stop({});
  EXPECT_EQ(sent(), (Texts{"FCUnpublish 6 \"cam\"", "deleteStream 7 1"}));
  publishing();
  session_->stop({false, true, false});
  EXPECT_EQ(sent(), Texts{"closeStream 0 @1"});
  playing();
  session_->stop({});
  EXPECT_EQ(sent(), Texts{"deleteStream 4 1"});
}

TEST_F(Client, StopsBeforeItHasStarted) {
  begin(Purpose::publish);
  sent();
  session_->stop({});
  EXPECT_EQ(sent(), Texts{});
  EXPECT_EQ(session_->deadline(), never);
  accept();
  EXPECT_EQ(events(), Texts{});
}

TEST_F(Client, PausesAndSeeks) {
  playing();
  session_->pause(true, 1500);
  session_->seek(9000);
  EXPECT_EQ(sent(), (Texts{"pause 4 @1 true 1500", "seek 5 @1 9000"}));
}

TEST_F(Client, WaitsForEachAnswerSoLong) {
  begin(Purpose::publish);
  EXPECT_EQ(session_->waiting_for(), "connect");
  EXPECT_TRUE(session_->tick(now_ + 4s));
  EXPECT_EQ(session_->tick(now_ + 5s).error(), Error::command_timeout);
  now_ += 3s;
  accept();
  EXPECT_EQ(session_->waiting_for(), "createStream");
  EXPECT_EQ(session_->deadline(), now_ + 5s);
  now_ += 3s;
  result(4, 1);
  EXPECT_EQ(session_->waiting_for(), "publish");
  EXPECT_EQ(session_->deadline(), now_ + 5s);
  status("NetStream.Publish.Start");
  EXPECT_EQ(session_->deadline(), never);
}

TEST_F(Client, AnswersBandwidthChecksAndObeysClose) {
  begin(Purpose::play);
  sent();
  ASSERT_TRUE(say("_onbwcheck", 9, {}));
  EXPECT_EQ(sent(), Texts{"_result 9"});
  EXPECT_EQ(say("close", 0, {}).error(), Error::closed);
}

TEST_F(Client, ToleratesAnswersWithFieldsMissingOrOfOtherTypes) {
  for (const char* name : {"_result", "_error", "onStatus"}) {
    for (const amf::Value& value : {amf::Value(), amf::Value(7), amf::Value("x"),
                                    amf::Value(amf::Object{{"code", 1}, {"ex", 5}})}) {
      begin(Purpose::play);
      EXPECT_TRUE(say(name, 1, {value}));
      EXPECT_TRUE(say(name, 2, {value}));
    }
  }
}

// --- both together ---

// Two sessions over two connections. The server asks `decide` what to do with each request.
class Both : public testing::TestWithParam<std::size_t> {
 protected:
  void begin(Purpose purpose) {
    ClientSession::Settings settings;
    settings.purpose = purpose;
    settings.app = "live";
    settings.stream = "cam?key=1";
    client_.emplace(settings, test::test_random());
    pair_.shake_hands();
    pair_.client.owner = [this](const Message& message) {
      EXPECT_TRUE(client_->receive(message, pair_.now));
      flush_client();
    };
    pair_.server.owner = [this](const Message& message) {
      EXPECT_TRUE(server_.receive(message, pair_.now));
      flush_server();
    };
    client_->start(pair_.now);
    run();
  }

  void run() {
    flush_client();
    flush_server();
    pair_.run();
  }

  void flush_client() {
    for (const Message& message : client_->take_output()) pair_.client.connection.send(message);
    while (auto event = client_->next_event())
      client_events_.push_back(std::visit(DescribeClient(), *event));
  }

  void flush_server() {
    while (auto event = server_.next_event()) {
      server_events_.push_back(std::visit(DescribeServer(), *event));
      decide_(*event);
    }
    for (const Message& message : server_.take_output()) pair_.server.connection.send(message);
  }

  void accept(const server_event::Event& event) {
    if (std::get_if<server_event::ConnectRequest>(&event)) server_.accept_connect();
    if (auto* publish = std::get_if<server_event::PublishRequest>(&event))
      server_.accept_publish(publish->stream_id);
    if (auto* play = std::get_if<server_event::PlayRequest>(&event))
      server_.accept_play(play->stream_id);
  }

  test::Pair pair_{{}, GetParam()};
  std::optional<ClientSession> client_;
  ServerSession server_{{}, pair_.now};
  std::function<void(const server_event::Event&)> decide_ = [this](const auto& e) { accept(e); };
  Texts client_events_, server_events_;
};

TEST_P(Both, Publish) {
  begin(Purpose::publish);
  EXPECT_EQ(client_events_, (Texts{"connected", "started @1", "status NetStream.Publish.Start"}));
  pair_.client.connection.send(client_->to_send(media(MessageType::video, 0, "1701", 40)));
  pair_.client.connection.send(client_->to_send(write_data({"onMetaData", {1}}, 0, 0)));
  client_->stop({});
  run();
  EXPECT_EQ(
      server_events_,
      (Texts{"connect live", "publish @1 cam?key=1 live", "video @1 40 1701",
             "data @1 0 " + to_hex(write_data({"onMetaData", {1}}, 1, 0).payload), "closed @1"}));
}

TEST_P(Both, PlayBeforeAndAfterPublish) {
  begin(Purpose::play);
  EXPECT_EQ(server_events_, (Texts{"connect live", "play @1 cam?key=1 any 0 -1 reset"}));
  EXPECT_EQ(client_events_.at(2), "started @1");
  client_events_.clear();
  server_.notify_publish(1);
  run();
  pair_.server.connection.send(media(MessageType::video, 1, "1701", 40));
  server_.notify_unpublish(1);
  run();
  EXPECT_EQ(client_events_.at(client_events_.size() - 2), "ended unpublished");
  client_->stop({});
  run();
  EXPECT_EQ(server_events_.back(), "closed @1");
}

TEST_P(Both, RejectedConnect) {
  decide_ = [this](const auto&) {
    server_.reject_connect({"error", "NetConnection.Connect.Rejected", "no"});
  };
  begin(Purpose::publish);
  EXPECT_EQ(client_events_, Texts{"refused connect NetConnection.Connect.Rejected"});
}

TEST_P(Both, BadName) {
  decide_ = [this](const server_event::Event& event) {
    if (auto* publish = std::get_if<server_event::PublishRequest>(&event))
      server_.reject_publish(publish->stream_id, {"error", "NetStream.Publish.BadName", "taken"});
    else
      accept(event);
  };
  begin(Purpose::publish);
  EXPECT_EQ(client_events_.back(), "refused publish NetStream.Publish.BadName");
}

INSTANTIATE_TEST_SUITE_P(Pieces, Both, testing::Values(1, 7, 1 << 20));

}  // namespace
}  // namespace rtmp
