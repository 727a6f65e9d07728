// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/http_guest.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <sstream>

#include "relay/flv_over_http.h"

namespace relay {
namespace {

namespace tunnel = rtmp::tunnel;
using Head = HttpExchange::Head;
using Response = HttpExchange::Response;
using Purpose = rtmp::FlvRequest::Purpose;

std::string_view target_of(const Head& head) {
  const auto target = head.get().target();
  return {target.data(), target.size()};
}

// Proxies are sent whole addresses.
std::string_view path_of(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == target.npos) return target;
  const std::size_t slash = target.find('/', scheme + 3);
  return slash == target.npos ? std::string_view("/") : target.substr(slash);
}

std::string as_text(const http::response<http::empty_body>& response) {
  std::ostringstream text;
  text << response;
  return text.str();
}

// What a browser asks before it lets a page publish.
Response preflight_response() {
  Response response(http::status::no_content, 11);
  response.set(http::field::access_control_allow_methods, "GET, POST, PUT");
  response.set(http::field::access_control_allow_headers, "Content-Type, Range");
  return response;
}

}  // namespace

class HttpGuest::Requests {
 public:
  Requests(HttpExchange& exchange, std::string address, bool secure, net::TunnelServer& tunnels,
           const Welcome& welcome, Settings settings)
      : exchange_(exchange),
        address_(std::move(address)),
        secure_(secure),
        tunnels_(tunnels),
        welcome_(welcome),
        settings_(std::move(settings)) {}

  awaitable<void> run() {
    exchange_.limit_time(settings_.first_request);
    while (true) {
      const bool another = co_await serve_one();
      if (!another) break;
      exchange_.limit_time(settings_.silence);
    }
    if (!gone_) co_await exchange_.linger();
    exchange_.stop_timer();
  }

 private:
  // Whether another may follow.
  awaitable<bool> serve_one() {
    Head head;
    const auto fault = co_await exchange_.read_head(head);
    if (fault == http::status::unknown) co_return false;
    if (fault) co_return co_await refuse(Limit::http_request, *fault);
    exchange_.limit_time(settings_.silence);
    const auto wanted = tunnel::read_target(path_of(target_of(head)));
    if (wanted) co_return co_await serve_tunnel(head, *wanted);
    auto flv = read_flv_request(head.get(), target_of(head), secure_);
    if (flv) co_return co_await serve_flv(head, std::move(*flv));
    co_return co_await refuse(head, http::status::not_found);
  }

  // What the body was does not matter any more.
  awaitable<bool> refuse(const Head& head, http::status status) {
    const bool keep_alive = head.is_done() && head.get().keep_alive();
    co_return co_await exchange_.write(plain_response(status), keep_alive);
  }

  awaitable<bool> refuse(Limit limit, http::status status) {
    settings_.on_limit(limit);
    co_return co_await exchange_.write(plain_response(status), false);
  }

  awaitable<bool> refuse_protocol() {
    co_return co_await refuse(Limit::first_byte_http, http::status::not_found);
  }

  // --- RTMPT

  awaitable<bool> serve_tunnel(Head& head, tunnel::Request wanted) {
    if (!settings_.protocols.has_tunnel(secure_)) co_return co_await refuse_protocol();
    if (head.get().method() != http::verb::post)
      co_return co_await refuse(head, http::status::method_not_allowed);
    if (head.content_length().value_or(0) > settings_.body_bytes)
      co_return co_await refuse(Limit::http_request, http::status::payload_too_large);
    http::request_parser<http::string_body> parser(std::move(head));
    parser.body_limit(settings_.body_bytes);
    const auto [error, size] =
        co_await http::async_read(exchange_.stream(), exchange_.received(), parser, as_value);
    if (error == http::error::body_limit)
      co_return co_await refuse(Limit::http_request, http::status::payload_too_large);
    if (error) co_return false;
    const bool keep_alive = parser.get().keep_alive();
    const net::TunnelOrigin origin{address_, secure_};
    auto answered = co_await tunnels_.answer(exchange_.worker(), wanted,
                                             std::move(parser.get().body()), origin);
    const auto status = static_cast<http::status>(answered.status);
    Response response = plain_response(status);
    if (status == http::status::ok) {
      response.body() = std::move(answered.body);
      response.set(http::field::content_type, tunnel::content_type);
      response.set(http::field::connection, "Keep-Alive");
    }
    co_return co_await exchange_.write(std::move(response), keep_alive);
  }

  // --- FLV

