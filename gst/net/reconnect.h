// When a client tries again after its connection was lost, and when it does not.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "rtmp/clock.h"
#include "rtmp/random.h"

namespace net {

struct Failure;

class ReconnectPolicy {
 public:
  struct Settings {
    bool enabled = false;
    int max_retries = -1;  // in a row; -1: for ever
    rtmp::Duration backoff_min = std::chrono::milliseconds(500);
    rtmp::Duration backoff_max = std::chrono::seconds(15);
    bool from_start = false;  // also where the stream never was there
  };

  explicit ReconnectPolicy(const Settings& settings) : settings_(settings) {}

  void set(const Settings& settings) { settings_ = settings; }
  bool enabled() const { return settings_.enabled; }
  bool from_start() const { return settings_.enabled && settings_.from_start; }

  // The server has accepted the stream.
  void on_started(rtmp::Time now) { started_ = now; }
  // After a connection that was lost, or that could not be made: how long to wait before the next
  // one; nothing: give up. Delays double up to backoff_max, and half of each is chance, so that
  // many clients of one server do not come back all at once.
  std::optional<rtmp::Duration> next_delay(rtmp::Time now, const rtmp::Random& random);
  // Since the stream last was there for a while.
  unsigned attempts() const { return attempts_; }
  // A server sends us elsewhere: not more than a few times in a row.
  bool may_move(rtmp::Time now);

 private:
  void forget_if_lasting(rtmp::Time now);
  rtmp::Duration delay(const rtmp::Random& random) const;

  Settings settings_;
  unsigned attempts_ = 0;
  unsigned moves_ = 0;
  std::optional<rtmp::Time> started_;  // and not lost since
};

// No other attempt would end in another way: the server refused, or we did.
bool is_final(const Failure& failure);

// Where a server's tcUrl leads that is absolute or relative to `base`, and may be empty.
std::string resolve_tc_url(const std::string& base, const std::string& reference);

}  // namespace net
