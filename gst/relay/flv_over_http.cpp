// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/flv_over_http.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/websocket.hpp>

#include "net/http_target.h"

// Found by Beast: how the stream below a WebSocket ends. Who waits for the client's own end is
// HttpExchange::linger().
namespace net {

inline void beast_close_socket(AsyncStream& stream) { stream.stream().close(); }

inline void teardown(boost::beast::role_type, AsyncStream& stream, error_code& error) {
  stream.stream().shutdown_write();
  error = {};
}

template <class Handler>
void async_teardown(boost::beast::role_type, AsyncStream& stream, Handler&& handler) {
  stream.stream().shutdown_write();
  boost::asio::post(stream.get_executor(),
                    boost::beast::bind_front_handler(std::forward<Handler>(handler), error_code()));
}

}  // namespace net

namespace relay {
namespace {

namespace websocket = boost::beast::websocket;
using namespace boost::asio::experimental::awaitable_operators;
using net::error_code;
using net::LocalSocket;
using WebSocket = websocket::stream<net::AsyncStream&>;

constexpr std::string_view suffix = ".flv";
constexpr std::size_t piece = 64 * 1024;
// A player has nothing to say.
constexpr std::size_t longest_remark = 4096;
// Of a player that does not answer pings.
constexpr auto patience = std::chrono::seconds(30);

std::string field(const http::fields& headers, http::field name) {
  const auto value = headers[name];
  return {value.data(), value.size()};
}

std::string own_origin(const http::fields& headers, bool secure) {
  return (secure ? "https://" : "http://") + field(headers, http::field::host);
}

bool is_listed(std::string_view origin, std::string_view list) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == "*" || one == origin) return true;
  }
  return false;
}

// The session's first word.
awaitable<bool> is_taken(LocalSocket& carrier) {
  char word = 0;
  const auto [error, size] =
      co_await carrier.async_read_some(boost::asio::buffer(&word, 1), as_value);
  co_return !error && word == yes[0];
}

// Whether the session wants no more of a publisher: what the client is to be told.
std::optional<http::status> word_on_the_way(LocalSocket& carrier) {
  char word = 0;
  error_code error;
  carrier.read_some(boost::asio::buffer(&word, 1), error);
  if (error == boost::asio::error::would_block) return std::nullopt;
  return error ? http::status::forbidden : http::status::bad_request;
}

// Says that nothing more comes, and waits until the session has dealt with what came.
awaitable<http::status> last_word(LocalSocket& carrier) {
  error_code ignored;
  carrier.shutdown(LocalSocket::shutdown_send, ignored);
  char word = 0;
  const auto [error, size] =
      co_await carrier.async_read_some(boost::asio::buffer(&word, 1), as_value);
  co_return error ? http::status::ok : http::status::bad_request;
}

// Pings and the client's end are heard as long as somebody reads.
awaitable<void> listen(WebSocket& socket, LocalSocket& carrier) {
  boost::beast::flat_buffer remark;
  error_code error;
  while (!error) {
    remark.clear();
    const auto [failed, size] = co_await socket.async_read(remark, as_value);
    error = failed;
  }
  carrier.close(error);
}

awaitable<void> play(WebSocket& socket, LocalSocket& carrier) {
  std::vector<std::uint8_t> bytes(piece);
  while (true) {
    const auto [ended, count] =
        co_await carrier.async_read_some(boost::asio::buffer(bytes), as_value);
    if (ended) break;
    const auto [gone, written] =
        co_await socket.async_write(boost::asio::buffer(bytes, count), as_value);
    if (gone) break;
  }
  const websocket::close_reason reason(websocket::close_code::normal);
  co_await socket.async_close(reason, as_value);
}

}  // namespace

std::optional<rtmp::FlvRequest> read_flv_request(const http::fields& headers,
                                                 std::string_view target, bool secure) {
  const auto read = net::read_http_target(target);
  if (!read || !read->path.ends_with(suffix)) return std::nullopt;
  std::string_view path = read->path;
  path.remove_suffix(suffix.size());
  const std::size_t slash = path.rfind('/');
  if (slash == 0 || path.find('?') != path.npos) return std::nullopt;
  rtmp::FlvRequest request;
  request.app = path.substr(1, slash - 1);
  request.name = path.substr(slash + 1);
  if (request.name.empty()) return std::nullopt;
  const std::size_t query = target.find('?');
  if (query != target.npos) request.name += target.substr(query);
  request.tc_url = own_origin(headers, secure) + "/" + request.app;
  request.page_url = field(headers, http::field::referer);
  if (request.page_url.empty()) request.page_url = field(headers, http::field::origin);
  request.flash_version = field(headers, http::field::user_agent);
  return request;
}

bool allows_origin(const http::fields& headers, std::string_view allowed, bool secure) {
  const std::string origin = field(headers, http::field::origin);
  return origin.empty() || origin == own_origin(headers, secure) || is_listed(origin, allowed);
}

void add_origin(const http::fields& headers, http::fields& answer) {
  const std::string origin = field(headers, http::field::origin);
  if (origin.empty()) return;
  answer.set(http::field::access_control_allow_origin, origin);
  answer.set(http::field::vary, "Origin");
}

awaitable<bool> carry_publisher(HttpExchange& exchange, HttpExchange::Head& head,
                                LocalSocket carrier, rtmp::Duration silence) {
  const bool taken = co_await is_taken(carrier);
  if (!taken) co_return co_await exchange.write(plain_response(http::status::forbidden), false);
  if (boost::beast::iequals(head.get()[http::field::expect], "100-continue"))
    co_await exchange.tell_to_continue();
  const bool keep_alive = head.get().keep_alive();
  http::request_parser<http::buffer_body> body(std::move(head));
  std::vector<std::uint8_t> bytes(piece);
  while (!body.is_done()) {
    exchange.limit_time(silence);
    body.get().body().data = bytes.data();
    body.get().body().size = bytes.size();
    const auto [error, size] =
        co_await http::async_read_some(exchange.stream(), exchange.received(), body, as_value);
    if (error && error != http::error::need_buffer) co_return false;
    const auto came = boost::asio::buffer(bytes, bytes.size() - body.get().body().size);
    if (const auto status = word_on_the_way(carrier))
      co_return co_await exchange.write(plain_response(*status), false);
    co_await boost::asio::async_write(carrier, came, as_value);
  }
  const http::status status = co_await last_word(carrier);
  co_return co_await exchange.write(plain_response(status), keep_alive);
}

awaitable<void> carry_player(HttpExchange& exchange, http::request<http::empty_body> request,
                             LocalSocket carrier) {
  const bool taken = co_await is_taken(carrier);
  if (!taken) {
    co_await exchange.write(plain_response(http::status::forbidden), false);
    co_return;
  }
  exchange.stop_timer();
  WebSocket socket(exchange.stream());
  socket.set_option(websocket::stream_base::timeout{patience, patience, true});
  socket.read_message_max(longest_remark);
  socket.binary(true);
  socket.auto_fragment(false);
  const auto [refused] = co_await socket.async_accept(request, as_value);
  if (refused) co_return;
  co_await (listen(socket, carrier) && play(socket, carrier));
}

}  // namespace relay
