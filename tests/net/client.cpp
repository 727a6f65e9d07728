// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/client.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>

#include "net/certificate.h"
#include "net/nginx.h"
#include "net/running_client.h"

namespace net {
namespace {

using namespace rtmp::client_event;
using namespace std::chrono_literals;
using rtmp::Error;
using rtmp::Message;
using rtmp::MessageType;
using rtmp::test::Nginx;
using rtmp::test::Purpose;
using rtmp::test::Recorder;
using rtmp::test::Running;
using rtmp::test::settings_for;
using rtmp::test::TestServer;
using Stage = Failure::Stage;

constexpr auto patience = TestServer::patience;

// A legacy H.264 frame.
Message video(std::int64_t timestamp, bool key, std::size_t size = 100) {
  std::vector<std::uint8_t> payload(size, static_cast<std::uint8_t>(timestamp));
  payload[0] = key ? 0x17 : 0x27;
  payload[1] = 1;
  payload[2] = payload[3] = payload[4] = 0;
  return {MessageType::video, 0, timestamp, rtmp::Buffer::adopt(std::move(payload))};
}

Message avc_header() {
  return {MessageType::video, 0, 0,
          rtmp::Buffer::adopt(
              rtmp::test::from_hex("17 00 000000 01 42c01e ff e1 0004 6742c01e 01 0002 68ce"))};
}

std::vector<Message> some_video(int frames, std::size_t size = 100) {
  std::vector<Message> messages{avc_header()};
  for (int i = 0; i < frames; ++i) messages.push_back(video(i * 40, i % 25 == 0, size));
  return messages;
}

std::vector<std::string> described(const std::vector<Message>& messages) {
  std::vector<std::string> lines;
  for (const Message& message : messages)
    lines.push_back(std::to_string(static_cast<int>(message.type)) + " @" +
                    std::to_string(message.timestamp) + " " + rtmp::test::to_hex(message.payload));
  return lines;
}

std::vector<Message> only_video(const std::vector<Message>& messages) {
  std::vector<Message> video;
  std::ranges::copy_if(messages, std::back_inserter(video),
                       [](const Message& m) { return m.type == MessageType::video; });
  return video;
}

template <typename Function>
rtmp::Duration time_of(Function function) {
  const rtmp::Time start = now();
  function();
  return now() - start;
}

// --- a server that others wrote

TEST(Client, PlaysFromNginxWhatItPublishesThere) {
  if (!Nginx::available()) GTEST_SKIP() << "nginx with its RTMP module is not installed";
  Nginx nginx;
  ASSERT_TRUE(nginx.wait_listening());
  Running publisher(settings_for(nginx.port()));
  ASSERT_TRUE(publisher.recorder.wait_for<Started>());
  Running player(settings_for(nginx.port(), Purpose::play));
  ASSERT_TRUE(player.recorder.wait_for<Started>());

  const std::vector<Message> sent = some_video(100);
  for (const Message& message : sent) publisher.outbox.push(message);
  EXPECT_TRUE(player.recorder.wait_media(sent.size()));
  publisher.client.finish({});
  EXPECT_TRUE(publisher.recorder.clean_end());

  EXPECT_TRUE(player.recorder.wait_for<StreamEnded>());
  EXPECT_EQ(described(only_video(player.recorder.media())), described(sent));
  EXPECT_GT(player.client.stats().connection.bytes_in, 10'000u);
  EXPECT_GT(publisher.client.stats().round_trip_us, 0u);
  EXPECT_EQ(publisher.client.stats().peer, "127.0.0.1:" + std::to_string(nginx.port()));
}

TEST(Client, SaysThatNginxDoesNotKnowTheApplication) {
  if (!Nginx::available()) GTEST_SKIP() << "nginx with its RTMP module is not installed";
  Nginx nginx;
  ASSERT_TRUE(nginx.wait_listening());
  Client::Settings settings = settings_for(nginx.port());
  settings.session.app = "nothing";
  Running running(settings);
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::command);
  EXPECT_EQ(failure.code, Error::closed);
  EXPECT_TRUE(failure.text.ends_with(
      " closed the connection during connect: does it know the application 'nothing'?"))
      << failure.text;
}

// --- finding and reaching the server

TEST(Client, SaysThatNobodyListens) {
  const std::uint16_t port = rtmp::test::free_port();
  Running running(settings_for(port));
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::connect);
  EXPECT_EQ(failure.code, boost::asio::error::connection_refused);
  EXPECT_EQ(failure.text,
            "Could not connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

TEST(Client, ConnectsAgainFromTheStartWhereItIsToldTo) {
  TestServer server;
  Client::Settings settings = settings_for(server.port());
  settings.reconnect.enabled = settings.reconnect.from_start = true;
  settings.reconnect.backoff_min = settings.reconnect.backoff_max = 1ms;
  Running running(settings);
  ASSERT_TRUE(server.accept());
  server.close();
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  EXPECT_TRUE(running.recorder.wait_for<Started>());
}

TEST(Client, MayGoOnItsOwnThread) {
  TestServer server;
  Worker worker{"test"};
  Recorder recorder;
  auto client = std::make_unique<Client>(worker, settings_for(server.port(), Purpose::play),
                                         nullptr, recorder);
  client->start();
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  boost::asio::post(worker.context(), [client = std::move(client)]() mutable { client.reset(); });
  EXPECT_TRUE(server.serve_to_the_end());
}

TEST(Client, SaysThatThereIsNoSuchHost) {
  Client::Settings settings = settings_for(1935);
  settings.host = "nosuch.invalid";
  Running running(settings);
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::resolve);
  EXPECT_TRUE(failure.text.starts_with("Could not find the host 'nosuch.invalid'"));
}

TEST(Client, TriesEveryAddressOfTheHost) {
  TestServer server;  // on 127.0.0.1 alone, where localhost may be ::1 first
  Client::Settings settings = settings_for(server.port());
  settings.host = "localhost";
  Running running(settings);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  EXPECT_TRUE(running.recorder.wait_for<Started>());
}

TEST(Client, GivesUpOnAnAddressThatDoesNotAnswer) {
  // A full backlog: the kernel drops what comes above it.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = rtmp::test::loopback(0);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(fillers.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  Client::Settings settings = settings_for(ntohs(address.sin_port));
  settings.connect_timeout = 200ms;
  Running running(settings);
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::connect);
  EXPECT_EQ(failure.code, Error::connect_timeout);
  EXPECT_EQ(failure.text,
            "No answer from 127.0.0.1:" + std::to_string(settings.port) + " within 200 ms");
  for (int filler : fillers) ::close(filler);
  ::close(listener);
}

// --- peers that are silent

TEST(Client, GivesUpOnAPeerThatDoesNotShakeHands) {
  TestServer server;
  Client::Settings settings = settings_for(server.port());
  settings.connection.handshake_timeout = 150ms;
  std::optional<Running> running;
  const rtmp::Duration time = time_of([&] {
    running.emplace(settings);
    running->recorder.wait_closed();
  });
  const Failure failure = running->recorder.failure();
  EXPECT_GE(time, 140ms);
  EXPECT_EQ(failure.stage, Stage::handshake);
  EXPECT_EQ(failure.code, Error::handshake_timeout);
  EXPECT_EQ(failure.text, "No answer to the RTMP handshake from 127.0.0.1:" +
                              std::to_string(server.port()) + " within 150 ms");
}

TEST(Client, GivesUpOnAPeerThatDoesNotAnswerConnect) {
  TestServer server;
  server.on_connect = [](TestServer&, const auto&) {};
  Client::Settings settings = settings_for(server.port());
  settings.session.command_timeout = 150ms;
  Running running(settings);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.serve_to_the_end());
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::command);
  EXPECT_EQ(failure.command, "connect");
  EXPECT_EQ(failure.code, Error::command_timeout);
  EXPECT_EQ(failure.text, "127.0.0.1:" + std::to_string(server.port()) +
                              " did not answer 'connect' within 150 ms");
}

