// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/client_sink_properties.h"

#include <algorithm>

namespace {

using Leaky = ClientSinkProperties::Leaky;

enum StopCommand : guint { FC_UNPUBLISH = 1, CLOSE_STREAM = 2, DELETE_STREAM = 4 };

constexpr const char* publish_types[] = {"live", "record", "append"};
constexpr guint kbps_to_bytes = 125;

// Congestion begins here, or with a third of the queue's limits if that is less.
constexpr std::int64_t congestion_ms = 700;

// The peer is given that long to take what is left at EOS, as long as it does take something.
constexpr rtmp::Duration drain_timeout = std::chrono::seconds(30);

/**
 * GstRtmpClientStopCommands:
 * @none: no command
 * @fcunpublish: FCUnpublish
 * @closestream: closeStream
 * @deletestream: deleteStream
 *
 * Which commands end a stream.
 */
GType stop_commands_type() {
  static const GFlagsValue values[] = {
      {0, "No command", "none"},
      {FC_UNPUBLISH, "FCUnpublish", "fcunpublish"},
      {CLOSE_STREAM, "closeStream", "closestream"},
      {DELETE_STREAM, "deleteStream", "deletestream"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_flags_register_static("GstRtmpClientStopCommands", values);
  return type;
}

/**
 * GstRtmpClientLeaky:
 * @no: upstream waits
 * @frames: frames are lost: disposable ones, then inter frames up to the next key frame, audio last
 *
 * What happens when the queue is full.
 */
GType leaky_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(Leaky::no), "Upstream waits", "no"},
      {static_cast<gint>(Leaky::frames),
       "Lose disposable frames, then inter frames up to the next key frame, audio last", "frames"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstRtmpClientLeaky", values);
  return type;
}

/**
 * GstRtmpClientPublishType:
 * @live: the server keeps nothing
 * @record: the server records, from the beginning
 * @append: the server records behind what it has
 *
 * What the server is asked to do with the stream.
 */
GType publish_type_type() {
  static const GEnumValue values[] = {
      {0, "The server keeps nothing", "live"},
      {1, "The server records, from the beginning", "record"},
      {2, "The server records behind what it has", "append"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstRtmpClientPublishType", values);
  return type;
}

}  // namespace

const ClientSinkProperties::Values ClientSinkProperties::defaults = {
    .chunk_size = 60'000,
    .peak_kbps = 0,
    .stop_commands = FC_UNPUBLISH | DELETE_STREAM,
    .max_queue_time = 3 * GST_SECOND,
    .max_queue_bytes = 8 * 1024 * 1024,
    .leaky = static_cast<gint>(Leaky::no),
    .publish_type = 0,
};

bool ClientSinkProperties::set(guint id, const GValue* value) {
  const std::lock_guard lock(mutex_);
  switch (id) {
    case chunk_size:
      values_.chunk_size = g_value_get_uint(value);
      return true;
    case peak_kbps:
      values_.peak_kbps = g_value_get_uint(value);
      return true;
    case stop_commands:
      values_.stop_commands = g_value_get_flags(value);
      return true;
    case max_queue_time:
      values_.max_queue_time = g_value_get_uint64(value);
      return true;
    case max_queue_bytes:
      values_.max_queue_bytes = g_value_get_uint64(value);
      return true;
    case leaky:
      values_.leaky = g_value_get_enum(value);
      return true;
    case publish_type:
      values_.publish_type = g_value_get_enum(value);
      return true;
    default:
      return false;
  }
}

bool ClientSinkProperties::get(guint id, GValue* value) const {
  const std::lock_guard lock(mutex_);
  switch (id) {
    case chunk_size:
      g_value_set_uint(value, values_.chunk_size);
      return true;
    case peak_kbps:
      g_value_set_uint(value, values_.peak_kbps);
      return true;
    case stop_commands:
      g_value_set_flags(value, values_.stop_commands);
      return true;
    case max_queue_time:
      g_value_set_uint64(value, values_.max_queue_time);
      return true;
    case max_queue_bytes:
      g_value_set_uint64(value, values_.max_queue_bytes);
      return true;
    case leaky:
      g_value_set_enum(value, values_.leaky);
      return true;
    case publish_type:
      g_value_set_enum(value, values_.publish_type);
      return true;
    default:
      return false;
  }
}

// --- what they mean ---

void ClientSinkProperties::add_to(net::Client::Settings& settings) const {
  const Values set = values();
  settings.session.chunk_size = set.chunk_size;
  settings.session.publish_type = publish_types[set.publish_type];
  settings.pacing_bytes_per_second = std::uint64_t{set.peak_kbps} * kbps_to_bytes;
  settings.drain_timeout = drain_timeout;
}

rtmp::ClientSession::StopCommands ClientSinkProperties::wanted_stop_commands() const {
  const guint commands = values().stop_commands;
  return {(commands & FC_UNPUBLISH) != 0, (commands & CLOSE_STREAM) != 0,
          (commands & DELETE_STREAM) != 0};
}

net::MessageQueue::Limits ClientSinkProperties::queue_limits() const {
  const Values set = values();
  const guint64 ms = std::min<guint64>(set.max_queue_time / GST_MSECOND, G_MAXINT64);
  return {static_cast<std::size_t>(set.max_queue_bytes),
          ms == 0 ? G_MAXINT64 : static_cast<std::int64_t>(ms)};
}

Leaky ClientSinkProperties::wanted_leaky() const { return static_cast<Leaky>(values().leaky); }

CongestionMeter::Limits ClientSinkProperties::congestion_limits() const {
  const Values set = values();
  const guint64 third_ms = set.max_queue_time / GST_MSECOND / 3;
  const bool short_queue = third_ms > 0 && third_ms < guint64{congestion_ms};
  return {short_queue ? static_cast<std::int64_t>(third_ms) : congestion_ms,
          static_cast<std::size_t>(set.max_queue_bytes / 3)};
}

std::uint64_t ClientSinkProperties::pacing() const {
  return std::uint64_t{values().peak_kbps} * kbps_to_bytes;
}

// --- the class ---

void ClientSinkProperties::install(GObjectClass* gobject_class) {
  const auto flags = [](guint more) {
    return static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | more);
  };
  gst_type_mark_as_plugin_api(stop_commands_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(leaky_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(publish_type_type(), static_cast<GstPluginAPIFlags>(0));

  /**
   * GstRtmpClientSink:chunk-size:
   *
   * Bytes of payload in a chunk. RTMP's own 128 cost many times the processor time of chunks that
   * hold a whole frame; 60000 is what FFmpeg publishes with, so every server knows it.
   */
  g_object_class_install_property(
      gobject_class, chunk_size,
      g_param_spec_uint("chunk-size", "Chunk size", "Bytes of payload in a chunk", 1, G_MAXINT,
                        defaults.chunk_size, flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:peak-kbps:
   *
   * The speed at which the system sends at most, in kbit/s, 0 for as fast as it goes.
   */
  g_object_class_install_property(
      gobject_class, peak_kbps,
      g_param_spec_uint("peak-kbps", "Peak bitrate",
                        "Bitrate in kbit/s at which to send at most (0 = as fast as it goes)", 0,
                        G_MAXINT / kbps_to_bytes, defaults.peak_kbps,
                        flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:stop-commands:
   *
   * Which commands are sent at EOS, before the connection is closed.
   */
  g_object_class_install_property(
      gobject_class, stop_commands,
      g_param_spec_flags("stop-commands", "Stop commands",
                         "Commands to send at EOS, before the connection is closed",
                         stop_commands_type(), defaults.stop_commands,
                         flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:max-queue-time:
   *
   * How much stream may wait for the network, in nanoseconds of its timestamps, 0 for no limit.
   */
  g_object_class_install_property(
      gobject_class, max_queue_time,
      g_param_spec_uint64("max-queue-time", "Maximum queue time",
                          "Stream that may wait for the network, in ns (0 = no limit)", 0,
                          G_MAXUINT64, defaults.max_queue_time, flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:max-queue-bytes:
   *
   * How many bytes may wait for the network. A frame above the limit waits alone.
   */
  g_object_class_install_property(
      gobject_class, max_queue_bytes,
      g_param_spec_uint64("max-queue-bytes", "Maximum queue bytes",
                          "Bytes that may wait for the network", 1, G_MAXUINT64,
                          defaults.max_queue_bytes, flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:leaky:
   *
   * What happens when the queue is full.
   */
  g_object_class_install_property(
      gobject_class, leaky,
      g_param_spec_enum("leaky", "Leaky", "What happens when the queue is full", leaky_type(),
                        defaults.leaky, flags(GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstRtmpClientSink:publish-type:
   *
   * What the server is asked to do with the stream.
   */
  g_object_class_install_property(
      gobject_class, publish_type,
      g_param_spec_enum("publish-type", "Publish type",
                        "What the server is asked to do with the stream", publish_type_type(),
                        defaults.publish_type, flags(GST_PARAM_MUTABLE_READY)));
  /**
   * GstRtmpClientSink:stats:
   *
   * A structure, kept after the connection's end: `in-chunk-size`, `out-chunk-size`,
   * `in-window-ack-size`, `out-window-ack-size`, `retransmits` (uint), `in-bytes-total`,
   * `out-bytes-total`, `in-bytes-acked`, `out-bytes-acked`, `unsent-bytes`, `queued-messages`,
   * `queued-bytes`, `queued-time` (ns), `dropped-messages`, `round-trip-time` (ns, TCP's estimate)
   * (uint64), and `peer` (string): all of the last connection. Of all since the start:
   * `reconnects` (uint), and what did not reach a server, `frames-lost`, `bytes-lost` and
   * `time-lost` (ns without a connection) (uint64).
   */
  g_object_class_install_property(
      gobject_class, stats,
      g_param_spec_boxed("stats", "Statistics", "Statistics of the connection and its queue",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}
