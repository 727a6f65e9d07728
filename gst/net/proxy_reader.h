// Reads the header of a proxy off a new connection, and not a byte of what follows.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "net/byte_stream.h"
#include "net/proxy_header.h"
#include "net/worker.h"

namespace net {

// On its worker's thread, but what says otherwise. It lives until it has called.
class ProxyReader : public std::enable_shared_from_this<ProxyReader> {
 public:
  // Once. The error is the peer's fault, the end of its time included, or Error::cancelled.
  using Done = std::function<void(ProxyReader&, const rtmp::Result<ProxyHeader>&)>;

  ProxyReader(Worker& worker, Socket socket, Done done);

  void start(rtmp::Duration timeout);
  // From any thread.
  void cancel();
  // Once it has called.
  Socket take_socket() { return std::move(socket_); }

 private:
  void wait();
  void on_readable();
  rtmp::Result<std::optional<ProxyHeader>> read_available();
  void finish(const rtmp::Result<ProxyHeader>& header);

  Worker& worker_;
  Socket socket_;
  Done done_;  // null once it was called
  boost::asio::steady_timer timer_;
  std::vector<std::uint8_t> bytes_;  // of the header, so far
};

}  // namespace net