TEST(Client, GivesUpOnAPeerThatTakesNoData) {
  TestServer server(4096);
  Client::Settings settings = settings_for(server.port());
  settings.write_timeout = 200ms;
  Running running(settings);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  for (const Message& message : some_video(200, 100'000)) running.outbox.push(message);
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::streaming);
  EXPECT_EQ(failure.code, Error::write_timeout);
  EXPECT_TRUE(failure.text.ends_with(" takes no data: nothing was written for 200 ms"));
  EXPECT_GT(running.outbox.level().messages, 0u);  // it did not all move to the connection
}

TEST(Client, GivesUpOnAPeerThatFallsSilent) {
  TestServer server;
  Client::Settings settings = settings_for(server.port(), Purpose::play);
  settings.idle_timeout = 200ms;
  Running running(settings);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::streaming);
  EXPECT_EQ(failure.code, Error::idle_timeout);
  EXPECT_TRUE(failure.text.ends_with(" for 200 ms")) << failure.text;
}

// --- peers that say no, or leave

TEST(Client, SaysWhyPublishWasRefusedWithoutTheStreamKey) {
  TestServer server;
  server.on_publish = [](TestServer& self, const auto& request) {
    self.session().reject_publish(request.stream_id, {"error", "NetStream.Publish.BadName",
                                                      "Somebody publishes verysecretkey already"});
  };
  Client::Settings settings = settings_for(server.port());
  settings.session.stream = "verysecretkey?token=1234";
  Running running(settings);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.serve_to_the_end());
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::command);
  EXPECT_EQ(failure.code, Error::refused);
  EXPECT_EQ(failure.status.code, "NetStream.Publish.BadName");
  EXPECT_EQ(failure.text,
            "The server refused to publish 'very****': NetStream.Publish.BadName "
            "(Somebody publishes very**** already)");
}

