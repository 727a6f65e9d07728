// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/http_server.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace net {
namespace {

namespace http = boost::beast::http;

// For the peer's end of a connection that we have ended, so that no reset destroys the answer.
constexpr auto linger_time = std::chrono::seconds(2);

bool is_local(const Socket& socket) {
  const std::string name = peer_name(socket);
  return name.starts_with("127.") || name.starts_with("[::1]") || name == "unix";
}

std::string lower(std::string_view text) {
  std::string copy(text);
  for (char& c : copy)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return copy;
}

// The answer to what cannot be read; 0: none.
unsigned status_of(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
  return error.category() == make_error_code(http::error::bad_method).category() ? 400 : 0;
}

}  // namespace

struct HttpServer::Shared {
  const Handler handler;
  const Limits limits;
  std::size_t connections = 0;  // the worker's alone
};

// On the server's worker. The handlers keep it alive.
class HttpServer::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket socket, std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)),
        socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        local_(is_local(socket_)) {
    ++shared_->connections;
  }
  ~Connection() { --shared_->connections; }

  // What came behind the last request is there already.
  void wait() {
    if (buffer_.size() > 0) return read();
    limit_time(shared_->limits.idle_time);
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& error) {
      if (!error) self->read();
    });
  }

 private:
  void read() {
    limit_time(shared_->limits.request_time);
    parser_.emplace();
    parser_->header_limit(shared_->limits.header_bytes);
    parser_->body_limit(shared_->limits.body_bytes);
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) {
                       self->on_read(error);
                     });
  }

  void on_read(const error_code& error) {
    timer_.expires_at(rtmp::never);
    const unsigned status = status_of(error);
    if (!error) return answer();
    if (status == 0) return;
    keep_alive_ = head_ = false;
    write({.status = status,
           .body = std::string(http::obsolete_reason(static_cast<http::status>(status))) + "\n"});
  }

  void answer() {
    const auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    head_ = message.method() == http::verb::head;
    auto target = read_http_target({message.target().data(), message.target().size()});
    if (!target || (message.version() >= 11 && !message.count(http::field::host)))
      return write({.status = 400, .body = "Bad Request\n"});
    Request request;
    request.method = std::string(message.method_string());
    request.target = std::move(*target);
    for (const auto& field : message)
      request.headers[lower({field.name_string().data(), field.name_string().size()})] =
          std::string(field.value());
    request.body = message.body();
    request.local = local_;
    write(shared_->handler(request));
  }

  void write(Response response) {
    limit_time(shared_->limits.request_time);
    response_ = {};
    response_.version(11);
    response_.result(response.status);
    response_.keep_alive(keep_alive_);
    if (!response.body.empty()) response_.set(http::field::content_type, response.type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers) response_.set(name, value);
    if (response.status != 204) response_.content_length(response.body.size());
    if (!head_) response_.body() = std::move(response.body);
    http::async_write(socket_, response_,
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        self->on_written(error);
                      });
  }

  void on_written(const error_code& error) {
    timer_.expires_at(rtmp::never);
    if (error) return;
    if (keep_alive_) return wait();
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    limit_time(linger_time);
    linger();
  }

  void linger() {
    buffer_.clear();
    socket_.async_read_some(buffer_.prepare(4096),
                            [self = shared_from_this()](const error_code& error, std::size_t) {
                              if (!error) self->linger();
                            });
  }

  // Until the next call, or for ever.
  void limit_time(rtmp::Duration time) {
    timer_.expires_after(time);
    timer_.async_wait([weak = weak_from_this()](const error_code& error) {
      const auto self = weak.lock();
      error_code ignored;
      if (!error && self && self->timer_.expiry() <= now()) self->socket_.close(ignored);
    });
  }

  const std::shared_ptr<Shared> shared_;
  Socket socket_;
  boost::asio::steady_timer timer_;
  const bool local_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  bool keep_alive_ = false, head_ = false;
};

std::string HttpServer::Request::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

HttpServer::HttpServer(Handler handler) : HttpServer(std::move(handler), Limits()) {}

HttpServer::HttpServer(Handler handler, Limits limits)
    : shared_(std::make_shared<Shared>(Shared{std::move(handler), limits})),
      listener_(workers_, [shared = shared_](Worker&, Socket socket, const Endpoint&) {
        if (shared->connections < shared->limits.connections)
          std::make_shared<Connection>(std::move(socket), shared)->wait();
      }) {}

HttpServer::~HttpServer() {
  if (listening_) listener_.close();
}

error_code HttpServer::listen(const std::string& address, std::uint16_t port) {
  const error_code error = listener_.listen(address, port);
  listening_ = !error;
  return error;
}

}  // namespace net
