// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_stats.h"

#include <cmath>

#include "elements/server_routes.h"

namespace server_stats {
namespace {

using relay::ClientStats;
using relay::ServerStats;
using relay::StreamStats;

// Adds fields one by one, each by its type.
class Writer {
 public:
  explicit Writer(const char* name) : structure_(gst_structure_new_empty(name)) {}

  Writer& text(const char* name, std::string_view value) {
    const std::string copy(value);
    gst_structure_set(structure_, name, G_TYPE_STRING, copy.c_str(), nullptr);
    return *this;
  }
  Writer& flag(const char* name, bool value) {
    gst_structure_set(structure_, name, G_TYPE_BOOLEAN, gboolean{value}, nullptr);
    return *this;
  }
  Writer& number(const char* name, std::size_t value) {
    gst_structure_set(structure_, name, G_TYPE_UINT, static_cast<guint>(value), nullptr);
    return *this;
  }
  Writer& count(const char* name, std::uint64_t value) {
    gst_structure_set(structure_, name, G_TYPE_UINT64, guint64{value}, nullptr);
    return *this;
  }
  Writer& time(const char* name, rtmp::Duration value) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(value).count();
    return count(name, static_cast<std::uint64_t>(ns));
  }
  Writer& rate(const char* name, double bits_per_second) {
    return count(name, static_cast<std::uint64_t>(std::llround(bits_per_second)));
  }
  Writer& fraction(const char* name, double value) {
    gst_structure_set(structure_, name, G_TYPE_DOUBLE, value, nullptr);
    return *this;
  }
  Writer& structure(const char* name, GstStructure* value) {
    GValue holder = G_VALUE_INIT;
    g_value_init(&holder, GST_TYPE_STRUCTURE);
    g_value_take_boxed(&holder, value);
    gst_structure_take_value(structure_, name, &holder);
    return *this;
  }
  template <typename Items, typename Convert>
  Writer& list(const char* name, const Items& items, Convert convert) {
    GValue array = G_VALUE_INIT;
    g_value_init(&array, GST_TYPE_ARRAY);
    for (const auto& item : items) {
      GValue value = G_VALUE_INIT;
      g_value_init(&value, GST_TYPE_STRUCTURE);
      g_value_take_boxed(&value, convert(item));
      gst_value_array_append_and_take_value(&array, &value);
    }
    gst_structure_take_value(structure_, name, &array);
    return *this;
  }
  GstStructure* take() { return std::exchange(structure_, nullptr); }

 private:
  GstStructure* structure_;
};

// Empty for what is not there.
std::string_view name_of(rtmp::media::Codec codec) {
  return codec == rtmp::media::Codec::unknown ? std::string_view() : to_string(codec);
}

GstStructure* stream_structure(const std::pair<std::string, StreamStats>& entry) {
  const StreamStats& stats = entry.second;
  return Writer("rtmp-stream-stats")
      .text("name", entry.first)
      .flag("published", stats.published)
      .time("uptime", stats.uptime)
      .count("frames", stats.frames)
      .count("bytes", stats.bytes)
      .count("audio-frames", stats.audio_frames)
      .count("audio-bytes", stats.audio_bytes)
      .count("video-frames", stats.video_frames)
      .count("video-bytes", stats.video_bytes)
      .count("bytes-out", stats.bytes_out)
      .rate("bit-rate-in", stats.bit_rate_in)
      .rate("bit-rate-out", stats.bit_rate_out)
      .rate("audio-bit-rate", stats.audio_bit_rate)
      .rate("video-bit-rate", stats.video_bit_rate)
      .text("video-codec", name_of(stats.video.codec))
      .text("video-profile", stats.video.profile)
      .fraction("video-level", stats.video.level)
      .number("width", stats.video.width)
      .number("height", stats.video.height)
      .fraction("frame-rate", stats.video.frame_rate)
      .text("audio-codec", name_of(stats.audio.codec))
      .text("audio-profile", stats.audio.profile)
      .number("audio-rate", stats.audio.sample_rate)
      .number("audio-channels", stats.audio.channels)
      .number("players", stats.players)
      .number("gop-frames", stats.gop_frames)
      .count("gop-bytes", stats.gop_bytes)
      .take();
}

GstStructure* client_structure(const ClientStats& stats) {
  return Writer("rtmp-client-stats")
      .count("id", stats.id)
      .text("address", stats.address)
      .text("app", stats.app)
      .text("stream", stats.stream)
      .text("state", stats.state)
      .text("protocol", stats.protocol)
      .text("tc-url", stats.tc_url)
      .text("page-url", stats.page_url)
      .text("swf-url", stats.swf_url)
      .text("flash-version", stats.flash_version)
      .count("bytes-in", stats.bytes_in)
      .count("bytes-out", stats.bytes_out)
      .rate("bit-rate-in", stats.bit_rate_in)
      .rate("bit-rate-out", stats.bit_rate_out)
      .count("frames-dropped", stats.frames_dropped)
      .count("queue-bytes", stats.queue_bytes)
      .time("queue-time", stats.queue_time)
      .time("round-trip", std::chrono::microseconds(stats.tcp.round_trip_us))
      .number("retransmits", stats.tcp.retransmits)
      .time("ping-round-trip", stats.ping_round_trip.value_or(rtmp::Duration::zero()))
      .time("connected-for", stats.connected_for)
      .take();
}

GstStructure* route_structure(const relay::RouteStats& stats) {
  return server_routes::to_structure("rtmp-route-stats", stats);
}

GstStructure* limit_structure(const relay::LimitCounts::Array& counts) {
  Writer writer("rtmp-limit-stats");
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::string name(to_name(static_cast<relay::Limit>(i)));
    writer.count(name.c_str(), counts[i]);
  }
  return writer.take();
}

