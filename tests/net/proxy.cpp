// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/proxy.h"

#include <gtest/gtest.h>

#include <boost/asio/write.hpp>
#include <future>

#include "net/proxy_dialogue.h"
#include "net/proxy_socks.h"
#include "net/running_client.h"

namespace net {
namespace {

using namespace rtmp::client_event;
using namespace std::chrono_literals;
using rtmp::Error;
using rtmp::test::from_hex;
using rtmp::test::Purpose;
using rtmp::test::Running;
using rtmp::test::settings_for;
using rtmp::test::TestServer;
using rtmp::test::to_hex;
using Kind = Proxy::Kind;
using Stage = Failure::Stage;

// --- how people write one

std::optional<Proxy> read(std::string_view text) {
  const auto choice = read_proxy(text);
  const auto* proxy = std::get_if<std::optional<Proxy>>(&choice);
  if (!proxy) ADD_FAILURE() << text << " is refused: " << std::get<std::string>(choice);
  return proxy ? *proxy : std::nullopt;
}

TEST(ProxyText, NamesKindHostAndPort) {
  EXPECT_EQ(read("socks5://gate:1081"), (Proxy{Kind::socks5, "gate", 1081}));
  EXPECT_EQ(read("SOCKS5H://gate:1081/"), (Proxy{Kind::socks5, "gate", 1081}));
  EXPECT_EQ(read("socks://[::1]:1081"), (Proxy{Kind::socks5, "::1", 1081}));
  EXPECT_EQ(read("http://10.0.0.1:3128/"), (Proxy{Kind::http, "10.0.0.1", 3128}));
  EXPECT_EQ(read("gate:3128"), (Proxy{Kind::http, "gate", 3128}));
}

TEST(ProxyText, NeedsNoPort) {
  EXPECT_EQ(read("socks5://gate"), (Proxy{Kind::socks5, "gate", 1080}));
  EXPECT_EQ(read("socks5://me:secret@[::1]"), (Proxy{Kind::socks5, "::1", 1080, "me", "secret"}));
  EXPECT_EQ(read("http://me:secret@gate"), (Proxy{Kind::http, "gate", 8080, "me", "secret"}));
  EXPECT_EQ(read("gate"), (Proxy{Kind::http, "gate", 8080}));
}

TEST(ProxyText, EncodesUserAndPassword) {
  EXPECT_EQ(read("http://m%40e:s%3Ac@gate:1"), (Proxy{Kind::http, "gate", 1, "m@e", "s:c"}));
}

TEST(ProxyText, MayNameNone) {
  EXPECT_EQ(read("direct://"), std::nullopt);
  EXPECT_EQ(read(""), std::nullopt);
}

TEST(ProxyText, IsRefusedWithoutBeingShown) {
  const std::string long_name(256, 'x');
  for (const std::string& text :
       {std::string("socks4://me:secret@gate"), std::string("https://me:secret@gate"),
        std::string("http://me:secret@"), std::string("http://me:secret@gate:0"),
        std::string("http://me:secret@gate:70000"), std::string("socks5://secret:gate:x"),
        std::string("http://se cret"), "socks5://" + long_name + ":secret@gate"}) {
    const auto choice = read_proxy(text);
    const auto* fault = std::get_if<std::string>(&choice);
    ASSERT_TRUE(fault) << text;
    EXPECT_EQ(fault->find("secret"), fault->npos) << *fault;
    EXPECT_TRUE(fault->starts_with("The proxy cannot be used: ")) << *fault;
  }
}

TEST(ProxyText, IsWrittenWithoutUserAndPassword) {
  EXPECT_EQ(write_proxy(Proxy{Kind::http, "::1", 3128, "me", "secret"}), "http://[::1]:3128");
  EXPECT_EQ(write_proxy(Proxy{Kind::socks5, "gate", 1080}), "socks5://gate:1080");
  EXPECT_EQ(write_proxy(std::nullopt), "direct://");
}

TEST(ProxyText, KnowsThisMachineByItsNames) {
  for (const char* host :
       {"localhost", "LocalHost", "cam.localhost", "127.0.0.1", "127.1.2.3", "::1"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"local", "localhost.example", "10.0.0.1", "::2", "128.0.0.1"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

// --- the bytes of SOCKS

TEST(Socks, OffersAPasswordOnlyWhereThereIsOne) {
  EXPECT_EQ(to_hex(socks5::write_greeting(false)), to_hex(from_hex("05 01 00")));
  EXPECT_EQ(to_hex(socks5::write_greeting(true)), to_hex(from_hex("05 02 00 02")));
}

TEST(Socks, CountsUserAndPassword) {
  EXPECT_EQ(to_hex(socks5::write_login("me", "abc")), to_hex(from_hex("01 02 6d65 03 616263")));
}

TEST(Socks, SendsNamesAsNamesAndAddressesAsAddresses) {
  EXPECT_EQ(to_hex(socks5::write_connect("a.bc", 1935)),
            to_hex(from_hex("05 01 00 03 04 612e6263 078f")));
  EXPECT_EQ(to_hex(socks5::write_connect("10.1.2.3", 80)),
            to_hex(from_hex("05 01 00 01 0a010203 0050")));
  EXPECT_EQ(to_hex(socks5::write_connect("2001:db8::5", 80)),
            to_hex(from_hex("05 01 00 04 20010db8000000000000000000000005 0050")));
}

TEST(Socks, KnowsAnAnswerOfAnotherVersion) {
  EXPECT_FALSE(socks5::read_method(from_hex("04 00")));
  EXPECT_FALSE(socks5::read_method(rtmp::as_bytes("HT")));
  EXPECT_FALSE(socks5::read_reply(from_hex("00 5a")));
  EXPECT_EQ(socks5::read_method(from_hex("05 ff")), socks5::Method::none_acceptable);
}

TEST(Socks, TakesALoginOfAnyVersion) {
  EXPECT_TRUE(socks5::is_accepted(from_hex("01 00")));
  EXPECT_TRUE(socks5::is_accepted(from_hex("05 00")));
  EXPECT_FALSE(socks5::is_accepted(from_hex("01 01")));
}

TEST(Socks, KnowsHowLongAnAddressIs) {
  EXPECT_EQ(socks5::rest_of_address(from_hex("00 01 7f")), 5u);
  EXPECT_EQ(socks5::rest_of_address(from_hex("00 04 20")), 17u);
  EXPECT_EQ(socks5::rest_of_address(from_hex("00 03 09")), 11u);
  EXPECT_FALSE(socks5::rest_of_address(from_hex("00 02 09")));
}

TEST(Socks, SaysEachReplyInWords) {
  EXPECT_EQ(socks5::to_text(socks5::Reply::forbidden), "its rules forbid it");
  EXPECT_EQ(socks5::to_text(socks5::Reply::unknown_address),
            "it does not take this kind of address");
  EXPECT_EQ(socks5::to_text(static_cast<socks5::Reply>(9)), "it says 9");
}

TEST(ProxyAuthorization, IsBasic) {
  EXPECT_EQ(proxy_authorization({Kind::http, "gate", 1, "Aladdin", "open sesame"}),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(proxy_authorization({Kind::http, "gate", 1}), "");
}

// --- proxies of all manners

// A proxy whose words the test says itself.
class Peer {
 public:
  using Tcp = boost::asio::ip::tcp;

  Peer() : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}), socket_(context_) {}

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string name() const { return "127.0.0.1:" + std::to_string(port()); }
  bool accept() {
    if (!wait(acceptor_.native_handle())) return false;
    socket_ = acceptor_.accept();
    socket_.set_option(Tcp::no_delay(true));
    return true;
  }
  // Fewer bytes at the end.
  std::string read(std::size_t size) {
    std::string text(size, '\0');
    std::size_t got = 0;
    while (got < size && wait(socket_.native_handle())) {
      error_code error;
      got += socket_.read_some(boost::asio::buffer(text.data() + got, size - got), error);
      if (error) break;
    }
    text.resize(got);
    return text;
  }
  std::string read_hex(std::size_t size) { return to_hex(rtmp::as_bytes(read(size))); }
  std::string read_head() {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
      const std::string more = read(1);
      if (more.empty()) break;
      head += more;
    }
    return head;
  }
  void send(std::string_view text) {
    error_code ignored;
    boost::asio::write(socket_, boost::asio::buffer(text), ignored);
  }
  void send_hex(const std::string& hex) { send(rtmp::as_text(from_hex(hex))); }
  void dribble(std::string_view text) {
    for (const char& c : text) send({&c, 1});
  }
  void close() { socket_.close(); }
  Socket release() { return Socket(std::move(socket_)); }

 private:
  static bool wait(int socket) {
    pollfd poll = {socket, POLLIN, 0};
    return ::poll(&poll, 1, static_cast<int>(TestServer::patience / 1ms)) == 1;
  }

  boost::asio::io_context context_;
  Tcp::acceptor acceptor_;
  Tcp::socket socket_;
};

const std::string good_reply = "05 00 00 01 7f000001 1234";

// A name that only the proxy can find.
Client::Settings by(const Peer& peer, Kind kind, std::string user = {}) {
  Client::Settings settings = settings_for(1935);
  settings.host = "media.example";
  settings.proxy = {kind, "127.0.0.1", peer.port(), std::move(user), "secret"};
  return settings;
}

std::string connect_request() { return to_hex(socks5::write_connect("media.example", 1935)); }

// The proxy is ready to say whether it leads on.
bool reach_socks(Peer& peer) {
  if (!peer.accept() || peer.read_hex(3) != to_hex(from_hex("05 01 00"))) return false;
  peer.send_hex("05 00");
  return peer.read_hex(20) == connect_request();
}

bool reach_http(Peer& peer) {
  return peer.accept() && peer.read_head().starts_with("CONNECT media.example:1935 HTTP/1.1\r\n");
}

Failure failure_by_socks(const std::string& hex) {
  Peer peer;
  Running running(by(peer, Kind::socks5));
  EXPECT_TRUE(reach_socks(peer));
  peer.send_hex(hex);
  peer.close();
  return running.recorder.failure();
}

Failure failure_by_http(std::string_view answer, std::string user = {}) {
  Peer peer;
  Running running(by(peer, Kind::http, std::move(user)));
  EXPECT_TRUE(reach_http(peer));
  peer.send(answer);
  peer.close();
  return running.recorder.failure();
}

TEST(SocksProxy, LooksTheNameUpAndLeadsOn) {
  Peer peer;
  Running running(by(peer, Kind::socks5));
  ASSERT_TRUE(reach_socks(peer));
  peer.send_hex(good_reply);
  TestServer server;
  server.take(peer.release());
  ASSERT_TRUE(server.start_stream());
  EXPECT_TRUE(running.recorder.wait_for<Started>());
  EXPECT_EQ(running.client.stats().peer, peer.name());
}

TEST(SocksProxy, IsToldUserAndPassword) {
  Peer peer;
  Running running(by(peer, Kind::socks5, "me"));
  ASSERT_TRUE(peer.accept());
  EXPECT_EQ(peer.read_hex(4), to_hex(from_hex("05 02 00 02")));
  peer.send_hex("05 02");
  EXPECT_EQ(peer.read_hex(11), to_hex(from_hex("01 02 6d65 06 736563726574")));
  peer.send_hex("01 00");
  EXPECT_EQ(peer.read_hex(20), connect_request());
}

TEST(SocksProxy, MayAnswerByteByByte) {
  Peer peer;
  Running running(by(peer, Kind::socks5));
  ASSERT_TRUE(peer.accept());
  peer.dribble(rtmp::as_text(from_hex("05 00")));
  peer.read(3 + 20);
  peer.dribble(rtmp::as_text(from_hex("05 00 00 03 04 67617465 1234")));
  TestServer server;
  server.take(peer.release());
  EXPECT_TRUE(server.start_stream());
}

TEST(HttpProxy, LooksTheNameUpAndLeadsOn) {
  Peer peer;
  Running running(by(peer, Kind::http));
  ASSERT_TRUE(peer.accept());
  EXPECT_EQ(peer.read_head(),
            "CONNECT media.example:1935 HTTP/1.1\r\nHost: media.example:1935\r\n\r\n");
  peer.send("HTTP/1.0 200 Connection established\r\nContent-Length: 100\r\n\r\n");
  TestServer server;
  server.take(peer.release());
  ASSERT_TRUE(server.start_stream());
  EXPECT_TRUE(running.recorder.wait_for<Started>());
}

TEST(HttpProxy, IsToldUserAndPassword) {
  Peer peer;
  Running running(by(peer, Kind::http, "me"));
  ASSERT_TRUE(peer.accept());
  const std::string head = peer.read_head();
  EXPECT_NE(head.find("\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n"), head.npos) << head;
}

TEST(HttpProxy, MayAnswerByteByByte) {
  Peer peer;
  Running running(by(peer, Kind::http));
  ASSERT_TRUE(reach_http(peer));
  peer.dribble("HTTP/1.1 200 OK\r\nVia: gate\r\n\r\n");
  TestServer server;
  server.take(peer.release());
  EXPECT_TRUE(server.start_stream());
}

// The client's second part of the handshake repeats what the server's first one was.
void expect_nothing_lost(Peer& peer, std::string answer) {
  std::string s1(1536, '\x5a');
  s1.replace(0, 8, 8, '\0');
  peer.send(answer + '\x03' + s1);
  const std::string c0c1 = peer.read(1537);
  ASSERT_EQ(c0c1.size(), 1537u);
  const std::string c2 = peer.read(1536);
  ASSERT_EQ(c2.size(), 1536u);
  EXPECT_EQ(c2.substr(8), s1.substr(8));
}

TEST(SocksProxy, LosesNothingThatComesWithItsAnswer) {
  Peer peer;
  Running running(by(peer, Kind::socks5));
  ASSERT_TRUE(reach_socks(peer));
  expect_nothing_lost(peer, std::string(rtmp::as_text(from_hex(good_reply))));
}

TEST(HttpProxy, LosesNothingThatComesWithItsAnswer) {
  Peer peer;
  Running running(by(peer, Kind::http));
  ASSERT_TRUE(reach_http(peer));
  expect_nothing_lost(peer, "HTTP/1.1 200 OK\r\n\r\n");
}

// --- what goes wrong

TEST(AProxy, ThatDoesNotListenIsNamed) {
  Client::Settings settings = settings_for(1935);
  settings.proxy = {Kind::socks5, "127.0.0.1", rtmp::test::free_port()};
  Running running(settings);
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::connect);
  EXPECT_EQ(failure.code, boost::asio::error::connection_refused);
  EXPECT_EQ(failure.text, "Could not connect to the SOCKS5 proxy 127.0.0.1:" +
                              std::to_string(settings.proxy->port) +
                              ": Connection refused: does it run there?");
}

TEST(AProxy, ThatCannotBeFoundIsNamed) {
  Client::Settings settings = settings_for(1935);
  settings.proxy = {Kind::http, "nosuch.invalid", 8080};
  Running running(settings);
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::resolve);
  EXPECT_TRUE(failure.text.starts_with("Could not find the proxy 'nosuch.invalid'"));
}

TEST(SocksProxy, MayWantALogin) {
  Peer peer;
  Running running(by(peer, Kind::socks5));
  ASSERT_TRUE(peer.accept());
  peer.send_hex("05 ff");
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::connect);
  EXPECT_EQ(failure.code, boost::system::errc::permission_denied);
  EXPECT_TRUE(is_final(failure));
  EXPECT_EQ(failure.text, "The SOCKS5 proxy " + peer.name() +
                              " wants a user name and a password: set them with its address");
}

