// What is said to a proxy until it leads to the server.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/byte_stream.h"
#include "net/proxy.h"
#include "net/worker.h"

namespace net {

// Why a proxy leads nowhere.
struct ProxyFault {
  enum class Kind {
    none,
    broken,          // the connection to it: `code`
    other_protocol,  // it is no proxy, or one of the other kind
    login_wanted,
    login_unknown,  // it wants another kind of login than user and password
    login_refused,
    refused,  // to connect to the server: `words`
  };
  Kind kind = Kind::none;
  error_code code = {};
  std::string words = {};
};

// Asks the proxy to which `socket` is connected for host:port. It reads nothing of what comes
// behind the proxy's answer. The socket must stay until `done` is called; closing it is the way to
// have that soon.
using Asked = std::function<void(ProxyFault)>;
void ask_proxy(Socket& socket, Proxy proxy, std::string host, std::uint16_t port, Asked done);

// How a connection was made that is to be made again.
struct Way {
  Endpoint endpoint;                // of the server, or of the proxy
  std::optional<Proxy> proxy = {};  // that is asked for host:port
  std::string host = {};
  std::uint16_t port = 0;
  rtmp::Duration timeout = {};  // 0: for ever
};
void go_again(Worker& worker, Way way, std::function<void(error_code, Socket)> done);

// The field Proxy-Authorization (RFC 7617); empty for a proxy without a user.
std::string proxy_authorization(const Proxy& proxy);

}  // namespace net
