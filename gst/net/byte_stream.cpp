// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/byte_stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "net/broadcast.h"

namespace net {
namespace {

error_code last_error() {
  return {errno == EAGAIN ? EWOULDBLOCK : errno, boost::system::system_category()};
}

class PlainStream final : public ByteStream {
 public:
  using ByteStream::ByteStream;

  std::size_t read_some(std::span<std::uint8_t> into, error_code& error) override {
    const ssize_t count = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
    error = count < 0    ? last_error()
            : count == 0 ? error_code(boost::asio::error::eof)
                         : error_code();
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }

  std::size_t write_some(std::span<const rtmp::Bytes> spans, error_code& error) override {
    const ssize_t result = write_to(socket_.native_handle(), spans);
    error = result < 0 ? error_code(static_cast<int>(-result), boost::system::system_category())
            : result == 0 && !spans.empty() ? error_code(boost::asio::error::would_block)
                                            : error_code();
    return result > 0 ? static_cast<std::size_t>(result) : 0;
  }

  int plain_socket() override { return socket_.native_handle(); }
};

// Best effort: an option that this kind of socket does not know is none that it needs.
void set_option(int socket, int level, int name, int value) {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

}  // namespace

void ByteStream::shutdown_write() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void ByteStream::close() {
  error_code ignored;
  socket().close(ignored);
}

std::unique_ptr<ByteStream> make_plain_stream(Socket socket) {
  error_code ignored;
  socket.native_non_blocking(true, ignored);
  return std::make_unique<PlainStream>(std::move(socket));
}

void set_tcp_options(int socket, const TcpOptions& options) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(options.keepalive_idle_s));
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(options.user_timeout_ms));
  set_pacing(socket, options.pacing_bytes_per_second);
}

void close_on_exec(int socket) { ::fcntl(socket, F_SETFD, FD_CLOEXEC); }

void set_pacing(int socket, std::uint64_t bytes_per_second) {
  const std::uint64_t rate = bytes_per_second == 0 ? ~std::uint64_t{0} : bytes_per_second;
  ::setsockopt(socket, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof rate);
}

TcpFigures tcp_figures(int socket) {
  tcp_info info = {};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return {info.tcpi_rtt, info.tcpi_total_retrans};
}

bool is_silence(const error_code& error) {
  return error == boost::asio::error::timed_out || error == boost::asio::error::host_unreachable ||
         error == boost::asio::error::network_unreachable;
}

std::string peer_name(const Socket& socket) {
  error_code error;
  const Endpoint endpoint = socket.remote_endpoint(error);
  return error ? "unknown" : to_text(endpoint);
}

std::string to_text(const Endpoint& endpoint) {
  const int family = endpoint.protocol().family();
  if (family != AF_INET && family != AF_INET6) return "unix";
  boost::asio::ip::tcp::endpoint tcp;
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  const auto address = tcp.address();
  // Dual-stack sockets show IPv4 peers as ::ffff:a.b.c.d.
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    const auto v4 = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
    return v4.to_string() + ":" + std::to_string(tcp.port());
  }
  return address.is_v6() ? "[" + address.to_string() + "]:" + std::to_string(tcp.port())
                         : address.to_string() + ":" + std::to_string(tcp.port());
}

}  // namespace net