TEST(SocksProxy, MayWantAnotherLogin) {
  Peer peer;
  Running running(by(peer, Kind::socks5, "me"));
  ASSERT_TRUE(peer.accept());
  peer.send_hex("05 ff");
  EXPECT_EQ(running.recorder.failure().text,
            "The SOCKS5 proxy " + peer.name() +
                " wants another kind of login than a user name and a password");
}

TEST(SocksProxy, MayRefuseTheLogin) {
  for (const char* answer : {"01 01", ""}) {
    Peer peer;
    Running running(by(peer, Kind::socks5, "me"));
    ASSERT_TRUE(peer.accept());
    peer.send_hex("05 02");
    peer.read(4 + 11);
    peer.send_hex(answer);
    peer.close();
    const Failure failure = running.recorder.failure();
    EXPECT_EQ(failure.text,
              "The SOCKS5 proxy " + peer.name() + " does not accept the user name and password");
    EXPECT_TRUE(is_final(failure));
  }
}

TEST(SocksProxy, SaysWhyItDoesNotLeadOn) {
  const Failure forbidden = failure_by_socks("05 02 00 01 00000000 0000");
  EXPECT_TRUE(
      forbidden.text.ends_with(" does not connect to media.example:1935: its rules forbid it"))
      << forbidden.text;
  EXPECT_TRUE(is_final(forbidden));
  const Failure unreachable = failure_by_socks("05 04");
  EXPECT_TRUE(unreachable.text.ends_with(": the host is unreachable")) << unreachable.text;
  EXPECT_FALSE(is_final(unreachable));
}

