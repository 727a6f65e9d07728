// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/http_guest.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "net/async_stream.h"

namespace relay {
namespace {

namespace http = boost::beast::http;
namespace tunnel = rtmp::tunnel;
using boost::asio::awaitable;
using net::error_code;

constexpr auto as_value = boost::asio::as_tuple(boost::asio::use_awaitable);
// For the client's own end, so that no reset destroys the last answer.
constexpr auto linger_time = std::chrono::seconds(2);

// The answer to what cannot be read; ok: none, for the client is gone.
http::status status_of(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return http::status::request_header_fields_too_large;
  if (error == http::error::body_limit) return http::status::payload_too_large;
  const bool gone = error == http::error::end_of_stream || error == http::error::partial_message ||
                    error.category() != make_error_code(http::error::bad_method).category();
  return gone ? http::status::ok : http::status::bad_request;
}

// Proxies are sent whole addresses.
std::string_view path_of(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == target.npos) return target;
  const std::size_t slash = target.find('/', scheme + 3);
  return slash == target.npos ? std::string_view("/") : target.substr(slash);
}

}  // namespace

class HttpGuest::Exchange {
 public:
  using Request = http::request<http::string_body>;
  using Response = http::response<http::string_body>;

  Exchange(HttpGuest& guest, std::unique_ptr<net::ByteStream> stream,
           const std::vector<std::uint8_t>& first)
      : guest_(guest),
        settings_(guest.settings_),
        stream_(guest.worker_, std::move(stream)),
        timer_(guest.worker_.context()) {
    const auto room = received_.prepare(first.size());
    std::copy(first.begin(), first.end(), static_cast<std::uint8_t*>(room.data()));
    received_.commit(first.size());
  }

  awaitable<void> run() {
    limit_time(settings_.first_request);
    while (co_await serve_one()) limit_time(settings_.silence);
    co_await linger();
    timer_.cancel();
  }
  void close() { stream_.stream().close(); }

 private:
  // Whether another may follow.
  awaitable<bool> serve_one() {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(settings_.header_bytes));
    parser.body_limit(settings_.body_bytes);
    const auto [error, size] = co_await http::async_read(stream_, received_, parser, as_value);
    if (error) {
      const http::status status = status_of(error);
      if (status != http::status::ok) co_await write(plain(status), false);
      co_return false;
    }
    Request request = parser.release();
    const bool keep_alive = request.keep_alive();
    limit_time(settings_.silence);
    Response response = co_await answer(std::move(request));
    co_return co_await write(std::move(response), keep_alive);
  }

  awaitable<Response> answer(Request request) {
    const std::string_view target(request.target().data(), request.target().size());
    const auto wanted = tunnel::read_target(path_of(target));
    if (!wanted) co_return plain(http::status::not_found);
    if (request.method() != http::verb::post) co_return plain(http::status::method_not_allowed);
    auto answered = co_await guest_.tunnels_.answer(guest_.worker_, *wanted,
                                                    std::move(request.body()), guest_.origin_);
    const auto status = static_cast<http::status>(answered.status);
    if (status != http::status::ok) co_return plain(status);
    Response response(status, 11, std::move(answered.body));
    response.set(http::field::content_type, tunnel::content_type);
    response.set(http::field::connection, "Keep-Alive");
    co_return response;
  }

  static Response plain(http::status status) {
    Response response(status, 11, std::string(http::obsolete_reason(status)) + "\n");
    response.set(http::field::content_type, "text/plain");
    return response;
  }

  awaitable<bool> write(Response response, bool keep_alive) {
    limit_time(settings_.answer);
    response.set(http::field::cache_control, "no-cache");
    if (!keep_alive) response.keep_alive(false);
    response.prepare_payload();
    const auto [error, size] = co_await http::async_write(stream_, response, as_value);
    co_return !error && keep_alive;
  }

  awaitable<void> linger() {
    limit_time(linger_time);
    stream_.stream().shutdown_write();
    error_code error;
    while (!error) {
      received_.clear();
      const auto [failed, size] =
          co_await stream_.async_read_some(received_.prepare(4096), as_value);
      error = failed;
    }
  }

  // From now on.
  void limit_time(rtmp::Duration time) {
    timer_.expires_after(time);
    timer_.async_wait([weak = guest_.weak_from_this()](const error_code& error) {
      const auto guest = weak.lock();
      if (!error && guest && guest->exchange_->timer_.expiry() <= net::now())
        guest->exchange_->close();
    });
  }

  HttpGuest& guest_;
  const Settings& settings_;
  net::AsyncStream stream_;
  boost::beast::flat_buffer received_;
  boost::asio::steady_timer timer_;
};

HttpGuest::HttpGuest(net::Worker& worker, std::unique_ptr<net::ByteStream> stream,
                     std::vector<std::uint8_t> first, net::TunnelOrigin origin,
                     net::TunnelServer& tunnels, Settings settings, OnEnd on_end)
    : worker_(worker),
      origin_(std::move(origin)),
      tunnels_(tunnels),
      settings_(settings),
      on_end_(std::move(on_end)),
      exchange_(std::make_unique<Exchange>(*this, std::move(stream), first)) {}

HttpGuest::~HttpGuest() = default;

void HttpGuest::start() {
  boost::asio::co_spawn(worker_.context(), exchange_->run(),
                        [self = shared_from_this()](const std::exception_ptr&) {
                          self->exchange_->close();
                          self->on_end_(self);
                        });
}

void HttpGuest::close() {
  boost::asio::post(worker_.context(), [self = shared_from_this()] { self->exchange_->close(); });
}

}  // namespace relay
