// Two connected sockets: what goes into one comes out of the other. A session that speaks to the
// one need not know what carries its bytes on from the other.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <optional>

#include "net/byte_stream.h"
#include "net/worker.h"

namespace net {

using LocalSocket = boost::asio::local::stream_protocol::socket;

struct SocketPair {
  LocalSocket carrier;  // non-blocking
  Socket session;
};

// Both on the worker. Nothing if there are no descriptors left.
inline std::optional<SocketPair> make_socket_pair(Worker& worker) {
  LocalSocket carrier(worker.context()), session(worker.context());
  error_code error;
  boost::asio::local::connect_pair(carrier, session, error);
  if (!error) carrier.non_blocking(true, error);
  if (error) return std::nullopt;
  return SocketPair{std::move(carrier), Socket(std::move(session))};
}

}  // namespace net
