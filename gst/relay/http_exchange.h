// Requests of HTTP and their answers over one connection.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "net/async_stream.h"

namespace relay {

namespace http = boost::beast::http;
using boost::asio::awaitable;

// What ended an operation is its first value; nothing is thrown.
constexpr auto as_value = boost::asio::as_tuple(boost::asio::use_awaitable);

// Everything on its worker's thread. One operation at a time.
class HttpExchange : public std::enable_shared_from_this<HttpExchange> {
 public:
  using Head = http::request_parser<http::empty_body>;
  using Response = http::response<http::string_body>;
  struct Limits {
    std::uint32_t header_bytes = 8 * 1024;
    rtmp::Duration answer_time = std::chrono::seconds(30);  // that the client may take to take one
  };

  // `first`: what has been read of the stream.
  HttpExchange(net::Worker& worker, std::unique_ptr<net::ByteStream> stream,
               const std::vector<std::uint8_t>& first, Limits limits);

  // A request without its body: nothing more to say of it, or what is to be answered to something
  // else; unknown: the client is gone.
  awaitable<std::optional<http::status>> read_head(Head& head);
  // Whether another request may follow.
  awaitable<bool> write(Response response, bool keep_alive);
  awaitable<void> tell_to_continue();
  // Ends what we say, and waits for the client's own end, so that no reset destroys the last
  // answer.
  awaitable<void> linger();

  // From now on, for everything together, until the next call.
  void limit_time(rtmp::Duration time);
  void stop_timer() { timer_.cancel(); }
  void close();
  // The stream goes elsewhere, with nothing under way.
  std::unique_ptr<net::ByteStream> release() { return stream_.release(); }

  net::Worker& worker() { return worker_; }
  net::AsyncStream& stream() { return stream_; }
  boost::beast::flat_buffer& received() { return received_; }

 private:
  net::Worker& worker_;
  const Limits limits_;
  net::AsyncStream stream_;
  boost::beast::flat_buffer received_;
  boost::asio::steady_timer timer_;
};

// "Not Found", for people.
HttpExchange::Response plain_response(http::status status);

}  // namespace relay
