// The properties that rtmpclientsink has beside those of all clients, and what they mean.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/client_congestion.h"
#include "elements/client_properties.h"

// All calls from any thread.
class ClientSinkProperties {
 public:
  using Leaky = net::MessageQueue::Leaky;

  enum Id : guint {
    chunk_size = ClientProperties::first_free_id,
    peak_kbps,
    stop_commands,
    max_queue_time,
    max_queue_bytes,
    leaky,
    publish_type,
    stats,  // the element's own
  };

  // In class_init: all of the above, and the types that they use.
  static void install(GObjectClass* gobject_class);
  // False if the id is none of the above, or stats.
  bool set(guint id, const GValue* value);
  bool get(guint id, GValue* value) const;

  void add_to(net::Client::Settings& settings) const;
  rtmp::ClientSession::StopCommands wanted_stop_commands() const;
  net::MessageQueue::Limits queue_limits() const;
  Leaky wanted_leaky() const;
  CongestionMeter::Limits congestion_limits() const;
  std::uint64_t pacing() const;

 private:
  struct Values {
    guint chunk_size, peak_kbps, stop_commands;
    guint64 max_queue_time, max_queue_bytes;
    gint leaky, publish_type;
  };
  static const Values defaults;
  Values values() const {
    const std::lock_guard lock(mutex_);
    return values_;
  }

  mutable std::mutex mutex_;  // guards values_
  Values values_ = defaults;
};
