// Clients that speak HTTP, byte by byte.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <future>

#include "relay/server_test.h"
#include "rtmp/flv.h"

namespace relay {
namespace {

using namespace std::chrono_literals;
using namespace test;

// A client that says what it is told to.
class Browser {
 public:
  Browser(std::uint16_t port, const std::string& request)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const int small = 64 * 1024;  // what it does not read is soon the server's to keep
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    const timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    say(request);
  }
  Browser(const Browser&) = delete;
  ~Browser() { ::close(socket_); }

  void say(const std::string& text) { ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL); }
  // One more piece; empty at the end, or after ten seconds.
  std::string read() {
    std::string piece(16 * 1024, '\0');
    const ssize_t size = ::recv(socket_, piece.data(), piece.size(), 0);
    piece.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return piece;
  }
  std::string read_head() {
    std::string head;
    while (head.find("\r\n\r\n") == head.npos) {
      std::string byte(1, '\0');
      if (::recv(socket_, byte.data(), 1, 0) != 1) break;
      head += byte;
    }
    return head;
  }
  std::string read_to_end() {
    std::string all;
    for (std::string piece = read(); !piece.empty(); piece = read()) all += piece;
    return all;
  }

 private:
  int socket_;
};

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: here\r\n\r\n";
}

std::string post(const std::string& target, std::size_t size) {
  return "POST " + target + " HTTP/1.1\r\nHost: here\r\nContent-Length: " + std::to_string(size) +
         "\r\n\r\n";
}

