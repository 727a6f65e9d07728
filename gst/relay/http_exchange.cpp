// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/http_exchange.h"

namespace relay {
namespace {

using net::error_code;

constexpr auto linger_time = std::chrono::seconds(2);

// The answer to what cannot be read; unknown: none, for the client is gone.
http::status status_of(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return http::status::request_header_fields_too_large;
  const bool gone = error == http::error::end_of_stream || error == http::error::partial_message ||
                    error.category() != make_error_code(http::error::bad_method).category();
  return gone ? http::status::unknown : http::status::bad_request;
}

}  // namespace

HttpExchange::HttpExchange(net::Worker& worker, std::unique_ptr<net::ByteStream> stream,
                           const std::vector<std::uint8_t>& first, Limits limits)
    : worker_(worker),
      limits_(limits),
      stream_(worker, std::move(stream)),
      timer_(worker.context()) {
  const auto room = received_.prepare(first.size());
  std::copy(first.begin(), first.end(), static_cast<std::uint8_t*>(room.data()));
  received_.commit(first.size());
}

awaitable<std::optional<http::status>> HttpExchange::read_head(Head& head) {
  head.header_limit(limits_.header_bytes);
  head.body_limit(boost::none);  // who takes the body knows how much
  const auto [error, size] = co_await http::async_read_header(stream_, received_, head, as_value);
  if (error) co_return status_of(error);
  co_return std::nullopt;
}

awaitable<bool> HttpExchange::write(Response response, bool keep_alive) {
  limit_time(limits_.answer_time);
  response.set(http::field::cache_control, "no-cache");
  if (!keep_alive) response.keep_alive(false);
  response.prepare_payload();
  const auto [error, size] = co_await http::async_write(stream_, response, as_value);
  co_return !error && keep_alive;
}

awaitable<void> HttpExchange::tell_to_continue() {
  http::response<http::empty_body> response(http::status::continue_, 11);
  co_await http::async_write(stream_, response, as_value);
}

awaitable<void> HttpExchange::linger() {
  limit_time(linger_time);
  stream_.stream().shutdown_write();
  error_code error;
  while (!error) {
    received_.clear();
    const auto [failed, size] = co_await stream_.async_read_some(received_.prepare(4096), as_value);
    error = failed;
  }
}

void HttpExchange::limit_time(rtmp::Duration time) {
  timer_.expires_after(time);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (!error && self && self->timer_.expiry() <= net::now()) self->close();
  });
}

void HttpExchange::close() {
  if (stream_.holds_stream()) stream_.stream().close();
}

HttpExchange::Response plain_response(http::status status) {
  HttpExchange::Response response(status, 11, std::string(http::obsolete_reason(status)) + "\n");
  response.set(http::field::content_type, "text/plain");
  return response;
}

}  // namespace relay
