// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

namespace net {
namespace {

using namespace std::chrono_literals;
using Request = HttpServer::Request;
using Response = HttpServer::Response;

constexpr std::string_view plain = "GET /a HTTP/1.1\r\nHost: here\r\n\r\n";

// Says what was asked for.
Response echo(const Request& request) {
  return {.body = request.method + ' ' + request.target.path + ' ' + request.body};
}

class Peer {
 public:
  explicit Peer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Peer() { ::close(socket_); }

  void send(std::string_view text) {
    (void)::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
  }
  void end() { ::shutdown(socket_, SHUT_WR); }
  // False at the end, or when nothing comes for long.
  bool read() {
    pollfd readable{socket_, POLLIN, 0};
    char bytes[4096];
    if (::poll(&readable, 1, 10'000) != 1) return false;
    const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
    if (count > 0) received_.append(bytes, static_cast<std::size_t>(count));
    ended_ = count == 0;
    return count > 0;
  }
  bool read_until(std::string_view text) {
    while (received_.find(text) == std::string::npos)
      if (!read()) return false;
    return true;
  }
  // All that comes before the server's end, which must be an orderly one.
  std::string read_all() {
    while (read()) {
    }
    EXPECT_TRUE(ended_) << received_;
    return received_;
  }

 private:
  int socket_;
  std::string received_;
  bool ended_ = false;
};

class HttpServerTest : public testing::Test {
 protected:
  void start(HttpServer::Handler handler = echo, HttpServer::Limits limits = {}) {
    server_ = std::make_unique<HttpServer>(std::move(handler), limits);
    ASSERT_FALSE(server_->listen("localhost", 0));
  }
  // The answer to a request that is the last of its connection, whatever it says.
  std::string ask(std::string_view request) {
    Peer socket(server_->port());
    socket.send(request);
    socket.end();
    return socket.read_all();
  }
  std::string status_of(std::string_view request) {
    const std::string answer = ask(request);
    const std::size_t begin = answer.find(' ');
    return begin == answer.npos ? answer : answer.substr(begin + 1, 3);
  }

  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersARequest) {
  start();
  const std::string answer =
      ask("POST /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nPOST /a b body")) << answer;
  EXPECT_NE(answer.find("\r\nContent-Length: 14\r\n"), answer.npos) << answer;
}

TEST_F(HttpServerTest, KeepsAConnectionForTheNextRequest) {
  start();
  Peer socket(server_->port());
  socket.send("GET /first HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(socket.read_until("/first"));
  socket.send("GET /second HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(socket.read_until("/second"));
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  const std::string answers = ask(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPUT /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
      "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto first = answers.find("GET /1"), second = answers.find("PUT /2 x"),
             third = answers.find("GET /3");
  EXPECT_TRUE(first < second && second < third && third != answers.npos) << answers;
}

TEST_F(HttpServerTest, TakesARequestThatComesByteByByte) {
  start();
  Peer socket(server_->port());
  for (const char c : plain) socket.send({&c, 1});
  EXPECT_TRUE(socket.read_until("GET /a"));
}

TEST_F(HttpServerTest, ClosesWhenItIsAskedTo) {
  start();
  Peer socket(server_->port());
  socket.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(socket.read_all().ends_with("GET /a "));
}

TEST_F(HttpServerTest, SendsNoBodyInAnswerToHead) {
  start();
  const std::string answer = ask("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  EXPECT_NE(answer.find("Content-Length: 8"), answer.npos) << answer;
}

TEST_F(HttpServerTest, RefusesWhatIsNoRequest) {
  start();
  EXPECT_EQ(status_of("\x03\x01\x02\x03\r\n\r\n"), "400");
  EXPECT_EQ(status_of("GET /a HTTP/1.1\r\nHost: h\r\nbroken\r\n\r\n"), "400");
  EXPECT_EQ(status_of("GET /a HTTP/1.1\r\n\r\n"), "400") << "no Host";
  EXPECT_EQ(status_of("GET nowhere HTTP/1.1\r\nHost: h\r\n\r\n"), "400");
  EXPECT_EQ(status_of("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n"), "400");
  EXPECT_EQ(status_of("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n"), "400");
  EXPECT_EQ(status_of(plain), "200") << "and goes on";
}

TEST_F(HttpServerTest, RefusesHeadersThatAreTooLong) {
  start();
  const std::string name = "GET /a HTTP/1.1\r\nHost: h\r\nX: ";
  EXPECT_EQ(status_of(name + std::string(100'000, 'x') + "\r\n\r\n"), "431");
  EXPECT_EQ(status_of("GET /" + std::string(100'000, 'x')), "431");
}

TEST_F(HttpServerTest, RefusesBodiesThatAreTooLong) {
  start();
  EXPECT_EQ(status_of("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\nx"), "413");
  const std::string chunk =
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n";
  EXPECT_EQ(status_of(chunk + std::string(0x20000, 'x') + "\r\n0\r\n\r\n"), "413");
}

TEST_F(HttpServerTest, SaysNothingToHalfARequest) {
  start();
  EXPECT_EQ(ask("GET /a HTT"), "");
  EXPECT_EQ(ask(""), "");
}

TEST_F(HttpServerTest, EndsWhoTakesTooLongForARequest) {
  start(echo, {.request_time = 50ms});
  Peer socket(server_->port());
  socket.send("GET /a HTTP/1.1\r\n");
  EXPECT_EQ(socket.read_all(), "");
}

TEST_F(HttpServerTest, EndsWhoAsksForNothing) {
  start(echo, {.idle_time = 50ms});
  Peer socket(server_->port());
  socket.send(plain);
  EXPECT_TRUE(socket.read_all().ends_with("GET /a "));
}

TEST_F(HttpServerTest, TakesNoMoreConnectionsThanItMay) {
  start(echo, {.connections = 2});
  Peer first(server_->port()), second(server_->port());
  for (Peer* socket : {&first, &second}) {
    socket->send(plain);
    ASSERT_TRUE(socket->read_until("GET /a"));
  }
  Peer third(server_->port());
  EXPECT_FALSE(third.read_until("HTTP"));
}

TEST_F(HttpServerTest, KnowsThisMachine) {
  start([](const Request& request) { return Response{.body = request.local ? "here" : "away"}; });
  EXPECT_TRUE(ask(plain).ends_with("here"));
}

TEST_F(HttpServerTest, GivesTheHandlerHeadersByNamesInLowerCase) {
  start([](const Request& request) { return Response{.body = request.header("x-name")}; });
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: h\r\nX-NAME: value\r\n\r\n").ends_with("\r\nvalue"));
}

TEST_F(HttpServerTest, WaitsForItsHandlerBeforeItEnds) {
  std::promise<void> begun, may_end;
  bool ended = false;
  start([&](const Request&) {
    begun.set_value();
    may_end.get_future().wait();
    ended = true;
    return Response{};
  });
  Peer socket(server_->port());
  socket.send(plain);
  begun.get_future().wait();
  auto end = std::async(std::launch::async, [this] { server_.reset(); });
  may_end.set_value();
  end.wait();
  EXPECT_TRUE(ended);
}

TEST_F(HttpServerTest, SaysThatAPortIsTaken) {
  start();
  HttpServer other(echo);
  EXPECT_EQ(other.listen("localhost", server_->port()), boost::system::errc::address_in_use);
}

TEST(HttpTarget, TakesPathAndQueryApart) {
  const auto target = read_http_target("/a%2Fb+c?x=1&y=a+b%26&z&&=e&x=2");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a/b+c");
  EXPECT_EQ(target->query.size(), 5u);
  EXPECT_EQ(target->parameter("x"), "1");
  EXPECT_EQ(target->parameter("y"), "a b&");
  EXPECT_EQ(target->parameter("z"), "");
  EXPECT_EQ(target->parameter(""), "e");
  EXPECT_FALSE(target->parameter("w"));
}

TEST(HttpTarget, TakesWholeAddresses) {
  EXPECT_EQ(read_http_target("http://host:80/a?b=c"), read_http_target("/a?b=c"));
  EXPECT_EQ(read_http_target("http://host")->path, "/");
}

TEST(HttpTarget, RefusesWhatIsNone) {
  for (const char* text : {"", "a", "*", "host:80", "/%", "/%2", "/%g0", "/%00", "/?a=%", "/?%=a"})
    EXPECT_FALSE(read_http_target(text)) << text;
}

}  // namespace
}  // namespace net
