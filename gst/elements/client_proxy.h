// Which proxy leads to a server where no property says it: the environment's, or else the
// desktop's.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "net/proxy.h"

namespace client_proxy {

// What the variables http_proxy and so on say at one moment.
struct Environment {
  std::string http, https, all;
  std::string none;  // no_proxy: names, domains and networks, or "*"

  static Environment read();
  bool names_any() const { return !http.empty() || !https.empty() || !all.empty(); }
};

// As most programs read the variables: http_proxy and https_proxy are for HTTP alone, so for
// tunnels, all_proxy is for all that has none of its own, and no_proxy excepts from both.
net::ProxyChoice find(const Environment& environment, const net::ProxyTarget& target);

// The environment as it is now, if it names a proxy at all; otherwise GIO, each time it is asked.
// User and password are for a proxy that comes without them.
net::FindProxy of_system(std::string user, std::string password);

}  // namespace client_proxy