TEST(Client, SaysThatThePeerLeftDuringConnect) {
  TestServer server;
  bool asked = false;
  server.on_connect = [&](TestServer&, const auto&) { asked = true; };
  Running running(settings_for(server.port()));
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.serve_until([&] { return asked; }));
  server.close();
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.code, Error::closed);
  EXPECT_EQ(failure.text,
            "127.0.0.1:" + std::to_string(server.port()) +
                " closed the connection during connect: does it know the application 'live'?");
}

TEST(Client, SaysTheSameOfAPeerThatLeavesOrResetsRightAfterTheStart) {
  for (const auto leave : {&TestServer::close, &TestServer::abort}) {
    TestServer server;
    Running running(settings_for(server.port(), Purpose::play));
    ASSERT_TRUE(server.accept());
    ASSERT_TRUE(server.start_stream());
    ASSERT_TRUE(running.recorder.wait_for<Started>());
    (server.*leave)();
    const Failure failure = running.recorder.failure();
    EXPECT_EQ(failure.stage, Stage::streaming);
    EXPECT_EQ(failure.text, "127.0.0.1:" + std::to_string(server.port()) +
                                " closed the connection right after 'play': it may refuse the "
                                "name 'cam****'");
  }
}

TEST(Client, EndsWithAnErrorWhereItIsSentElsewhere) {
  TestServer server;
  server.on_connect = [](TestServer& self, const auto&) {
    using namespace rtmp::amf;
    const Object extra{{"code", 302}, {"redirect", "rtmp://elsewhere/live"}};
    Object info = rtmp::write_status({"error", "NetConnection.Connect.Rejected", "moved"});
    info.set("ex", extra);
    self.send(rtmp::write_command({"_error", 1, Null{}, {info}}, 0));
  };
  Running running(settings_for(server.port()));
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.serve_to_the_end());
  EXPECT_EQ(running.recorder.failure().code, Error::refused);
  EXPECT_TRUE(running.recorder.wait_for<ReconnectWanted>());
}

// --- authmod

rtmp::Status rejected(const std::string& description) {
  return {"error", "NetConnection.Connect.Rejected", "[ AccessManager.Reject ] : " + description};
}

TEST(Client, AuthenticatesWithThreeConnections) {
  TestServer server;
  Client::Settings settings = settings_for(server.port());
  settings.session.credentials = {"joe", "secret"};
  Running running(settings);

  const char* answers[] = {
      "[ code=403 need auth; authmod=adobe ] : ",
      "[ authmod=adobe ] : ?reason=needauth&user=joe&salt=abc&challenge=def&opaque=ghi"};
  for (const char* answer : answers) {
    server.on_connect = [answer](TestServer& self, const auto&) {
      self.session().reject_connect(rejected(answer));
    };
    ASSERT_TRUE(server.accept());
    ASSERT_TRUE(server.serve_to_the_end());
  }
  server.on_connect = [](TestServer& self, const auto&) { self.session().accept_connect(); };
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  EXPECT_TRUE(running.recorder.wait_for<Started>());
  EXPECT_NE(server.connects.front().app_query.find("response="), std::string::npos);
  EXPECT_EQ(running.recorder.closed(), 0);
}

