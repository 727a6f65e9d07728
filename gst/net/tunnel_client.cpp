// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/tunnel_client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "net/async_stream.h"
#include "net/socket_pair.h"
#include "rtmp/tunnel.h"

namespace net {
namespace {

namespace http = boost::beast::http;
namespace tunnel = rtmp::tunnel;
using boost::asio::awaitable;
using Kind = tunnel::Request::Kind;

constexpr auto as_value = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr std::size_t max_body = 4 * 1024 * 1024;  // of an answer

// Carries what is written to the other end of a socket pair, and brings back what the server says.
class Carrier : public std::enable_shared_from_this<Carrier> {
 public:
  Carrier(Worker& worker, std::unique_ptr<ByteStream> first, TunnelSettings settings,
          LocalSocket inner)
      : worker_(worker),
        settings_(std::move(settings)),
        inner_(std::move(inner)),
        bell_(worker.context()),
        deadline_(worker.context()) {
    use(std::move(first));
  }

  void start() {
    boost::asio::co_spawn(worker_.context(), run(shared_from_this()), boost::asio::detached);
  }
  const std::string& fault() const { return fault_; }

 private:
  // Until one of the two ends has had enough.
  static awaitable<void> run(std::shared_ptr<Carrier> self) {
    if (co_await self->open()) {
      while (co_await self->turn()) {
      }
      if (self->fault_.empty() && !self->server_closed_)
        co_await self->post(Kind::close, std::string(1, '\0'));
    }
    error_code ignored;
    self->inner_.close(ignored);
    self->bell_.cancel();
  }

  awaitable<bool> open() {
    const auto body = co_await post(Kind::open, std::string(1, '\0'));
    if (!body) co_return false;
    auto id = tunnel::read_session_id(*body);
    if (!id) fault_ = "It opened no RTMPT session: " + std::to_string(body->size()) + " bytes came";
    session_ = id.value_or("");
    co_return id.has_value();
  }

  // One request and its answer.
  awaitable<bool> turn() {
    std::optional<std::string> body = co_await next_body();
    if (!body) co_return false;
    const Kind kind = body->empty() ? Kind::idle : Kind::send;
    if (kind == Kind::idle) body->assign(1, '\0');
    const auto answer = co_await post(kind, std::move(*body));
    if (!answer) co_return false;
    if (answer->empty() || answer->front() == tunnel::session_closed) {
      server_closed_ = true;
      co_return false;
    }
    const bool silent = answer->size() == 1;
    pause_ = silent ? tunnel::pause(static_cast<std::uint8_t>(answer->front())) : rtmp::Duration();
    const auto [error, written] = co_await boost::asio::async_write(
        inner_, boost::asio::buffer(answer->data() + 1, answer->size() - 1), as_value);
    co_return !error;
  }

  // What is to be sent, nothing of it if the time has come to ask, or nullopt at the end.
  awaitable<std::optional<std::string>> next_body() {
    std::string body(tunnel::max_answer, '\0');
    error_code error;
    std::size_t size = inner_.read_some(boost::asio::buffer(body), error);
    if (error == boost::asio::error::would_block && pause_ > rtmp::Duration::zero()) {
      co_await wait_for_bytes();
      size = inner_.read_some(boost::asio::buffer(body), error);
    }
    if (error && error != boost::asio::error::would_block) co_return std::nullopt;
    body.resize(size);
    co_return body;
  }

  // Or until the pause is over.
  awaitable<void> wait_for_bytes() {
    bell_.expires_after(pause_);
    if (!std::exchange(listening_, true))
      inner_.async_wait(LocalSocket::wait_read, [self = shared_from_this()](error_code) {
        self->listening_ = false;
        self->bell_.cancel();
      });
    co_await bell_.async_wait(as_value);
  }

  // The answer's body; at the end of what can be done nothing, and the fault says why. A connection
  // that the server has closed meanwhile is replaced: it knows by the number what it has had.
  awaitable<std::optional<std::string>> post(Kind kind, std::string body) {
    const auto request = make_request(kind, std::move(body));
    for (int left = 2; left > 0; --left) {
      if (!http_ && !co_await connect()) co_return std::nullopt;
      http::response_parser<http::string_body> parser;
      parser.body_limit(max_body);
      const error_code error = co_await exchange(request, parser);
      if (!error) co_return take(parser.release());
      fault_ = refuses(parser) ? explain(parser.get()) : explain(error);
      http_.reset();
      if (refuses(parser)) break;
      if (error == boost::asio::error::timed_out || kind == Kind::open) break;
    }
    co_return std::nullopt;
  }

  http::request<http::string_body> make_request(Kind kind, std::string body) {
    const tunnel::Request request{kind, session_, number_};
    if (kind != Kind::open) ++number_;
    http::request<http::string_body> message{
        http::verb::post, settings_.prefix + tunnel::write_target(request), 11, std::move(body)};
    message.set(http::field::host, settings_.authority);
    if (!settings_.proxy_authorization.empty())
      message.set(http::field::proxy_authorization, settings_.proxy_authorization);
    message.set(http::field::user_agent, "Shockwave Flash");
    message.set(http::field::accept, "*/*");
    message.set(http::field::connection, "Keep-Alive");
    message.set(http::field::cache_control, "no-cache");
    message.set(http::field::content_type, tunnel::content_type);
    message.prepare_payload();
    return message;
  }