TEST(SocksProxy, MayBeSomethingElse) {
  Peer peer;
  Running running(by(peer, Kind::socks5));
  ASSERT_TRUE(peer.accept());
  peer.send("HTTP/1.0 400 Bad Request\r\n\r\n");
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.code, boost::system::errc::protocol_error);
  EXPECT_EQ(failure.text, "The SOCKS5 proxy " + peer.name() +
                              " does not speak SOCKS5: is it one for HTTP (http://)?");
}

TEST(SocksProxy, MayAnswerWithAnAddressOfNoKind) {
  EXPECT_EQ(failure_by_socks("05 00 00 07 00").code, boost::system::errc::protocol_error);
}

TEST(SocksProxy, MayLeaveInTheMiddle) {
  for (const char* part : {"", "05", "05 00", "05 00 00 01 7f"}) {
    const Failure failure = failure_by_socks(part);
    EXPECT_EQ(failure.code, boost::asio::error::eof);
    EXPECT_TRUE(failure.text.ends_with(
        " closed the connection without an answer: is it a proxy of this kind?"))
        << failure.text;
  }
}

TEST(HttpProxy, MayWantALogin) {
  const std::string answer =
      "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!";
  const Failure wanted = failure_by_http(answer), refused = failure_by_http(answer, "me");
  EXPECT_TRUE(wanted.text.ends_with(" wants a user name and a password: set them with its address"))
      << wanted.text;
  EXPECT_TRUE(refused.text.ends_with(" does not accept the user name and password"))
      << refused.text;
  EXPECT_EQ(refused.code, boost::system::errc::permission_denied);
}

