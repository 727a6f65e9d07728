// The properties that rtmpclientsrc has beside those of all clients, and what they mean.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/client_properties.h"

// All calls from any thread.
class ClientSrcProperties {
 public:
  enum Id : guint {
    idle_timeout = ClientProperties::first_free_id,
    no_eof_is_error,
    start,
    duration,
    buffer_time,
    stats,  // the element's own
  };

  // In class_init: all of the above.
  static void install(GObjectClass* gobject_class);
  // False if the id is none of the above, or stats.
  bool set(guint id, const GValue* value);
  bool get(guint id, GValue* value) const;

  void add_to(net::Client::Settings& settings) const;
  bool lost_is_error() const;

 private:
  struct Values {
    guint idle_timeout;
    gboolean no_eof_is_error;
    gint64 start, duration;
    guint buffer_time;
  };
  static const Values defaults;
  Values values() const {
    const std::lock_guard lock(mutex_);
    return values_;
  }

  mutable std::mutex mutex_;  // guards values_
  Values values_ = defaults;
};
