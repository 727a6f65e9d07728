// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/listener.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <shared_mutex>
#include <vector>

#include "net/inherited_sockets.h"
#include "net/socket_file.h"

namespace net {
namespace {

using boost::asio::ip::tcp;
using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

constexpr std::string_view unix_prefix = "unix:";
constexpr std::string_view systemd = "systemd", systemd_prefix = "systemd:";

constexpr int backlog = 4096;
constexpr int attempts_at_a_common_port = 16;
// A crowd comes in some at a time, so that those who are in are heard in between.
constexpr int accepts_in_a_row = 16;
// When descriptors run out, trying again at once would only spin.
constexpr auto pause_after_failure = std::chrono::milliseconds(50);

// 0 if it is no TCP socket.
std::uint16_t port_of(const Acceptor& acceptor) {
  error_code error;
  const Endpoint bound = acceptor.local_endpoint(error);
  if (error || bound.protocol().family() == AF_UNIX) return 0;
  tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), bound.data(), bound.size());
  return endpoint.port();
}

// "unix:/path" where to_text() says no more than "unix", which is all that there is of a client.
std::string name_of(const Acceptor& acceptor) {
  error_code ignored;
  const Endpoint bound = acceptor.local_endpoint(ignored);
  if (bound.protocol().family() != AF_UNIX) return to_text(bound);
  boost::asio::local::stream_protocol::endpoint endpoint;
  std::memcpy(endpoint.data(), bound.data(), bound.size());
  endpoint.resize(bound.size());
  std::string path = endpoint.path();
  if (path.starts_with('\0')) path.front() = '@';
  return std::string(unix_prefix) + path;
}

struct Visit {
  int socket = -1;  // or what became of it is in errno
  Endpoint peer;
};

// In one call, with what others take further ones for.
Visit accept_from(int door) {
  sockaddr_storage address = {};
  socklen_t size = sizeof address;
  const int socket = ::accept4(door, reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC);
  if (socket < 0) return {};
  return {socket, Endpoint(&address, size, address.ss_family == AF_UNIX ? 0 : IPPROTO_TCP)};
}

bool nobody_waits(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

// Who left before it was let in.
bool has_gone(int error) { return error == ECONNABORTED || error == EPROTO || error == EINTR; }

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
    Acceptor acceptor;
    boost::asio::steady_timer timer;
  };

  Shared(Workers& all, Accept call) : workers(all), accept(std::move(call)) {}

  void wait_at(const std::shared_ptr<Door>& door);
  void wait_for_descriptors(const std::shared_ptr<Door>& door);
  void accept_some(const std::shared_ptr<Door>& door);
  void hand_out(const Visit& visit);

  Workers& workers;
  Accept accept;
  std::vector<std::shared_ptr<Door>> doors;  // of the first worker's thread, once it listens
  std::optional<SocketFile> file;            // of a unix socket
  std::shared_mutex mutex;                   // guards closed; held shared while accept runs
  bool closed = false;
};

Listener::Listener(Workers& workers, Accept accept)
    : workers_(workers), shared_(std::make_shared<Shared>(workers, std::move(accept))) {}

Listener::~Listener() { assert(shared_->doors.empty()); }

bool has_port(const std::string& address) {
  return !address.starts_with(unix_prefix) && address != systemd &&
         !address.starts_with(systemd_prefix);
}

error_code Listener::listen(const std::string& address, std::uint16_t port, unsigned unix_mode) {
  const error_code error =
      address.starts_with(unix_prefix) ? listen_unix(address.substr(unix_prefix.size()), unix_mode)
      : address == systemd             ? take_inherited({})
      : address.starts_with(systemd_prefix) ? take_inherited(address.substr(systemd_prefix.size()))
                                            : listen_tcp(address, port);
  if (error) {
    shared_->doors.clear();
    shared_->file.reset();
    return error;
  }
  for (const auto& door : shared_->doors) {
    error_code ignored;  // it is a socket
    door->acceptor.native_non_blocking(true, ignored);
  }
  boost::asio::post(workers_.first().context(), [shared = shared_] {
    for (const auto& door : shared->doors) shared->wait_at(door);
  });
  return {};
}