TEST(HttpProxy, SaysWhyItDoesNotLeadOn) {
  const Failure forbidden = failure_by_http("HTTP/1.1 403 Verboten\xff\r\n\r\n");
  EXPECT_TRUE(forbidden.text.starts_with("The HTTP proxy 127.0.0.1:"));
  EXPECT_TRUE(forbidden.text.ends_with(": 403 Verboten?")) << forbidden.text;
  EXPECT_TRUE(is_final(forbidden));
  const Failure unreachable = failure_by_http("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  EXPECT_TRUE(
      unreachable.text.ends_with(" does not connect to media.example:1935: 502 Bad Gateway"))
      << unreachable.text;
  EXPECT_FALSE(is_final(unreachable));
}

TEST(HttpProxy, MayBeSomethingElse) {
  for (const char* answer : {"SSH-2.0-OpenSSH_9.2\r\n", "\x05", "HTTP/1.1 many OK\r\n\r\n"}) {
    const Failure failure = failure_by_http(answer);
    EXPECT_EQ(failure.code, boost::system::errc::protocol_error) << answer;
    EXPECT_TRUE(failure.text.ends_with(" does not speak HTTP: is it SOCKS5 (socks5://)?"))
        << failure.text;
  }
}

TEST(HttpProxy, MayNotTalkForEver) {
  const Failure failure =
      failure_by_http("HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(failure.stage, Stage::connect);
}

TEST(HttpProxy, MayLeaveInTheMiddle) {
  EXPECT_EQ(failure_by_http("HTTP/1.1 200 OK\r\n").code, boost::asio::error::eof);
}

TEST(AProxy, ThatStallsIsGivenUp) {
  for (const Kind kind : {Kind::socks5, Kind::http}) {
    Peer peer;
    Client::Settings settings = by(peer, kind);
    settings.connect_timeout = 200ms;
    Running running(settings);
    ASSERT_TRUE(peer.accept());
    const Failure failure = running.recorder.failure();
    EXPECT_EQ(failure.code, Error::connect_timeout);
    EXPECT_TRUE(failure.text.starts_with("No connection to media.example:1935 from the "));
    EXPECT_TRUE(failure.text.ends_with(" proxy " + peer.name() + " within 200 ms")) << failure.text;
  }
}

TEST(AProxy, ThatStallsIsLeftAtOnceWhereNobodyWantsItAnyMore) {
  for (const Kind kind : {Kind::socks5, Kind::http}) {
    Peer peer;
    Client::Settings settings = by(peer, kind);
    settings.connect_timeout = {};
    Running running(settings);
    ASSERT_TRUE(peer.accept());
    ASSERT_EQ(peer.read(3).size(), 3u);
    running.client.cancel();
    EXPECT_TRUE(running.recorder.clean_end());
    peer.read_head();
    EXPECT_EQ(peer.read(1), "");
  }
}

TEST(AProxy, IsUsedForEachConnection) {
  Peer peer;
  Client::Settings settings = by(peer, Kind::socks5);
  settings.session.purpose = Purpose::play;
  settings.reconnect.enabled = true;
  settings.reconnect.backoff_min = settings.reconnect.backoff_max = 1ms;
  Running running(settings);
  TestServer server;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(reach_socks(peer));
    peer.send_hex(good_reply);
    server.stream_id = 0;
    server.take(peer.release());
    ASSERT_TRUE(server.start_stream());
    ASSERT_TRUE(running.recorder.wait_for<Started>());
    server.abort();
  }
}

