// The server's end of RTMPT: sessions whose bytes come in HTTP requests (rtmp/tunnel.h).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "net/byte_stream.h"
#include "net/worker.h"
#include "rtmp/tunnel.h"

namespace net {

// Whose requests open a session.
struct TunnelOrigin {
  std::string address;  // of the client
  bool secure = false;  // they come in TLS
};

// Any thread may call.
class TunnelServer {
 public:
  struct Settings {
    // Without a request, after which a session is over.
    rtmp::Duration silence = std::chrono::seconds(30);
    // That a request which has nothing to bring back waits for something: long for one that only
    // asks, short for one whose client may have more to send.
    rtmp::Duration hold_idle = std::chrono::milliseconds(100);
    rtmp::Duration hold_send = std::chrono::milliseconds(2);
  };
  // A new session, whose bytes are what is read from the socket, and written to it. On its worker.
  using Accept = std::function<void(Worker&, Socket, const TunnelOrigin&)>;

  TunnelServer(Settings settings, Accept accept);
  ~TunnelServer();

  struct Answer {
    unsigned status = 200;  // of HTTP
    std::string body = {};
  };
  // `worker`: that this runs on, and a new session will.
  boost::asio::awaitable<Answer> answer(Worker& worker, rtmp::tunnel::Request request,
                                        std::string body, TunnelOrigin origin);
  // Ends the sessions, and opens no more: those behind the sockets see the end of the stream.
  // Before the workers go.
  void close();

 private:
  class Session;

  Answer open(Worker& worker, const TunnelOrigin& origin);
  std::shared_ptr<Session> find(const std::string& id);
  void forget(const std::string& id);

  const Settings settings_;
  const Accept accept_;
  std::mutex mutex_;  // guards what follows
  bool closed_ = false;
  std::unordered_map<std::string, std::shared_ptr<Session>> sessions_;
};

}  // namespace net
