// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/listener.h"

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <shared_mutex>
#include <vector>

namespace net {
namespace {

using boost::asio::ip::tcp;

constexpr int backlog = 4096;
constexpr int attempts_at_a_common_port = 16;
// When descriptors run out, trying again at once would only spin.
constexpr auto pause_after_failure = std::chrono::milliseconds(50);

bool family_is_missing(const error_code& error) {
  return error == boost::asio::error::address_family_not_supported ||
         error == boost::system::errc::address_not_available;
}

// "localhost" means both loopback addresses whatever the host's files say.
std::vector<tcp::endpoint> endpoints_of(const std::string& address, error_code& error) {
  using boost::asio::ip::address_v4, boost::asio::ip::address_v6;
  if (address == "localhost") return {{address_v4::loopback(), 0}, {address_v6::loopback(), 0}};
  boost::asio::io_context context;
  tcp::resolver resolver(context);
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : resolver.resolve(address, "", tcp::resolver::passive, error))
    endpoints.push_back(entry.endpoint());
  return endpoints;
}

}  // namespace

struct Listener::Shared : std::enable_shared_from_this<Listener::Shared> {
  struct Door {
    Door(boost::asio::io_context& context) : acceptor(context), timer(context) {}
    tcp::acceptor acceptor;
    boost::asio::steady_timer timer;
  };

  Shared(Workers& all, Accept call) : workers(all), accept(std::move(call)) {}

  void accept_next(const std::shared_ptr<Door>& door);
  void hand_out(Worker& worker, tcp::socket socket);

  Workers& workers;
  Accept accept;
  std::vector<std::shared_ptr<Door>> doors;  // of the first worker's thread, once it listens
  std::shared_mutex mutex;                   // guards closed; held shared while accept runs
  bool closed = false;
};

Listener::Listener(Workers& workers, Accept accept)
    : workers_(workers), shared_(std::make_shared<Shared>(workers, std::move(accept))) {}

Listener::~Listener() { assert(shared_->doors.empty()); }

error_code Listener::listen(const std::string& address, std::uint16_t port) {
  error_code error;
  const std::vector<tcp::endpoint> endpoints = endpoints_of(address, error);
  if (error) return error;
  for (int attempt = 0; attempt < attempts_at_a_common_port; ++attempt) {
    port_ = port;
    shared_->doors.clear();
    for (tcp::endpoint endpoint : endpoints) {
      endpoint.port(port_);
      error = open(endpoint);
      if (error && !(family_is_missing(error) && endpoints.size() > 1)) break;
    }
    const bool taken_elsewhere = error == boost::asio::error::address_in_use && port == 0;
    if (!taken_elsewhere) break;
  }
  if (!shared_->doors.empty() && family_is_missing(error)) error.clear();
  if (error) {
    shared_->doors.clear();
    return error;
  }
  boost::asio::post(workers_.first().context(), [shared = shared_] {
    for (const auto& door : shared->doors) shared->accept_next(door);
  });
  return {};
}

error_code Listener::open(const tcp::endpoint& endpoint) {
  auto door = std::make_shared<Shared::Door>(workers_.first().context());
  tcp::acceptor& acceptor = door->acceptor;
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error) return error;
  close_on_exec(acceptor.native_handle());
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (endpoint.address().is_v6()) {
    const bool only = !endpoint.address().is_unspecified();
    acceptor.set_option(boost::asio::ip::v6_only(only), error);
  }
  set_tcp_options(acceptor.native_handle(), {});
  acceptor.bind(endpoint, error);
  if (error) return error;
  acceptor.listen(backlog, error);
  if (error) return error;
  port_ = acceptor.local_endpoint(error).port();
  shared_->doors.push_back(std::move(door));
  return {};
}

// The handlers keep the door: one that was aborted may run long after the door was closed.
void Listener::Shared::accept_next(const std::shared_ptr<Door>& door) {
  Worker& worker = workers.next();
  door->acceptor.async_accept(worker.context(), [self = shared_from_this(), door, &worker](
                                                    const error_code& error, tcp::socket socket) {
    if (!door->acceptor.is_open()) return;
    if (!error) {
      self->hand_out(worker, std::move(socket));
      self->accept_next(door);
      return;
    }
    door->timer.expires_after(pause_after_failure);
    door->timer.async_wait([self, door](const error_code& cancelled) {
      if (!cancelled && door->acceptor.is_open()) self->accept_next(door);
    });
  });
}

void Listener::Shared::hand_out(Worker& worker, tcp::socket socket) {
  close_on_exec(socket.native_handle());
  boost::asio::post(worker.context(), [self = shared_from_this(), &worker,
                                       socket = Socket(std::move(socket))]() mutable {
    const std::shared_lock lock(self->mutex);
    if (!self->closed) self->accept(worker, std::move(socket));
  });
}

std::string Listener::addresses() const {
  std::string text;
  for (const auto& door : shared_->doors) {
    error_code ignored;
    const auto address = door->acceptor.local_endpoint(ignored).address();
    if (!text.empty()) text += ", ";
    text += address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
    text += ":" + std::to_string(port_);
  }
  return text;
}

void Listener::close() {
  {
    const std::unique_lock lock(shared_->mutex);
    shared_->closed = true;
  }
  std::promise<void> done;
  boost::asio::post(workers_.first().context(), [shared = shared_, &done] {
    for (const auto& door : shared->doors) {
      error_code ignored;
      door->acceptor.close(ignored);
      door->timer.cancel();
    }
    done.set_value();
  });
  done.get_future().wait();
  shared_->doors.clear();
}

}  // namespace net