  awaitable<error_code> exchange(const http::request<http::string_body>& request,
                                 http::response_parser<http::string_body>& parser) {
    late_ = false;
    deadline_.expires_after(settings_.request_timeout);
    deadline_.async_wait([self = shared_from_this()](const error_code& error) {
      if (error || !self->http_ || self->deadline_.expiry() > now()) return;
      self->late_ = true;
      self->http_->stream().close();
    });
    auto [error, bytes] = co_await http::async_write(*http_, request, as_value);
    if (!error)
      std::tie(error, bytes) = co_await http::async_read(*http_, received_, parser, as_value);
    deadline_.cancel();
    co_return late_ ? error_code(boost::asio::error::timed_out) : error;
  }

  std::optional<std::string> take(http::response<http::string_body> answer) {
    if (!answer.keep_alive()) http_.reset();
    if (answer.result() == http::status::ok) {
      fault_.clear();
      return std::move(answer.body());
    }
    fault_ = explain(answer);
    return std::nullopt;
  }

  // Whoever refuses may not wait for all of the request, and what resets the connection then takes
  // a part of the answer with it.
  static bool refuses(const http::response_parser<http::string_body>& parser) {
    return parser.is_header_done() && parser.get().result() != http::status::ok;
  }

  // To a wrong password some proxies answer as servers do.
  std::string explain(const http::response<http::string_body>& answer) const {
    const bool logged_in = !settings_.proxy_authorization.empty();
    if (logged_in && (answer.result() == http::status::unauthorized ||
                      answer.result() == http::status::proxy_authentication_required))
      return "The proxy does not accept the user name and password";
    if (answer.result() == http::status::proxy_authentication_required)
      return "The proxy wants a user name and a password";
    const std::string who = settings_.prefix.empty() ? "It" : "It, or the proxy,";
    return who + " answered " + std::to_string(answer.result_int()) + " " +
           std::string(answer.reason()) + ": no RTMPT is spoken there, or the session is over";
  }

  awaitable<bool> connect() {
    error_code failed;
    co_await boost::asio::async_initiate<decltype(boost::asio::use_awaitable), void()>(
        [&](auto done) {
          const auto handler = std::make_shared<decltype(done)>(std::move(done));
          settings_.connect(
              [this, &failed, handler](error_code error, std::unique_ptr<ByteStream> stream) {
                failed = error;
                if (!error) use(std::move(stream));
                std::move (*handler)();
              });
        },
        boost::asio::use_awaitable);
    if (failed) fault_ = "It could not be reached again: " + failed.message();
    co_return !failed;
  }

  void use(std::unique_ptr<ByteStream> stream) {
    received_.clear();
    http_.emplace(worker_, std::move(stream));
  }

  std::string explain(const error_code& error) {
    if (error == boost::asio::error::timed_out) return "It does not answer HTTP requests";
    const std::string fault = http_->stream().fault();
    if (!fault.empty()) return fault;
    return "Its HTTP connection failed: " + error.message();
  }

  Worker& worker_;
  const TunnelSettings settings_;
  std::optional<AsyncStream> http_;
  boost::beast::flat_buffer received_;
  LocalSocket inner_;
  boost::asio::steady_timer bell_, deadline_;
  bool listening_ = false;  // to inner_, for the bell
  bool server_closed_ = false;
  bool late_ = false;  // the answer
  rtmp::Duration pause_ = {};
  std::string session_;
  std::uint64_t number_ = 0;
  std::string fault_;
};

class TunnelStream final : public ByteStream {
 public:
  TunnelStream(Socket outer, std::shared_ptr<const Carrier> carrier)
      : ByteStream(Socket(outer.get_executor())),
        pair_(make_plain_stream(std::move(outer))),
        carrier_(std::move(carrier)) {}

  std::size_t read_some(std::span<std::uint8_t> into, error_code& error) override {
    return pair_->read_some(into, error);
  }
  std::size_t write_some(std::span<const rtmp::Bytes> spans, error_code& error) override {
    return pair_->write_some(spans, error);
  }
  void shutdown_write() override { pair_->shutdown_write(); }
  std::string fault() const override { return carrier_->fault(); }
  Socket& socket() override { return pair_->socket(); }

 private:
  std::unique_ptr<ByteStream> pair_;
  std::shared_ptr<const Carrier> carrier_;
};

}  // namespace

std::unique_ptr<ByteStream> open_tunnel(Worker& worker, std::unique_ptr<ByteStream> first,
                                        TunnelSettings settings) {
  auto pair = make_socket_pair(worker);
  if (!pair) return make_plain_stream(Socket(worker.context()));
  const auto carrier = std::make_shared<Carrier>(worker, std::move(first), std::move(settings),
                                                 std::move(pair->carrier));
  carrier->start();
  return std::make_unique<TunnelStream>(std::move(pair->session), carrier);
}

}  // namespace net
