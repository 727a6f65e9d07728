// A small HTTP server: a few clients, short questions and answers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>

#include "net/http_target.h"
#include "net/listener.h"

namespace net {

// It has a thread of its own, on which the handler may take its time: nobody but other clients of
// this server waits for it.
class HttpServer {
 public:
  struct Request {
    std::string method;  // "GET"
    HttpTarget target;
    std::map<std::string, std::string> headers;  // names in lower case, the last of each
    std::string body;
    bool local = false;  // from this machine

    // Empty if there is none.
    std::string header(const std::string& name) const;
  };
  struct Response {
    unsigned status = 200;
    std::string type = "text/plain; charset=utf-8";
    std::string body = {};
    std::vector<std::pair<std::string, std::string>> headers = {};  // others
  };
  using Handler = std::function<Response(const Request&)>;
  struct Limits {
    std::uint32_t header_bytes = 16 * 1024;                  // of a request: 431 above it
    std::size_t body_bytes = 64 * 1024;                      // 413
    std::size_t connections = 64;                            // more are closed at once
    rtmp::Duration request_time = std::chrono::seconds(10);  // to come whole, and to take an answer
    rtmp::Duration idle_time = std::chrono::minutes(2);      // between requests
  };

  explicit HttpServer(Handler handler);
  HttpServer(Handler handler, Limits limits);
  // Waits for the handler. Not from within it.
  ~HttpServer();

  // As Listener::listen().
  error_code listen(const std::string& address, std::uint16_t port);
  // Once listen() has succeeded.
  std::uint16_t port() const { return listener_.port(); }
  std::string addresses() const { return listener_.addresses(); }

 private:
  class Connection;
  struct Shared;

  const std::shared_ptr<Shared> shared_;
  Workers workers_{1};
  Listener listener_;
  bool listening_ = false;
};

}  // namespace net