// --- the system's choice

TEST(FindingAProxy, HappensForEachServerThatIsNotHere) {
  Peer peer;
  Client::Settings settings = settings_for(443);
  settings.host = "media.example";
  settings.tls = settings.tunnel = true;
  std::promise<ProxyTarget> asked;
  settings.find_proxy = [&](const ProxyTarget& target, const std::stop_token&) {
    asked.set_value(target);
    return Proxy{Kind::http, "127.0.0.1", peer.port()};
  };
  Running running(settings);
  ASSERT_TRUE(peer.accept());
  EXPECT_TRUE(peer.read_head().starts_with("CONNECT media.example:443 HTTP/1.1\r\n"));
  const ProxyTarget target = asked.get_future().get();
  EXPECT_EQ(target.host, "media.example");
  EXPECT_EQ(target.port, 443);
  EXPECT_TRUE(target.tls && target.tunnel);
}

TEST(FindingAProxy, DoesNotHappenForThisMachine) {
  TestServer server;
  Client::Settings settings = settings_for(server.port());
  settings.find_proxy = [](const auto&, const auto&) { return "Nobody should ask."; };
  Running running(settings);
  ASSERT_TRUE(server.accept());
  EXPECT_TRUE(server.start_stream());
}

TEST(FindingAProxy, MayEndInASentence) {
  Client::Settings settings = settings_for(1935);
  settings.host = "media.example";
  settings.find_proxy = [](const auto&, const auto&) { return "It is not known."; };
  Running running(settings);
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.stage, Stage::settings);
  EXPECT_EQ(failure.text, "It is not known.");
}

