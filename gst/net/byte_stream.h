// A connected, non-blocking stream of bytes: TCP, a unix socket, or TLS over either.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>
#include <string>

#include "rtmp/bytes.h"
#include "rtmp/error.h"

namespace net {

using boost::system::error_code;
using Socket = boost::asio::generic::stream_protocol::socket;
using Endpoint = boost::asio::generic::stream_protocol::endpoint;

// Reads and writes at once or says would_block; waiting is the driver's. Owned by one thread.
class ByteStream {
 public:
  using Wait = boost::asio::socket_base::wait_type;

  explicit ByteStream(Socket socket) : socket_(std::move(socket)) {}
  virtual ~ByteStream() = default;

  // The number of bytes, or 0 with `error`: would_block, eof or what happened.
  virtual std::size_t read_some(std::span<std::uint8_t> into, error_code& error) = 0;
  // Writes the spans in one system call as far as the kernel takes them.
  virtual std::size_t write_some(std::span<const rtmp::Bytes> spans, error_code& error) = 0;
  // What to wait for after would_block: with TLS reading may have to write and the other way.
  virtual Wait read_wait() const { return Wait::wait_read; }
  virtual Wait write_wait() const { return Wait::wait_write; }
  // Says that nothing more will be written; reading goes on.
  virtual void shutdown_write();
  // TLS, as far as is known yet.
  virtual bool is_secure() const { return false; }
  // The socket, if what is written to it is what the peer reads; else -1.
  virtual int plain_socket() { return -1; }
  // Why a read or write failed, where an error code does not say enough (a certificate, say).
  virtual std::string fault() const { return {}; }

  void close();
  virtual Socket& socket() { return socket_; }

 protected:
  Socket socket_;
};

std::unique_ptr<ByteStream> make_plain_stream(Socket socket);

// Options for a TCP socket: no delay, keep-alive, and an end to what the peer's kernel does not
// acknowledge in time. Elsewhere they do nothing.
struct TcpOptions {
  unsigned user_timeout_ms = 30'000;
  unsigned keepalive_idle_s = 30;
  std::uint64_t pacing_bytes_per_second = 0;  // 0: as fast as it goes
};
// A listening socket hands its options on to those that it accepts.
void set_tcp_options(int socket, const TcpOptions& options);
// Programs that the application starts do not inherit the socket: they would keep the port, and
// connections open.
void close_on_exec(int socket);
void set_pacing(int socket, std::uint64_t bytes_per_second);  // 0: as fast as it goes

// What the kernel knows of a TCP connection; 0 of other sockets.
struct TcpFigures {
  unsigned round_trip_us = 0;  // smoothed
  unsigned retransmits = 0;    // segments, since the beginning
};
TcpFigures tcp_figures(int socket);

// The end of a connection whose other side no longer answers, in its kernel or on the way.
bool is_silence(const error_code& error);

// "127.0.0.1:1935", "[::1]:1935", "unix".
std::string to_text(const Endpoint& endpoint);
std::string peer_name(const Socket& socket);

}  // namespace net