error_code Listener::listen_tcp(const std::string& address, std::uint16_t port) {
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
  return error;
}

error_code Listener::open(const tcp::endpoint& endpoint) {
  auto door = std::make_shared<Shared::Door>(workers_.first().context());
  Acceptor& acceptor = door->acceptor;
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error) return error;
  close_on_exec(acceptor.native_handle());
  acceptor.set_option(Acceptor::reuse_address(true), error);
  if (endpoint.address().is_v6()) {
    const bool only = !endpoint.address().is_unspecified();
    acceptor.set_option(boost::asio::ip::v6_only(only), error);
  }
  set_tcp_options(acceptor.native_handle(), {});
  acceptor.bind(endpoint, error);
  if (error) return error;
  acceptor.listen(backlog, error);
  if (error) return error;
  port_ = port_of(acceptor);
  shared_->doors.push_back(std::move(door));
  return {};
}

error_code Listener::listen_unix(const std::string& path, unsigned mode) {
  auto door = std::make_shared<Shared::Door>(workers_.first().context());
  error_code error;
  door->acceptor.open(boost::asio::local::stream_protocol(), error);
  if (error) return error;
  close_on_exec(door->acceptor.native_handle());
  error = shared_->file.emplace().bind(door->acceptor.native_handle(), path, mode);
  if (error) return error;
  door->acceptor.listen(backlog, error);
  shared_->doors.push_back(std::move(door));
  return error;
}

// They listen already, and are bound to whatever their unit says.
error_code Listener::take_inherited(const std::string& name) {
  const auto sockets = inherited_sockets(name);
  if (!sockets) return sockets.error();
  for (const int socket : *sockets) {
    auto door = std::make_shared<Shared::Door>(workers_.first().context());
    sockaddr_storage bound = {};
    socklen_t size = sizeof bound;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size);
    const int protocol = bound.ss_family == AF_UNIX ? 0 : IPPROTO_TCP;
    error_code ignored;  // it is a socket
    door->acceptor.assign({bound.ss_family, protocol}, socket, ignored);
    set_tcp_options(socket, {});
    if (port_ == 0) port_ = port_of(door->acceptor);
    shared_->doors.push_back(std::move(door));
  }
  return {};
}

// The handlers keep the door: one that was aborted may run long after the door was closed.
void Listener::Shared::wait_at(const std::shared_ptr<Door>& door) {
  door->acceptor.async_wait(Acceptor::wait_read,
                            [self = shared_from_this(), door](const error_code& error) {
                              if (!error && door->acceptor.is_open()) self->accept_some(door);
                            });
}

void Listener::Shared::accept_some(const std::shared_ptr<Door>& door) {
  for (int i = 0; i < accepts_in_a_row; ++i) {
    const Visit visit = accept_from(door->acceptor.native_handle());
    if (visit.socket >= 0) {
      hand_out(visit);
    } else if (nobody_waits(errno)) {
      break;
    } else if (!has_gone(errno)) {
      return wait_for_descriptors(door);
    }
  }
  wait_at(door);
}

void Listener::Shared::wait_for_descriptors(const std::shared_ptr<Door>& door) {
  door->timer.expires_after(pause_after_failure);
  door->timer.async_wait([self = shared_from_this(), door](const error_code& cancelled) {
    if (!cancelled && door->acceptor.is_open()) self->wait_at(door);
  });
}

void Listener::Shared::hand_out(const Visit& visit) {
  Worker& worker = workers.next();
  Socket socket(worker.context());
  error_code error;
  socket.assign(visit.peer.protocol(), visit.socket, error);
  if (error) {
    ::close(visit.socket);
    return;
  }
  boost::asio::dispatch(worker.context(), [self = shared_from_this(), &worker, peer = visit.peer,
                                           socket = std::move(socket)]() mutable {
    const std::shared_lock lock(self->mutex);
    if (!self->closed) self->accept(worker, std::move(socket), peer);
  });
}

std::string Listener::addresses() const {
  std::string text;
  for (const auto& door : shared_->doors) {
    if (!text.empty()) text += ", ";
    text += name_of(door->acceptor);
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
  shared_->file.reset();
}

}  // namespace net