TEST(FindingAProxy, TakesNoLongerThanConnecting) {
  auto stopped = std::make_shared<std::promise<void>>();
  Client::Settings settings = settings_for(1935);
  settings.host = "media.example";
  settings.connect_timeout = 200ms;
  settings.find_proxy = [stopped](const auto&, const std::stop_token& stop) -> ProxyChoice {
    std::promise<void> stop_wanted;
    const std::stop_callback wanted(stop, [&] { stop_wanted.set_value(); });
    stop_wanted.get_future().wait();
    stopped->set_value();
    return std::nullopt;
  };
  Running running(settings);
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.code, Error::connect_timeout);
  EXPECT_EQ(failure.text,
            "The system did not say within 200 ms which proxy leads to media.example:1935: name "
            "one, or say that there is none");
  EXPECT_EQ(stopped->get_future().wait_for(TestServer::patience), std::future_status::ready);
}

// --- tunnels

const std::string opened =
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-fcs\r\nContent-Length: 3\r\n";

TEST(HttpProxy, PassesATunnelsRequestsOn) {
  Peer peer;
  Client::Settings settings = by(peer, Kind::http, "me");
  settings.tunnel = true;
  settings.port = 80;
  Running running(settings);
  ASSERT_TRUE(peer.accept());
  const std::string head = peer.read_head();
  EXPECT_TRUE(head.starts_with("POST http://media.example:80/open/1 HTTP/1.1\r\n")) << head;
  EXPECT_NE(head.find("\r\nHost: media.example:80\r\n"), head.npos) << head;
  EXPECT_NE(head.find("\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n"), head.npos) << head;
}

