// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/http_client.h"

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

namespace net {
namespace {

using boost::asio::ip::tcp;
using Answer = HttpClient::Answer;

std::optional<HttpUrl> read(std::string_view text) {
  std::string error;
  const auto url = HttpUrl::read(text, error);
  EXPECT_EQ(url.has_value(), error.empty()) << text;
  return url;
}

TEST(HttpUrl, IsReadInAllItsForms) {
  const auto plain = read("http://host/path?a=b#part");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "host");
  EXPECT_EQ(plain->port, 80);
  EXPECT_EQ(plain->target, "/path?a=b");
  EXPECT_EQ(plain->authority(), "host");
  const auto secure = read("https://[::1]:8443?a=b");
  ASSERT_TRUE(secure);
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(secure->host, "::1");
  EXPECT_EQ(secure->port, 8443);
  EXPECT_EQ(secure->target, "/?a=b");
  EXPECT_EQ(secure->authority(), "[::1]:8443");
  EXPECT_EQ(read("https://host:443")->authority(), "host");
}

TEST(HttpUrl, IsNothingElse) {
  for (const char* text :
       {"", "host", "ftp://host/", "http://", "http:///path", "http://:80/", "http://host:/",
        "http://host:x/", "http://host:0/", "http://host:65536/", "http://[::1/", "http://[::1]x/",
        "http://ho st/", "http://host/\r\nX: y"})
    EXPECT_FALSE(read(text)) << text;
}

// Serves the connections that come, one after the other: each request is answered by the next
// piece of the script; nothing more to say ends the connection.
class Server {
 public:
  using Script = std::vector<std::vector<std::string>>;  // by connection

  explicit Server(Script script)
      : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}),
        thread_([this, script = std::move(script)] { serve(script); }) {}
  ~Server() {
    if (thread_.joinable()) thread_.join();
  }

  HttpUrl url() const { return {.host = "127.0.0.1", .port = port_, .target = "/hook"}; }
  // When all of the script is said.
  const std::vector<std::string>& requests() {
    thread_.join();
    return requests_;
  }

 private:
  void serve(const Script& script) {
    for (const auto& answers : script) {
      tcp::socket socket = acceptor_.accept();
      for (const std::string& answer : answers) {
        boost::asio::streambuf in;
        error_code error;
        boost::asio::read_until(socket, in, "body", error);
        if (error) return;
        requests_.emplace_back(boost::asio::buffers_begin(in.data()),
                               boost::asio::buffers_end(in.data()));
        boost::asio::write(socket, boost::asio::buffer(answer), error);
      }
    }
  }

  std::vector<std::string> requests_;
  boost::asio::io_context context_;
  tcp::acceptor acceptor_;
  const std::uint16_t port_ = acceptor_.local_endpoint().port();
  std::thread thread_;
};

const std::string yes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const std::string yes_and_close =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

class HttpClientTest : public testing::Test {
 protected:
  std::future<Answer> post(const HttpUrl& url) {
    const auto promise = std::make_shared<std::promise<Answer>>();
    client_.post({url, "text/plain", "body"},
                 [promise](Answer answer) { promise->set_value(std::move(answer)); });
    return promise->get_future();
  }
  Answer answer_to(const std::string& text) {
    const Server server({{text}});
    return post(server.url()).get();
  }

  HttpClient client_{{.max_body = 100}};
};

TEST_F(HttpClientTest, AsksWithAPost) {
  Server server({{yes}});
  const Answer answer = post(server.url()).get();
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body, "ok");
  const std::string request = server.requests().at(0);
  EXPECT_TRUE(request.starts_with("POST /hook HTTP/1.1\r\n"));
  EXPECT_NE(request.find("Host: " + server.url().authority() + "\r\n"), std::string::npos);
  EXPECT_TRUE(request.ends_with("Content-Length: 4\r\n\r\nbody"));
}

