// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/proxy_dialogue.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "net/proxy_socks.h"
#include "rtmp/crypto.h"
#include "rtmp/url.h"

namespace net {
namespace {

namespace http = boost::beast::http;
namespace errc = boost::system::errc;
using boost::asio::awaitable;
using Kind = ProxyFault::Kind;

constexpr auto as_value = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr std::size_t max_head = 16 * 1024;  // of an HTTP answer
constexpr std::size_t max_words = 80;        // of what a proxy says
constexpr std::string_view end_of_head = "\r\n\r\n";
constexpr std::string_view http_begins = "HTTP/1.";

ProxyFault denied(Kind kind, std::string words = {}) {
  return {kind, errc::make_error_code(errc::permission_denied), std::move(words)};
}
ProxyFault other_protocol() {
  return {Kind::other_protocol, errc::make_error_code(errc::protocol_error)};
}

// A socket's other end and what it said; one thread's.
class Dialogue {
 public:
  Dialogue(Socket& socket, Proxy proxy, std::string host, std::uint16_t port)
      : socket_(socket), proxy_(std::move(proxy)), host_(std::move(host)), port_(port) {}

  awaitable<ProxyFault> run() {
    if (proxy_.kind == Proxy::Kind::socks5) co_return co_await ask_socks();
    co_return co_await ask_http();
  }

 private:
  // --- SOCKS

  awaitable<ProxyFault> ask_socks() {
    if (host_.size() > 255) co_return denied(Kind::refused, "the name is too long for SOCKS");
    auto greeting = socks5::write_greeting(!proxy_.user.empty());
    const bool greeted = co_await exchange(std::move(greeting), socks5::method_size);
    if (!greeted) co_return broken();
    const auto method = socks5::read_method(answer_);
    if (!method) co_return other_protocol();
    ProxyFault fault = co_await log_in(*method);
    if (fault.kind != Kind::none) co_return fault;
    auto request = socks5::write_connect(host_, port_);
    const bool replied = co_await exchange(std::move(request), socks5::reply_size);
    if (!replied) co_return broken();
    const auto reply = socks5::read_reply(answer_);
    if (!reply) co_return other_protocol();
    if (*reply != socks5::Reply::succeeded) co_return refusal(*reply);
    co_return co_await pass_address();
  }

  awaitable<ProxyFault> log_in(socks5::Method method) {
    if (method == socks5::Method::open) co_return ProxyFault();
    const bool password = method == socks5::Method::password;
    if (proxy_.user.empty()) co_return denied(Kind::login_wanted);
    if (!password) co_return denied(Kind::login_unknown);
    auto login = socks5::write_login(proxy_.user, proxy_.password);
    const bool answered = co_await exchange(std::move(login), socks5::login_answer_size);
    // Some say no by leaving.
    if (!answered && error_ != boost::asio::error::eof) co_return broken();
    if (!answered || !socks5::is_accepted(answer_)) co_return denied(Kind::login_refused);
    co_return ProxyFault();
  }

  // Its own, of which nobody has any use.
  awaitable<ProxyFault> pass_address() {
    const bool begun = co_await read(socks5::address_head_size);
    if (!begun) co_return broken();
    const auto rest = socks5::rest_of_address(answer_);
    if (!rest) co_return other_protocol();
    const bool ended = co_await read(*rest);
    if (!ended) co_return broken();
    co_return ProxyFault();
  }

  static ProxyFault refusal(socks5::Reply reply) {
    using socks5::Reply;
    const bool meant = reply == Reply::forbidden || reply == Reply::unknown_command ||
                       reply == Reply::unknown_address;
    if (meant) return denied(Kind::refused, socks5::to_text(reply));
    return {Kind::refused, errc::make_error_code(errc::host_unreachable), socks5::to_text(reply)};
  }

  // --- HTTP

  // RFC 9110, 9.3.6.
  awaitable<ProxyFault> ask_http() {
    const std::string server = place(host_, port_);
    const std::string login = proxy_authorization(proxy_);
    std::string request = "CONNECT " + server + " HTTP/1.1\r\nHost: " + server + "\r\n";
    if (!login.empty()) request += "Proxy-Authorization: " + login + "\r\n";
    const auto bytes = rtmp::as_bytes(request += "\r\n");
    const bool sent = co_await write({bytes.begin(), bytes.end()});
    if (!sent) co_return broken();
    std::string head;
    while (!head.ends_with(end_of_head)) {
      const bool more = co_await read_head(head);
      if (!more) co_return broken();
      const std::string_view begins = http_begins.substr(0, head.size());
      if (!head.starts_with(begins) || head.size() > max_head) co_return other_protocol();
    }
    co_return judge(head);
  }