TEST(Client, GivesUpWhenAuthenticationIsAskedForAgain) {
  TestServer server;
  server.on_connect = [](TestServer& self, const auto&) {
    self.session().reject_connect(rejected("[ code=403 need auth; authmod=adobe ] : "));
  };
  Client::Settings settings = settings_for(server.port());
  settings.session.credentials = {"joe", "secret"};
  Running running(settings);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(server.accept());
    ASSERT_TRUE(server.serve_to_the_end());
  }
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::command);
  EXPECT_EQ(failure.code, Error::refused);
  EXPECT_TRUE(failure.text.ends_with(" does not accept the user name and password"));
}

TEST(Client, SaysThatCredentialsAreMissing) {
  TestServer server;
  server.on_connect = [](TestServer& self, const auto&) {
    self.session().reject_connect(rejected("[ code=403 need auth; authmod=adobe ] : "));
  };
  Running running(settings_for(server.port()));
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.serve_to_the_end());
  EXPECT_TRUE(running.recorder.failure().text.ends_with("wants a user name and a password"));
}

// --- TLS

struct SecureServer : TestServer {
  SecureServer() {
    rtmp::test::write_certificate(pem);
    std::string error_text;
    context = TlsServer::make({.certificates = {{pem}}}, error_text);
  }
  bool accept() { return TestServer::accept(context.get()); }
  Client::Settings settings() const {
    Client::Settings settings = settings_for(port());
    settings.tls = true;
    settings.tls_settings.host = settings.host;
    return settings;
  }

  rtmp::test::TemporaryFolder folder;
  const std::string pem = folder / "certificate.pem";
  std::shared_ptr<TlsServer> context;
};

TEST(SecureClient, PublishesToAServerThatItTrusts) {
  SecureServer server;
  Client::Settings settings = server.settings();
  settings.tls_settings.ca_file = server.pem;
  Running running(settings);
  const std::vector<Message> sent = some_video(60, 40'000);
  for (const Message& message : sent) running.outbox.push(message);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  running.client.finish({});
  EXPECT_TRUE(server.serve_to_the_end());
  EXPECT_EQ(described(server.media), described(sent));
  EXPECT_TRUE(running.recorder.clean_end());
}

TEST(SecureClient, PlaysFromAServerThatItTrusts) {
  SecureServer server;
  Client::Settings settings = server.settings();
  settings.tls_settings.ca_file = server.pem;
  settings.session.purpose = Purpose::play;
  Running running(settings);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  const std::vector<Message> sent = some_video(60, 2'000);
  for (Message message : sent) {
    message.stream_id = server.stream_id;
    server.send(message);
  }
  EXPECT_TRUE(running.recorder.wait_media(1 + sent.size()));  // and |RtmpSampleAccess
  EXPECT_EQ(described(only_video(running.recorder.media())), described(sent));
}

TEST(SecureClient, RefusesAServerThatItDoesNotTrust) {
  SecureServer server;
  Running running(server.settings());
  ASSERT_TRUE(server.accept());
  server.shake_hands();
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::tls);
  EXPECT_EQ(failure.text,
            "No TLS connection to 127.0.0.1:" + std::to_string(server.port()) +
                ": the certificate of 127.0.0.1 is not trusted: self-signed certificate");
  EXPECT_TRUE(failure.certificate);
}

TEST(SecureClient, GivesUpOnAPeerThatIsSilent) {
  TestServer server;
  Client::Settings settings = settings_for(server.port());
  settings.tls = true;
  settings.connection.handshake_timeout = 150ms;
  Running running(settings);
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::tls);
  EXPECT_EQ(failure.code, Error::handshake_timeout);
}

TEST(SecureClient, SaysThatThePeerSpeaksNoTls) {
  if (!Nginx::available()) GTEST_SKIP() << "nginx with its RTMP module is not installed";
  Nginx nginx;
  ASSERT_TRUE(nginx.wait_listening());
  Client::Settings settings = settings_for(nginx.port());
  settings.tls = true;
  settings.connection.handshake_timeout = 300ms;
  Running running(settings);
  EXPECT_EQ(running.recorder.failure().stage, Stage::tls);
}

TEST(SecureClient, SaysWhichFileCannotBeRead) {
  Client::Settings settings = settings_for(1935);
  settings.tls = true;
  settings.tls_settings.ca_file = "/nowhere/ca.pem";
  Running running(settings);
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::settings);
  EXPECT_EQ(failure.text, "The CA file /nowhere/ca.pem cannot be used: No such file or directory");
}