GstStructure* delay_structure(const relay::Delays& delays) {
  Writer writer("rtmp-delay-stats");
  for (std::size_t i = 0; i < delays.bounds_ms.size(); ++i) {
    const std::string name = "up-to-" + std::to_string(delays.bounds_ms[i]) + "ms";
    writer.count(name.c_str(), delays.counts[i]);
  }
  writer.count("more", delays.counts.back());
  writer.time("sum", std::chrono::microseconds(delays.sum_us));
  return writer.take();
}

}  // namespace

GParamSpec* make_property() {
  /**
   * GstRtmpServer:stats:
   *
   * What the server has done and does, as a #GstStructure `rtmp-server-stats`; docs/figures.md says
   * what each figure is. The server's own are `uptime`, the counters `connections-accepted`,
   * `connections-refused`, `log-lines-lost`, `bytes-in`, `bytes-out` and `frames-dropped`, the
   * bytes that `memory` and of it `gop-memory` hold now, `bit-rate-in` and `bit-rate-out` (all
   * #guint64), the numbers `clients`, `publishers` and `players` (#guint), and two structures of
   * counters: `limits`, how often somebody went over each limit (docs/limits.md), and `delays`, how
   * many frames were written how long after they had come. Arrays of structures are `streams`
   * (`name`, `published`, `uptime`, what came and went, what it looks and sounds like, `players`),
   * `client-list` (`id`, `address`, `app`, `stream`, `state`, what it said of itself, what came and
   * went, what waits, and how far away it is), and `forwards` and `pulls` (as the message
   * `rtmp-forward`). Times are in nanoseconds, bit rates in bits a second over some seconds. After
   * the end it says what was last true.
   */
  return g_param_spec_boxed(
      "stats", "Statistics", "What the server has done and does: totals, streams and clients",
      GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

GstStructure* to_structure(const ServerStats& stats) {
  return Writer("rtmp-server-stats")
      .time("uptime", stats.uptime)
      .count("connections-accepted", stats.connections_accepted)
      .count("connections-refused", stats.connections_refused)
      .count("log-lines-lost", stats.log_lines_lost)
      .count("bytes-in", stats.bytes_in)
      .count("bytes-out", stats.bytes_out)
      .rate("bit-rate-in", stats.bit_rate_in)
      .rate("bit-rate-out", stats.bit_rate_out)
      .count("frames-dropped", stats.frames_dropped)
      .count("memory", stats.memory)
      .count("gop-memory", stats.gop_memory)
      .number("clients", stats.clients)
      .number("publishers", stats.publishers)
      .number("players", stats.players)
      .structure("limits", limit_structure(stats.limits))
      .structure("delays", delay_structure(stats.delays))
      .list("streams", stats.streams, stream_structure)
      .list("client-list", stats.client_list, client_structure)
      .list("forwards", stats.forwards, route_structure)
      .list("pulls", stats.pulls, route_structure)
      .take();
}

}  // namespace server_stats