  // What there is of it; nothing of what comes behind it, which is the server's.
  awaitable<bool> read_head(std::string& head) {
    std::array<char, 1024> piece;
    auto [error, size] =
        co_await socket_.async_receive(boost::asio::buffer(piece), Socket::message_peek, as_value);
    error_ = error;
    if (error_) co_return false;
    const std::size_t before = head.size();
    head.append(piece.data(), size);
    const std::size_t overlap = std::min(before, end_of_head.size() - 1);
    const std::size_t end = head.find(end_of_head, before - overlap);
    if (end != head.npos) head.resize(end + end_of_head.size());
    co_return co_await read(head.size() - before);
  }

  ProxyFault judge(const std::string& head) const {
    http::response_parser<http::empty_body> parser;
    parser.skip(true);  // a tunnel's head has no body behind it, whatever its fields say
    parser.header_limit(max_head);
    error_code error;
    parser.put(boost::asio::buffer(head), error);
    if (error || !parser.is_header_done()) return other_protocol();
    const unsigned status = parser.get().result_int();
    if (status / 100 == 2) return {};
    if (status == 407 && proxy_.user.empty()) return denied(Kind::login_wanted);
    // The second is tinyproxy's.
    if (status == 407 || status == 401) return denied(Kind::login_refused);
    const std::string reason(parser.get().reason().substr(0, max_words));
    const std::string words = rtmp::printable(std::to_string(status) + " " + reason);
    if (status / 100 == 4) return denied(Kind::refused, words);
    return {Kind::refused, errc::make_error_code(errc::host_unreachable), words};
  }

  // --- bytes

  awaitable<bool> exchange(std::vector<std::uint8_t> request, std::size_t answer_size) {
    const bool sent = co_await write(std::move(request));
    if (!sent) co_return false;
    co_return co_await read(answer_size);
  }

  awaitable<bool> write(std::vector<std::uint8_t> bytes) {
    auto [error, size] =
        co_await boost::asio::async_write(socket_, boost::asio::buffer(bytes), as_value);
    error_ = error;
    co_return !error_;
  }

  // That many bytes, into answer_.
  awaitable<bool> read(std::size_t size) {
    answer_.resize(size);
    auto [error, got] =
        co_await boost::asio::async_read(socket_, boost::asio::buffer(answer_), as_value);
    error_ = error;
    co_return !error_;
  }

  ProxyFault broken() const { return {Kind::broken, error_}; }

  Socket& socket_;
  const Proxy proxy_;
  const std::string host_;
  const std::uint16_t port_;
  std::vector<std::uint8_t> answer_;
  error_code error_;  // of the last write or read
};

awaitable<void> ask(std::shared_ptr<Dialogue> dialogue, Asked done) {
  ProxyFault fault = co_await dialogue->run();
  done(std::move(fault));
}

// Its socket, and the time that it has.
struct Attempted {
  Attempted(Worker& worker, Way taken)
      : way(std::move(taken)), socket(worker.context()), timer(worker.context()) {}

  Way way;
  Socket socket;
  boost::asio::steady_timer timer;
  bool over = false, late = false;
};

void limit(const std::shared_ptr<Attempted>& attempted) {
  if (attempted->way.timeout == rtmp::Duration::zero()) return;
  attempted->timer.expires_after(attempted->way.timeout);
  attempted->timer.async_wait([weak = std::weak_ptr(attempted)](const error_code& error) {
    const auto slow = weak.lock();
    if (error || !slow || slow->over) return;
    slow->late = true;
    error_code ignored;
    slow->socket.close(ignored);
  });
}

awaitable<void> go(std::shared_ptr<Attempted> attempted,
                   std::function<void(error_code, Socket)> done) {
  const Way& way = attempted->way;
  auto [error] = co_await attempted->socket.async_connect(way.endpoint, as_value);
  if (!error && way.proxy) {
    Dialogue dialogue(attempted->socket, *way.proxy, way.host, way.port);
    const ProxyFault fault = co_await dialogue.run();
    error = fault.code;
  }
  if (attempted->late) error = rtmp::Error::connect_timeout;
  attempted->over = true;
  attempted->timer.cancel();
  done(error, std::move(attempted->socket));
}

}  // namespace

void ask_proxy(Socket& socket, Proxy proxy, std::string host, std::uint16_t port, Asked done) {
  auto dialogue = std::make_shared<Dialogue>(socket, std::move(proxy), std::move(host), port);
  boost::asio::co_spawn(socket.get_executor(), ask(std::move(dialogue), std::move(done)),
                        boost::asio::detached);
}

void go_again(Worker& worker, Way way, std::function<void(error_code, Socket)> done) {
  const auto attempted = std::make_shared<Attempted>(worker, std::move(way));
  limit(attempted);
  boost::asio::co_spawn(worker.context(), go(attempted, std::move(done)), boost::asio::detached);
}

std::string proxy_authorization(const Proxy& proxy) {
  if (proxy.user.empty()) return {};
  return "Basic " + rtmp::crypto::base64(rtmp::as_bytes(proxy.user + ":" + proxy.password));
}

}  // namespace net
