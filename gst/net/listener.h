// Listens on an address and hands out accepted sockets, each on a worker of its own.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include "net/byte_stream.h"
#include "net/worker.h"

namespace net {

// Whether an address for Listener::listen() is one with a port.
bool has_port(const std::string& address);

class Listener {
 public:
  // Called on the worker that the socket belongs to, whose TCP options are set, with who is at its
  // other end.
  using Accept = std::function<void(Worker&, Socket, const Endpoint& peer)>;

  Listener(Workers& workers, Accept accept);
  // close() must have been called, or listen() have failed.
  ~Listener();

  // `address` is one of these; the error is the operating system's.
  //   a name or a literal: "localhost" is 127.0.0.1 and ::1, "::" every address, IPv4 as well.
  //     `port` 0 takes any that is free on all of them
  //   "unix:/path", a unix socket whose file is there until close(), or "unix:@name" without a file
  //   "systemd" or "systemd:NAME": the sockets that systemd opened for this process, or those of
  //     that name
  // `unix_mode`: of a unix socket's file.
  error_code listen(const std::string& address, std::uint16_t port, unsigned unix_mode = 0660);
  // The TCP port, once listen() has succeeded; 0 if there is none.
  std::uint16_t port() const { return port_; }
  // "127.0.0.1:1935, [::1]:1935", for logs.
  std::string addresses() const;
  // No accept() call is under way or comes after this. Not from within one.
  void close();

 private:
  struct Shared;

  error_code listen_tcp(const std::string& address, std::uint16_t port);
  error_code listen_unix(const std::string& path, unsigned mode);
  error_code take_inherited(const std::string& name);
  error_code open(const boost::asio::ip::tcp::endpoint& endpoint);

  Workers& workers_;
  std::shared_ptr<Shared> shared_;
  std::uint16_t port_ = 0;
};

}  // namespace net