TEST(HttpProxy, MayWantALoginOfATunnel) {
  Peer peer;
  Client::Settings settings = by(peer, Kind::http);
  settings.tunnel = true;
  Running running(settings);
  ASSERT_TRUE(peer.accept());
  peer.read_head();
  peer.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  const Failure failure = running.recorder.failure();
  EXPECT_EQ(failure.text,
            "No RTMPT session with media.example:1935. The proxy wants a user name and a "
            "password.");
}

// What the proxy has not read of the request makes its system reset the connection.
TEST(HttpProxy, MayRefuseATunnelInTheMiddleOfItsAnswer) {
  Peer peer;
  Client::Settings settings = by(peer, Kind::http, "me");
  settings.tunnel = true;
  Running running(settings);
  ASSERT_TRUE(peer.accept());
  peer.read_head();
  peer.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000\r\n\r\nno");
  peer.close();
  EXPECT_EQ(running.recorder.failure().text,
            "No RTMPT session with media.example:1935. The proxy does not accept the user name and "
            "password.");
}

TEST(SocksProxy, LeadsEachOfATunnelsConnections) {
  Peer peer;
  Client::Settings settings = by(peer, Kind::socks5);
  settings.tunnel = true;
  Running running(settings);
  ASSERT_TRUE(reach_socks(peer));
  peer.send_hex(good_reply);
  EXPECT_TRUE(peer.read_head().starts_with("POST /open/1 HTTP/1.1\r\n"));
  peer.send(opened + "Connection: close\r\n\r\nid\n");
  ASSERT_TRUE(reach_socks(peer));
  peer.send_hex(good_reply);
  EXPECT_TRUE(peer.read_head().starts_with("POST /send/id/0 HTTP/1.1\r\n"));
}

TEST(SocksProxy, MayStallWhenATunnelComesAgain) {
  Peer peer;
  Client::Settings settings = by(peer, Kind::socks5);
  settings.tunnel = true;
  settings.connect_timeout = 200ms;
  Running running(settings);
  ASSERT_TRUE(reach_socks(peer));
  peer.send_hex(good_reply);
  peer.read_head();
  peer.send(opened + "Connection: close\r\n\r\nid\n");
  ASSERT_TRUE(reach_socks(peer));
  const Failure failure = running.recorder.failure();
  EXPECT_TRUE(failure.text.starts_with(
      "No RTMPT session with media.example:1935. It could not be reached again"))
      << failure.text;
}

}  // namespace
}  // namespace net