// --- ends of our own

TEST(Client, DeliversEverythingToASlowReaderBeforeItCloses) {
  TestServer server(4096);
  server.read_size = 1500;
  Running running(settings_for(server.port()));
  const std::vector<Message> sent = some_video(60, 40'000);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  for (const Message& message : sent) running.outbox.push(message);
  running.client.finish({});
  EXPECT_TRUE(server.serve_to_the_end());
  EXPECT_EQ(server.error, boost::asio::error::eof);
  EXPECT_EQ(described(server.media), described(sent));
  EXPECT_TRUE(server.stream_closed);
  EXPECT_TRUE(running.recorder.clean_end());
}

TEST(Client, DeliversWhatWasQueuedBeforeTheStart) {
  TestServer server;
  Worker worker("test");
  MessageQueue outbox({});
  Recorder recorder;
  Client client(worker, settings_for(server.port()), &outbox, recorder);
  outbox.push(avc_header());
  client.finish({});
  client.start();
  ASSERT_TRUE(server.accept());
  EXPECT_TRUE(server.serve_to_the_end());
  EXPECT_EQ(server.media.size(), 1u);
  EXPECT_TRUE(recorder.clean_end());
}

TEST(Client, FinishesAtOnceWithNothingToSend) {
  TestServer server;
  Running running(settings_for(server.port()));
  ASSERT_TRUE(server.accept());
  running.client.finish({});
  EXPECT_TRUE(running.recorder.clean_end());
}

TEST(Client, SaysThatTheRestWasNotTaken) {
  TestServer server(4096);
  Client::Settings settings = settings_for(server.port());
  settings.drain_timeout = 200ms;
  Running running(settings);
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  for (const Message& message : some_video(200, 100'000)) running.outbox.push(message);
  running.client.finish({});
  EXPECT_TRUE(running.recorder.failure().text.ends_with(
      " did not take the rest of the stream within 200 ms"));
}

TEST(Client, CancelsWhileItLooksUpTheHost) {
  Client::Settings settings = settings_for(1935);
  settings.host = "nosuch.invalid";
  Running running(settings);
  running.client.cancel();
  EXPECT_TRUE(running.recorder.wait_closed());
}

TEST(Client, CancelsWhileThePeerIsSilent) {
  TestServer server;
  Running running(settings_for(server.port()));
  ASSERT_TRUE(server.accept());
  running.client.cancel();
  EXPECT_TRUE(running.recorder.clean_end());
}

TEST(Client, CancelsWhileACommandIsUnanswered) {
  TestServer server;
  bool asked = false;
  server.on_connect = [&](TestServer&, const auto&) { asked = true; };
  Running running(settings_for(server.port()));
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.serve_until([&] { return asked; }));
  running.client.cancel();
  EXPECT_TRUE(running.recorder.clean_end());
}

TEST(Client, CancelsWhileThePeerTakesNothing) {
  TestServer server(4096);
  Running running(settings_for(server.port()));
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  for (const Message& message : some_video(200, 100'000)) running.outbox.push(message);
  EXPECT_LT(time_of([&] {
              running.client.cancel();
              EXPECT_TRUE(running.recorder.clean_end());
            }),
            3s);
}

TEST(Client, CallsNobodyOnceItIsGone) {
  TestServer server;
  Worker worker("test");
  auto outbox = std::make_unique<MessageQueue>(MessageQueue::Limits{});
  auto recorder = std::make_unique<Recorder>();
  auto client = std::make_unique<Client>(worker, settings_for(server.port(), Purpose::publish),
                                         outbox.get(), *recorder);
  client->start();
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  outbox->push(avc_header());
  client.reset();
  recorder.reset();
  outbox.reset();
  EXPECT_TRUE(server.serve_to_the_end());
}

// --- other wishes

TEST(Client, AnnouncesANewChunkSize) {
  TestServer server;
  Running running(settings_for(server.port()));
  ASSERT_TRUE(server.accept());
  ASSERT_TRUE(server.start_stream());
  ASSERT_TRUE(running.recorder.wait_for<Started>());
  running.client.set_chunk_size(5000);
  running.outbox.push(video(0, true, 20'000));
  EXPECT_TRUE(server.serve_until([&] { return server.media.size() == 1; }));
  EXPECT_EQ(running.client.stats().connection.chunk_size_out, 5000u);
}

}  // namespace
}  // namespace net
