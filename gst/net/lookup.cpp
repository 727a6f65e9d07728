// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/lookup.h"

namespace net {

using boost::asio::ip::tcp;
using boost::system::error_code;

Lookup::Lookup(Worker& worker, const std::string& host, std::uint16_t port, Done done)
    : errand_(worker, [done = std::move(done)](Found found) {
        done(found.error, std::move(found.endpoints));
      }) {
  error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (!error) {
    errand_.deliver({{}, {tcp::endpoint(address, port)}});
    return;
  }
  const error_code no_thread = errand_.run([host, port](const std::stop_token&) {
    boost::asio::io_context context;
    error_code failed;
    const auto results = tcp::resolver(context).resolve(host, std::to_string(port),
                                                        tcp::resolver::numeric_service, failed);
    return Found{failed, {results.begin(), results.end()}};
  });
  if (no_thread) errand_.deliver({no_thread, {}});
}

}  // namespace net