std::vector<rtmp::Message> tags_of(const std::string& file) {
  rtmp::flv::Reader reader;
  reader.receive({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
  std::vector<rtmp::Message> tags;
  while (const auto tag = reader.next().value()) tags.push_back(*tag);
  return tags;
}

class HttpTest : public ServerTest {};

TEST_F(HttpTest, DoesNotWaitForEverForARequest) {
  auto settings = ServerTest::settings();
  settings.handshake_timeout = 50ms;
  start(settings);
  Browser silent(server_->port(), "GET /live");
  EXPECT_EQ(silent.read_to_end(), "");
}

TEST_F(HttpTest, RefusesALongHeader) {
  start();
  Browser browser(server_->port(), "GET / HTTP/1.1\r\nX-Much: " + std::string(20'000, 'x'));
  EXPECT_TRUE(browser.read_to_end().starts_with("HTTP/1.1 431 "));
  EXPECT_EQ(count(Limit::http_request), 1u);
}

TEST_F(HttpTest, RefusesALongBody) {
  start();
  Browser browser(server_->port(), post("/open/1", 5'000'000));
  EXPECT_TRUE(browser.read_to_end().starts_with("HTTP/1.1 413 "));
  EXPECT_EQ(count(Limit::http_request), 1u);
}

TEST_F(HttpTest, AnswersWhatIsNoRequestOfHttp) {
  start();
  Browser browser(server_->port(), "PROXY TCP4 127.0.0.1 127.0.0.1 4711 1935\r\n\3");
  EXPECT_TRUE(browser.read_to_end().starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(count(Limit::http_request), 1u);
}

TEST_F(HttpTest, CountsWhatIsAskedForThatIsOff) {
  auto settings = ServerTest::settings();
  settings.protocols = {Protocols::bit(Protocol::http_flv)};
  start(settings);
  Browser browser(server_->port(), post("/open/1", 1) + "x");
  EXPECT_TRUE(browser.read_to_end().starts_with("HTTP/1.1 404 "));
  EXPECT_EQ(count(Limit::first_byte_http), 1u);
}

TEST_F(HttpTest, SaysNothingOfAStreamBeforeItIsAllowed) {
  observer_.decide = [](const Request& request) {
    return Decision{.allow = request.action != Request::Action::play};
  };
  start();
  Browser browser(server_->port(), get("/live/cam.flv"));
  EXPECT_TRUE(browser.read_to_end().starts_with("HTTP/1.1 403 "));
}

TEST_F(HttpTest, TellsTheApplicationWhoItIs) {
  std::vector<Request> asked;
  observer_.decide = [&](const Request& request) {
    asked.push_back(request);
    return Decision();
  };
  start();
  Browser browser(server_->port(),
                  "GET /live/inst/cam.flv?token=7 HTTP/1.1\r\nHost: media.example\r\n"
                  "Referer: http://media.example/page\r\nUser-Agent: Player/1\r\n\r\n");
  EXPECT_TRUE(browser.read_head().starts_with("HTTP/1.1 200 "));
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[1].action, Request::Action::play);
  EXPECT_EQ(asked[1].app, "live/inst");
  EXPECT_EQ(asked[1].stream, "cam");
  EXPECT_EQ(asked[1].query, "token=7");
  EXPECT_EQ(asked[1].tc_url, "http://media.example/live/inst");
  EXPECT_EQ(asked[1].page_url, "http://media.example/page");
  EXPECT_EQ(asked[1].flash_version, "Player/1");
}

TEST_F(HttpTest, GivesTheSameFramesAsToPlayersOfRtmp) {
  start();
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  const auto player = this->player();
  ASSERT_TRUE(player->start());
  Browser browser(server_->port(), get("/live/cam.flv"));
  browser.read_head();
  source->send({video_header(), key(0), inter(40)});
  ASSERT_TRUE(player->run_until_seen(sample_access + "Hki"));
  source->send({key(80)});
  source->stop();
  std::string letters;
  for (const rtmp::Message& tag : tags_of(browser.read_to_end()))
    letters += letter(*make_frame(tag, 0, 128));
  EXPECT_EQ(letters, "Hkik");
}

// What the kernel does not take at once goes on behind what it took.
TEST_F(HttpTest, LosesNoByteOfAFrameToASlowPlayer) {
  start();
  const auto source = publisher();
  ASSERT_TRUE(source->start());
  Browser browser(server_->port(), get("/live/cam.flv"));
  browser.read_head();
  constexpr int frames = 40;
  constexpr std::size_t size = 100'000;
  for (int i = 0; i < frames; ++i) {
    std::vector<std::uint8_t> payload(size, static_cast<std::uint8_t>('A' + i));
    std::ranges::copy(key(0).payload.bytes(), payload.begin());
    source->send({{rtmp::MessageType::video, 1, 40 * i, rtmp::Buffer::adopt(std::move(payload))}});
  }
  source->stop();
  const auto tags = tags_of(browser.read_to_end());
  ASSERT_EQ(tags.size(), static_cast<std::size_t>(frames));
  for (int i = 0; i < frames; ++i) {
    const auto bytes = tags[static_cast<std::size_t>(i)].payload.bytes();
    EXPECT_EQ(bytes.size(), size);
    EXPECT_EQ(std::ranges::count(bytes, 'A' + i),
              static_cast<std::ptrdiff_t>(size - key(0).payload.size()));
  }
}

TEST_F(HttpTest, CountsAClientOnce) {
  auto settings = ServerTest::settings();
  settings.max_connections = settings.max_connections_per_host = 1;
  start(settings);
  Browser first(server_->port(), get("/live/cam.flv"));
  EXPECT_TRUE(first.read_head().starts_with("HTTP/1.1 200 "));
  Browser second(server_->port(), get("/live/cam.flv"));
  EXPECT_EQ(second.read_to_end(), "");
  EXPECT_EQ(count(Limit::connections) + count(Limit::connections_per_host), 1u);
}

TEST_F(HttpTest, LetsAConnectionOpenOnlySoManyTunnels) {
  auto settings = ServerTest::settings();
  settings.max_connections_per_host = 2;
  start(settings);
  Browser browser(server_->port(), "");
  for (int i = 0; i < 3; ++i) {
    browser.say(post("/open/1", 1) + "x");
    EXPECT_TRUE(browser.read_head().starts_with("HTTP/1.1 200 "));
    browser.read();
  }
  EXPECT_EQ(count(Limit::connections_per_host), 1u);
}

TEST_F(HttpTest, EndsTheAnswerWithTheServer) {
  start();
  auto browser = std::make_unique<Browser>(server_->port(), get("/live/cam.flv"));
  browser->read_head();
  const auto stopped = std::async(std::launch::async, [&] { server_->stop(); });
  EXPECT_EQ(browser->read_to_end(), "");
  browser.reset();
}

TEST_F(HttpTest, EndsAPublisherWhoseBodyIsNoFlv) {
  start();
  Browser browser(server_->port(), post("/live/cam.flv", 1'000'000) + std::string(100'000, 'x'));
  EXPECT_TRUE(browser.read_to_end().starts_with("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace relay