  awaitable<bool> serve_flv(Head& head, rtmp::FlvRequest wanted) {
    if (!allows_origin(head.get(), settings_.cors_origin, secure_))
      co_return co_await refuse(head, http::status::forbidden);
    if (boost::beast::websocket::is_upgrade(head.get()))
      co_return co_await play_by_websocket(head, std::move(wanted));
    if (!settings_.protocols.has(Protocol::http_flv)) co_return co_await refuse_protocol();
    switch (head.get().method()) {
      case http::verb::get:
        play(head, std::move(wanted));
        co_return false;
      case http::verb::post:
      case http::verb::put:
        co_return co_await publish(head, std::move(wanted));
      case http::verb::options:
        co_return co_await answer_preflight(head);
      default:
        co_return co_await refuse(head, http::status::method_not_allowed);
    }
  }

  awaitable<bool> answer_preflight(const Head& head) {
    Response response = preflight_response();
    add_origin(head.get(), response);
    co_return co_await exchange_.write(std::move(response), head.get().keep_alive());
  }

  // The connection is the player's from now on.
  void play(const Head& head, rtmp::FlvRequest wanted) {
    http::response<http::empty_body> taken(http::status::ok, 11),
        refused(http::status::forbidden, 11);
    taken.set(http::field::content_type, "video/x-flv");
    refused.content_length(0);
    for (auto* response : {&taken, &refused}) {
      response->set(http::field::cache_control, "no-cache");
      response->set(http::field::connection, "close");
      add_origin(head.get(), *response);
    }
    wanted.accepted = as_text(taken);
    wanted.refused = as_text(refused);
    gone_ = true;
    exchange_.stop_timer();
    welcome(exchange_.release(), Way::http_flv, std::move(wanted));
  }

  awaitable<bool> publish(Head& head, rtmp::FlvRequest wanted) {
    wanted.purpose = Purpose::publish;
    auto carrier = carry(Way::http_flv, std::move(wanted));
    if (!carrier) co_return co_await refuse(head, http::status::service_unavailable);
    co_return co_await carry_publisher(exchange_, head, std::move(*carrier), settings_.silence);
  }

  awaitable<bool> play_by_websocket(Head& head, rtmp::FlvRequest wanted) {
    if (!settings_.protocols.has(Protocol::ws_flv)) co_return co_await refuse_protocol();
    auto carrier = carry(Way::ws_flv, std::move(wanted));
    if (!carrier) co_return co_await refuse(head, http::status::service_unavailable);
    co_await carry_player(exchange_, head.release(), std::move(*carrier));
    co_return false;
  }

  // The other end becomes a session's.
  std::optional<net::LocalSocket> carry(Way way, rtmp::FlvRequest wanted) {
    auto pair = net::make_socket_pair(exchange_.worker());
    if (!pair) return std::nullopt;
    wanted.accepted = yes;
    wanted.refused = no;
    welcome(net::make_plain_stream(std::move(pair->session)), way, std::move(wanted));
    return std::move(pair->carrier);
  }

  void welcome(std::unique_ptr<net::ByteStream> stream, Way way, rtmp::FlvRequest wanted) {
    welcome_(
        {&exchange_.worker(), std::move(stream), address_, net::now(), way, std::move(wanted)});
  }

  HttpExchange& exchange_;
  const std::string address_;
  const bool secure_;
  net::TunnelServer& tunnels_;
  const Welcome& welcome_;
  const Settings settings_;
  bool gone_ = false;  // the connection is somebody else's
};

HttpGuest::HttpGuest(net::Worker& worker, std::unique_ptr<net::ByteStream> stream,
                     const std::vector<std::uint8_t>& first, std::string address,
                     net::TunnelServer& tunnels, const Welcome& welcome, Settings settings,
                     OnEnd on_end)
    : worker_(worker),
      on_end_(std::move(on_end)),
      exchange_(
          std::make_shared<HttpExchange>(worker, std::move(stream), first, HttpExchange::Limits())),
      requests_(std::make_unique<Requests>(*exchange_, std::move(address),
                                           exchange_->stream().stream().is_secure(), tunnels,
                                           welcome, std::move(settings))) {}

HttpGuest::~HttpGuest() = default;

void HttpGuest::start() {
  boost::asio::co_spawn(worker_.context(), requests_->run(),
                        [self = shared_from_this()](const std::exception_ptr&) {
                          self->exchange_->close();
                          self->on_end_(self);
                        });
}

void HttpGuest::close() {
  boost::asio::post(worker_.context(), [self = shared_from_this()] { self->exchange_->close(); });
}

}  // namespace relay
