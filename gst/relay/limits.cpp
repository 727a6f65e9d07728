// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/limits.h"

#include "net/byte_stream.h"

namespace relay {
namespace {

constexpr std::array<std::string_view, limit_count> names = {"first-byte-rtmp",
                                                             "first-byte-tls",
                                                             "first-byte-http",
                                                             "first-byte-rtmpe",
                                                             "first-byte-other",
                                                             "proxy-header",
                                                             "http-request",
                                                             "handshake-timeout",
                                                             "connect-timeout",
                                                             "request-timeout",
                                                             "ping-timeout",
                                                             "network-timeout",
                                                             "publisher-timeout",
                                                             "message-size",
                                                             "message-change",
                                                             "chunk-streams",
                                                             "partial-bytes",
                                                             "chunk-size",
                                                             "tiny-chunks",
                                                             "amf-depth",
                                                             "amf-size",
                                                             "message-streams",
                                                             "commands",
                                                             "names",
                                                             "duplicate-publish",
                                                             "players-per-stream",
                                                             "connections",
                                                             "connections-per-host",
                                                             "connections-in-line",
                                                             "loops",
                                                             "pulls",
                                                             "player-queue",
                                                             "gop-cache",
                                                             "gop-cache-total",
                                                             "memory"};
static_assert(!names.back().empty());

constexpr auto told_again_after = std::chrono::minutes(1);
constexpr std::size_t most_remembered = 1024;
constexpr unsigned most_in_a_second = 10;

Limit limit_of_first_byte(std::optional<std::uint8_t> byte) {
  if (byte == 3) return Limit::first_byte_rtmp;
  if (byte == 0x16) return Limit::first_byte_tls;
  if (byte == 6 || byte == 8 || byte == 9) return Limit::first_byte_rtmpe;
  // "GET", "POST": all methods are capital letters.
  return byte >= 'A' && byte <= 'Z' ? Limit::first_byte_http : Limit::first_byte_other;
}

}  // namespace

std::string_view to_name(Limit limit) { return names[static_cast<std::size_t>(limit)]; }

std::optional<Limit> limit_behind(const boost::system::error_code& end,
                                  std::optional<std::uint8_t> first_byte, bool connected) {
  using rtmp::Error;
  if (net::is_silence(end)) return Limit::network_timeout;
  if (end.category() != rtmp::error_category()) return std::nullopt;
  switch (static_cast<Error>(end.value())) {
    case Error::unsupported_version:
      return limit_of_first_byte(first_byte);
    case Error::handshake_timeout:
      return Limit::handshake_timeout;
    case Error::command_timeout:
      return connected ? Limit::request_timeout : Limit::connect_timeout;
    case Error::idle_timeout:
      return Limit::ping_timeout;
    case Error::media_timeout:
      return Limit::publisher_timeout;
    case Error::message_too_large:
      return Limit::message_size;
    case Error::message_changed:
      return Limit::message_change;
    case Error::too_many_chunk_streams:
      return Limit::chunk_streams;
    case Error::too_many_partial_bytes:
      return Limit::partial_bytes;
    case Error::bad_chunk_size:
      return Limit::chunk_size;
    case Error::tiny_chunk_flood:
      return Limit::tiny_chunks;
    case Error::amf_too_deep:
      return Limit::amf_depth;
    case Error::amf_too_large:
      return Limit::amf_size;
    case Error::too_many_streams:
      return Limit::message_streams;
    case Error::too_many_commands:
      return Limit::commands;
    case Error::write_timeout:
      return Limit::network_timeout;
    case Error::too_slow:
      return Limit::player_queue;
    case Error::over_budget:
      return Limit::memory;
    default:
      return std::nullopt;
  }
}

LimitCounts::Array LimitCounts::all() const {
  Array counts;
  for (std::size_t i = 0; i < limit_count; ++i)
    counts[i] = counts_[i].load(std::memory_order_relaxed);
  return counts;
}

bool Moderator::admits(const std::string& what, rtmp::Time now) {
  const std::lock_guard lock(mutex_);
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    in_second_ = 0;
  }
  if (in_second_ >= most_in_a_second) return false;
  if (const auto told = told_.find(what);
      told != told_.end() && now < told->second + told_again_after)
    return false;
  if (told_.size() >= most_remembered)
    std::erase_if(told_, [&](const auto& one) { return now >= one.second + told_again_after; });
  ++in_second_;
  told_[what] = now;
  return true;
}

}  // namespace relay
