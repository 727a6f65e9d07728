// The limits that peers may go over, how often they did, and which of that is worth telling.
// docs/limits.md has a row for each.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rtmp/clock.h"
#include "rtmp/error.h"

namespace relay {

enum class Limit : std::uint8_t {
  // a first byte that is no RTMP: whose it is
  first_byte_rtmp,  // where it is off
  first_byte_tls,
  first_byte_http,
  first_byte_rtmpe,
  first_byte_other,
  proxy_header,  // missing, or broken
  http_request,  // the same, or too long
  // time
  handshake_timeout,
  connect_timeout,
  request_timeout,    // to publish or play
  ping_timeout,       // the client said nothing
  network_timeout,    // its kernel did not
  publisher_timeout,  // no media
  // what came
  message_size,
  message_change,  // of size or type, inside a message
  chunk_streams,
  partial_bytes,  // in unfinished messages
  chunk_size,
  tiny_chunks,
  amf_depth,
  amf_size,
  // what was asked for
  message_streams,
  commands,
  names,
  duplicate_publish,
  players_per_stream,
  connections,
  connections_per_host,
  connections_in_line,  // of a host, until others of it have got to connect
  loops,                // a server sends us what it has from us
  pulls,                // streams that are played from other servers
  // what is kept
  player_queue,     // the player was too slow
  gop_cache,        // of one stream
  gop_cache_total,  // of all
  memory,
};
constexpr std::size_t limit_count = static_cast<std::size_t>(Limit::memory) + 1;

std::string_view to_name(Limit limit);  // "first-byte-tls"

// The limit that ended a connection, if one did. `first_byte`: of the client; `connected`: connect
// was answered.
std::optional<Limit> limit_behind(const boost::system::error_code& end,
                                  std::optional<std::uint8_t> first_byte, bool connected);

// Any thread may call.
class LimitCounts {
 public:
  using Array = std::array<std::uint64_t, limit_count>;

  // The count, with this one.
  std::uint64_t add(Limit limit) {
    return counts_[static_cast<std::size_t>(limit)].fetch_add(1, std::memory_order_relaxed) + 1;
  }
  Array all() const;

 private:
  std::array<std::atomic<std::uint64_t>, limit_count> counts_ = {};
};

// Keeps logs readable whatever peers do: each thing is told once a minute, and few things a second.
// Any thread may call.
class Moderator {
 public:
  bool admits(const std::string& what, rtmp::Time now);

 private:
  std::mutex mutex_;  // guards what follows
  std::unordered_map<std::string, rtmp::Time> told_;
  rtmp::Time second_ = {};  // that is counted
  unsigned in_second_ = 0;
};

}  // namespace relay
