// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/tunnel_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "net/socket_pair.h"

namespace net {
namespace {

namespace tunnel = rtmp::tunnel;
using boost::asio::awaitable;
using Answer = TunnelServer::Answer;
using Kind = tunnel::Request::Kind;
using Order = tunnel::Order;

constexpr auto as_value = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr unsigned bad_request = 400, not_found = 404, unavailable = 503;

// 120 bits, in characters that need no escape.
std::string random_id() {
  constexpr std::string_view characters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<std::uint8_t, 20> random;
  secure_random()(random);
  std::string id;
  for (const std::uint8_t byte : random) id += characters[byte % characters.size()];
  return id;
}

}  // namespace

// Everything on its worker's thread.
class TunnelServer::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Worker& worker, LocalSocket outer, const Settings& settings, std::function<void()> on_end)
      : worker_(worker),
        settings_(settings),
        outer_(std::move(outer)),
        bell_(worker.context()),
        turn_(worker.context()),
        silence_(worker.context()),
        on_end_(std::move(on_end)) {}

  Worker& worker() const { return worker_; }

  // Nobody can rely on a client that says when it goes.
  void watch_silence() {
    silence_.expires_after(settings_.silence);
    silence_.async_wait([weak = weak_from_this()](const error_code& error) {
      const auto self = weak.lock();
      if (!error && self && self->silence_.expiry() <= now()) self->end();
    });
  }

  awaitable<Answer> answer(Kind kind, std::uint64_t number, std::string body) {
    const auto self = shared_from_this();
    watch_silence();
    while (true) {
      if (ended_) co_return Answer{not_found};
      const Order::Place place = order_.place(number);
      if (place == Order::Place::wrong) co_return Answer{bad_request};
      if (place == Order::Place::again) co_return Answer{.body = last_answer_};
      if (place == Order::Place::turn && !busy_) break;
      // For those before, or for the same one's first coming.
      turn_.expires_at(rtmp::never);
      co_await turn_.async_wait(as_value);
    }
    busy_ = true;
    if (kind == Kind::close) {
      last_answer_.assign(1, '\0');
      end();
    } else {
      last_answer_ = co_await exchange(kind, std::move(body));
    }
    order_.advance();
    busy_ = false;
    turn_.cancel();
    co_return Answer{.body = last_answer_};
  }

  void end() {
    if (std::exchange(ended_, true)) return;
    error_code ignored;
    outer_.close(ignored);
    silence_.cancel();
    bell_.cancel();
    turn_.cancel();
    on_end_();
  }

 private:
  awaitable<std::string> exchange(Kind kind, std::string body) {
    if (kind == Kind::send) {
      const auto [error, size] =
          co_await boost::asio::async_write(outer_, boost::asio::buffer(body), as_value);
      if (error) co_return farewell();
    }
    std::string answer(1 + tunnel::max_answer, '\0');
    const auto room = boost::asio::buffer(answer) + 1;
    error_code error;
    std::size_t size = outer_.read_some(room, error);
    if (error == boost::asio::error::would_block) {
      co_await wait_for_bytes(kind == Kind::send ? settings_.hold_send : settings_.hold_idle);
      size = outer_.read_some(room, error);
    }
    if (error && error != boost::asio::error::would_block) co_return farewell();
    answer[0] = static_cast<char>(interval_.next(size == 0));
    answer.resize(1 + size);
    co_return answer;
  }

  // The other side of the socket has ended the connection.
  std::string farewell() {
    end();
    return std::string(1, static_cast<char>(tunnel::session_closed));
  }

  awaitable<void> wait_for_bytes(rtmp::Duration hold) {
    if (!std::exchange(listening_, true))
      outer_.async_wait(LocalSocket::wait_read, [self = shared_from_this()](const error_code&) {
        self->listening_ = false;
        self->bell_.cancel();
      });
    bell_.expires_after(hold);
    co_await bell_.async_wait(as_value);
  }

  Worker& worker_;
  const Settings& settings_;
  LocalSocket outer_;
  boost::asio::steady_timer bell_, turn_, silence_;
  const std::function<void()> on_end_;
  Order order_;
  tunnel::Interval interval_;
  std::string last_answer_;
  bool busy_ = false;       // a request is being answered
  bool listening_ = false;  // to outer_, for the bell
  bool ended_ = false;
};

TunnelServer::TunnelServer(Settings settings, Accept accept)
    : settings_(settings), accept_(std::move(accept)) {}

TunnelServer::~TunnelServer() = default;

awaitable<Answer> TunnelServer::answer(Worker& worker, tunnel::Request request, std::string body,
                                       TunnelOrigin origin) {
  if (request.kind == Kind::ident) co_return Answer{not_found};  // there is no other server
  if (request.kind == Kind::open) co_return open(worker, origin);
  const auto session = find(request.session);
  if (!session) co_return Answer{not_found};
  auto exchange = session->answer(request.kind, request.number, std::move(body));
  if (&session->worker() == &worker) co_return co_await std::move(exchange);
  co_return co_await boost::asio::co_spawn(session->worker().context(), std::move(exchange),
                                           boost::asio::use_awaitable);
}

Answer TunnelServer::open(Worker& worker, const TunnelOrigin& origin) {
  auto pair = make_socket_pair(worker);
  if (!pair) return {unavailable};
  const std::string id = random_id();
  const auto session = std::make_shared<Session>(worker, std::move(pair->carrier), settings_,
                                                 [this, id] { forget(id); });
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return {unavailable};
    sessions_[id] = session;
  }
  session->watch_silence();
  accept_(worker, std::move(pair->session), origin);
  return {.body = id + "\n"};
}

std::shared_ptr<TunnelServer::Session> TunnelServer::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

void TunnelServer::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(id);
}

void TunnelServer::close() {
  std::unordered_map<std::string, std::shared_ptr<Session>> sessions;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    sessions_.swap(sessions);
  }
  for (auto& [id, session] : sessions) {
    Worker& worker = session->worker();
    boost::asio::post(worker.context(), [session = std::move(session)] { session->end(); });
  }
}

}  // namespace net
