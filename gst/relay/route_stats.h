// The figures of a stream on its way to another server, or from one.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

#include "rtmp/clock.h"

namespace relay {

// What one forward or pull does and has done.
struct RouteStats {
  enum class State {
    waiting,  // for the end of the one before
    connecting,
    streaming,
    reconnecting,  // after a loss, or a connection that failed
    ending,        // sends what there is
    ended,         // as it should
    refused,       // the other server, or we, will not have it
    failed,
  };
  std::uint64_t id = 0;
  bool forward = true;  // or a pull
  std::string stream;   // "app/stream", ours
  std::string url;      // masked
  State state = State::connecting;
  std::string reason;  // a sentence, of the last failure
  std::string peer;    // address and port
  std::uint64_t bytes = 0;
  std::uint64_t frames_lost = 0, bytes_lost = 0;
  unsigned reconnects = 0;
  rtmp::Duration time_lost = {};
  std::size_t queue_bytes = 0;
  std::int64_t queue_ms = 0;
};
std::string_view to_name(RouteStats::State state);

}  // namespace relay
