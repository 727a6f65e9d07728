// What a server shows of itself and takes as orders over HTTP. docs/figures.md lists the paths.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "net/http_server.h"
#include "relay/server.h"
#include "relay/srs_api.h"

namespace relay {

class Web {
 public:
  using Request = net::HttpServer::Request;
  using Response = net::HttpServer::Response;
  struct Settings {
    std::string address = "localhost";
    std::uint16_t port = 0;  // 0: any free
    // What requests must have as `Authorization: Bearer TOKEN` or `?token=TOKEN`; empty: nothing.
    // Without it orders are taken only of this machine, and from no page in a browser.
    std::string token;
  };
  // Orders that are not the server's alone to obey.
  struct Orders {
    std::function<void(rtmp::Duration)> drain;
    // The fault in words, or nothing.
    std::function<std::string()> reload;
  };

  // The server must outlive it.
  Web(Server& server, Settings settings, Orders orders);

  // The error is the operating system's.
  net::error_code listen();
  std::uint16_t port() const { return http_.port(); }
  std::string addresses() const { return http_.addresses(); }

  // Not on the server's workers, for which it waits.
  Response answer(const Request& request);

 private:
  struct Route;

  bool knows_token(const Request& request) const;
  bool takes_orders(const Request& request) const;

  Response health(const Request& request);
  Response metrics(const Request& request);
  Response nginx_stat(const Request& request);
  Response nginx_drop(const Request& request);
  Response nginx_redirect(const Request& request);
  Response for_each_meant(const Request& request, const std::string& whom,
                          const std::function<bool(std::uint64_t)>& act);
  Response list_streams(const Request& request);
  Response list_clients(const Request& request);
  Response show_stream(const Request& request);
  Response show_client(const Request& request);
  Response drop_stream(const Request& request);
  Response kick_client(const Request& request);
  Response drain(const Request& request);
  Response reload(const Request& request);
  Response result(unsigned status, int code, const std::string& message = {}) const;

  static const std::vector<Route>& routes();

  Server& server_;
  const Settings settings_;
  const Orders orders_;
  const SrsIdentity identity_;
  net::HttpServer http_;  // the last member: it calls the others until it is gone
};

}  // namespace relay
