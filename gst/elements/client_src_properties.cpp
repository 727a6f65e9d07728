// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/client_src_properties.h"

namespace {

constexpr gint64 live_or_recorded = -2, live_only = -1;

}  // namespace

const ClientSrcProperties::Values ClientSrcProperties::defaults = {
    .idle_timeout = 0,
    .no_eof_is_error = FALSE,
    .start = live_or_recorded,
    .duration = -1,
    .buffer_time = 3000,
};

bool ClientSrcProperties::set(guint id, const GValue* value) {
  const std::lock_guard lock(mutex_);
  switch (id) {
    case idle_timeout:
      values_.idle_timeout = g_value_get_uint(value);
      return true;
    case no_eof_is_error:
      values_.no_eof_is_error = g_value_get_boolean(value);
      return true;
    case start:
      values_.start = g_value_get_int64(value);
      return true;
    case duration:
      values_.duration = g_value_get_int64(value);
      return true;
    case buffer_time:
      values_.buffer_time = g_value_get_uint(value);
      return true;
    default:
      return false;
  }
}

bool ClientSrcProperties::get(guint id, GValue* value) const {
  const std::lock_guard lock(mutex_);
  switch (id) {
    case idle_timeout:
      g_value_set_uint(value, values_.idle_timeout);
      return true;
    case no_eof_is_error:
      g_value_set_boolean(value, values_.no_eof_is_error);
      return true;
    case start:
      g_value_set_int64(value, values_.start);
      return true;
    case duration:
      g_value_set_int64(value, values_.duration);
      return true;
    case buffer_time:
      g_value_set_uint(value, values_.buffer_time);
      return true;
    default:
      return false;
  }
}

// --- what they mean ---

void ClientSrcProperties::add_to(net::Client::Settings& settings) const {
  const Values set = values();
  auto& session = settings.session;
  const auto to_ms = [](gint64 ns) { return static_cast<double>(ns) / GST_MSECOND; };
  if (set.start == live_only) session.start = -1000;
  if (set.start >= 0) session.start = to_ms(set.start);
  if (set.duration >= 0) session.duration = to_ms(set.duration);
  if (set.buffer_time != defaults.buffer_time) session.buffer_ms = set.buffer_time;
  settings.idle_timeout = std::chrono::seconds(set.idle_timeout);
}

bool ClientSrcProperties::lost_is_error() const { return values().no_eof_is_error; }

// --- the class ---

void ClientSrcProperties::install(GObjectClass* gobject_class) {
  const auto flags = [](guint more) {
    return static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | more);
  };
  /**
   * GstRtmpClientSrc:idle-timeout:
   *
   * Seconds without anything from the server after which the stream is at its end (EOS), 0 for
   * never. The connection is not made again then.
   */
  g_object_class_install_property(
      gobject_class, idle_timeout,
      g_param_spec_uint("idle-timeout", "Idle timeout",
                        "Seconds without anything from the server that end the stream (0 = never)",
                        0, G_MAXUINT, defaults.idle_timeout, flags(GST_PARAM_MUTABLE_READY)));
  /**
   * GstRtmpClientSrc:no-eof-is-error:
   *
   * Whether a connection that is lost before the server said that the stream is over is an error,
   * where it is not made again (#GstRtmpClientSrc:auto-reconnect). Otherwise it is EOS.
   */
  g_object_class_install_property(
      gobject_class, no_eof_is_error,
      g_param_spec_boolean("no-eof-is-error", "No EOF is error",
                           "Whether losing the connection is an error instead of EOS",
                           defaults.no_eof_is_error, flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSrc:start:
   *
   * Where to begin, in nanoseconds into a recorded stream; -1 for a live stream only, -2 for the
   * live stream of that name or else the recorded one.
   */
  g_object_class_install_property(
      gobject_class, start,
      g_param_spec_int64("start", "Start",
                         "Where to begin in a recorded stream, in ns (-1 = live only, -2 = live or "
                         "else recorded)",
                         live_or_recorded, G_MAXINT64, defaults.start,
                         flags(GST_PARAM_MUTABLE_READY)));
  /**
   * GstRtmpClientSrc:duration:
   *
   * How much to play, in nanoseconds; -1 for all.
   */
  g_object_class_install_property(
      gobject_class, duration,
      g_param_spec_int64("duration", "Duration", "How much to play, in ns (-1 = to the end)", -1,
                         G_MAXINT64, defaults.duration, flags(GST_PARAM_MUTABLE_READY)));
  /**
   * GstRtmpClientSrc:buffer-time:
   *
   * What the server is told of our buffer (SetBufferLength), in milliseconds: how far it may send a
   * recorded stream ahead.
   */
  g_object_class_install_property(
      gobject_class, buffer_time,
      g_param_spec_uint("buffer-time", "Buffer time",
                        "Buffer that the server is told of, in ms: how far it may send ahead", 0,
                        G_MAXUINT, defaults.buffer_time, flags(GST_PARAM_MUTABLE_READY)));
  /**
   * GstRtmpClientSrc:stats:
   *
   * A structure, kept after the connection's end: `in-chunk-size`, `out-chunk-size`,
   * `in-window-ack-size`, `out-window-ack-size`, `retransmits` (uint), `in-bytes-total`,
   * `out-bytes-total`, `in-bytes-acked`, `out-bytes-acked`, `unsent-bytes`, `queued-messages`,
   * `queued-bytes`, `queued-time` (ns), `dropped-messages`, `round-trip-time` (ns, TCP's estimate)
   * (uint64), and `peer` (string): all of the last connection. Of all since the start:
   * `reconnects` (uint), `frames-lost` and `bytes-lost` while downstream took nothing, and
   * `time-lost` (ns without a connection) (uint64).
   */
  g_object_class_install_property(
      gobject_class, stats,
      g_param_spec_boxed("stats", "Statistics", "Statistics of the connection and its queue",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}