TEST_F(HttpClientTest, UsesAConnectionAgain) {
  const Server server({{yes, yes, yes}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(post(server.url()).get().status, 200u);
}

TEST_F(HttpClientTest, MakesAnotherWhereTheOldOneHasEnded) {
  const Server server({{yes}, {yes}, {yes_and_close}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(post(server.url()).get().status, 200u);
}

TEST_F(HttpClientTest, UnderstandsAnswersOfAnyForm) {
  EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "1\r\no\r\n1\r\nk\r\n0\r\n\r\n")
                .body,
            "ok");
  EXPECT_EQ(answer_to("HTTP/1.0 200 OK\r\n\r\nok").body, "ok");
  EXPECT_EQ(answer_to("HTTP/1.1 204 No Content\r\n\r\n").status, 204u);
}

TEST_F(HttpClientTest, FollowsNobodyElsewhere) {
  const Answer answer =
      answer_to("HTTP/1.1 302 Found\r\nLocation: other\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(answer.status, 302u);
  EXPECT_EQ(answer.location, "other");
}

TEST_F(HttpClientTest, SaysWhyThereIsNoAnswer) {
  for (const std::string text :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", "Bonjour\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"}) {
    const Answer answer = answer_to(text);
    EXPECT_EQ(answer.status, 0u) << text;
    EXPECT_FALSE(answer.fault.empty()) << text;
  }
  EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n").status, 0u);
}

// Nobody accepts, and yet the system takes the connection.
class Silent {
 public:
  HttpUrl url() const {
    return {.host = "127.0.0.1", .port = acceptor_.local_endpoint().port(), .target = "/"};
  }

 private:
  boost::asio::io_context context_;
  tcp::acceptor acceptor_{context_, {boost::asio::ip::address_v4::loopback(), 0}};
};

TEST(HttpClient, DoesNotWaitForEver) {
  const Silent server;
  HttpClient client({.timeout = std::chrono::milliseconds(50)});
  std::promise<Answer> promise;
  client.post({server.url(), "", ""}, [&](Answer answer) { promise.set_value(std::move(answer)); });
  EXPECT_EQ(promise.get_future().get().fault, "it takes too long");
}

TEST(HttpClient, CountsTheWaitForOthersAsWell) {
  const Silent server;
  HttpClient client({.timeout = std::chrono::milliseconds(50), .max_connections = 1});
  std::atomic<int> late = 0;
  for (int i = 0; i < 5; ++i)
    client.post({server.url(), "", ""}, [&](const Answer& answer) { late += answer.status == 0; });
  client.wait(std::chrono::seconds(10));
  EXPECT_EQ(late, 5);
}

TEST(HttpClient, RefusesMoreThanItMayKeep) {
  const Silent server;
  std::atomic<int> refused = 0;
  HttpClient client({.max_connections = 1, .max_calls = 3});
  std::promise<void> enough;
  for (int i = 0; i < 5; ++i)
    client.post({server.url(), "", ""}, [&](const Answer& answer) {
      EXPECT_EQ(answer.fault, "too many calls wait for an answer");
      if (++refused == 2) enough.set_value();
    });
  enough.get_future().wait();
}

TEST(HttpClient, MayGoWhileItWaits) {
  const Silent server;
  HttpClient client({.max_connections = 1});
  for (int i = 0; i < 3; ++i) client.post({server.url(), "", ""}, [](const Answer&) { FAIL(); });
  client.wait(std::chrono::milliseconds(20));
}

TEST(HttpClient, MayGoWhileAnAnswerLeadsToFurtherCalls) {
  for (int i = 0; i < 20; ++i) {
    const Silent server;
    std::promise<void> answered;
    HttpClient client({.timeout = std::chrono::milliseconds(1)});
    client.post({server.url(), "", ""}, [&](const Answer&) {
      answered.set_value();
      for (int further = 0; further < 500; ++further)
        client.post({server.url(), "", ""}, [](const Answer&) {});
    });
    answered.get_future().wait();
  }
}

}  // namespace
}  // namespace net
