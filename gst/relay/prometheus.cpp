// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/prometheus.h"

#include <charconv>
#include <initializer_list>

#include "relay/text.h"

namespace relay {
namespace {

using Label = std::pair<std::string_view, std::string>;
using Labels = std::vector<Label>;

std::string to_text(double value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}
std::string to_text(std::uint64_t value) { return std::to_string(value); }

double seconds(rtmp::Duration time) { return std::chrono::duration<double>(time).count(); }

std::string in_braces(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += text.empty() ? "{" : ",";
    text += std::string(name) + "=\"" + label_escaped(value) + '"';
  }
  return text.empty() ? text : text + '}';
}

// One metric after the other, the series of each together, as the format wants it.
class Writer {
 public:
  Writer& metric(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += "# HELP " + name_ + ' ' + std::string(help) + '\n';
    text_ += "# TYPE " + name_ + ' ' + std::string(type) + '\n';
    return *this;
  }
  template <typename Value>
  Writer& series(Value value, const Labels& labels = {}, std::string_view suffix = {}) {
    text_ += name_ + std::string(suffix) + in_braces(labels) + ' ' + to_text(value) + '\n';
    return *this;
  }
  Writer& counter(std::string_view name, std::string_view help) {
    return metric(name, "counter", help);
  }
  Writer& gauge(std::string_view name, std::string_view help) {
    return metric(name, "gauge", help);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_, text_;
};

void write_totals(Writer& to, const ServerStats& stats) {
  to.gauge("rtmp_uptime_seconds", "Time since the server started.").series(seconds(stats.uptime));
  to.counter("rtmp_connections_accepted_total", "Connections that were accepted.")
      .series(stats.connections_accepted);
  to.counter("rtmp_connections_refused_total", "Connections that were closed at once.")
      .series(stats.connections_refused);
  to.counter("rtmp_received_bytes_total", "Bytes from clients.").series(stats.bytes_in);
  to.counter("rtmp_sent_bytes_total", "Bytes to clients.").series(stats.bytes_out);
  to.counter("rtmp_dropped_frames_total", "Frames that slow players lost.")
      .series(stats.frames_dropped);
  to.gauge("rtmp_memory_bytes", "Memory that frames and unfinished messages take.")
      .series(std::uint64_t{stats.memory});
  to.gauge("rtmp_gop_memory_bytes", "Memory of frames that are kept for late players.")
      .series(std::uint64_t{stats.gop_memory});
}

void write_clients(Writer& to, const ServerStats& stats) {
  const std::size_t others = stats.clients - stats.publishers - stats.players;
  to.gauge("rtmp_clients", "Clients by what they do.")
      .series(std::uint64_t{stats.publishers}, {{"state", "publishing"}})
      .series(std::uint64_t{stats.players}, {{"state", "playing"}})
      .series(std::uint64_t{others}, {{"state", "other"}});
}

void write_limits(Writer& to, const ServerStats& stats) {
  to.counter("rtmp_limits_exceeded_total", "How often somebody went over a limit.");
  for (std::size_t i = 0; i < stats.limits.size(); ++i)
    to.series(stats.limits[i], {{"limit", std::string(to_name(static_cast<Limit>(i)))}});
}

void write_delays(Writer& to, const Delays& delays) {
  to.metric("rtmp_frame_delay_seconds", "histogram",
            "Time from a frame's arrival to its writing to a player.");
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < delays.counts.size(); ++i) {
    const bool last = i == delays.bounds_ms.size();
    count += delays.counts[i];
    to.series(count, {{"le", last ? "+Inf" : to_text(delays.bounds_ms[i] / 1000.0)}}, "_bucket");
  }
  to.series(static_cast<double>(delays.sum_us) / 1e6, {}, "_sum").series(count, {}, "_count");
}

// --- streams

using Streams = std::vector<std::pair<std::string, StreamStats>>;

// Players who ask for whatever comes to their minds make no series.
Streams known(const Streams& streams) {
  Streams known;
  for (const auto& entry : streams)
    if (entry.second.published || entry.second.frames > 0) known.push_back(entry);
  return known;
}

template <typename Figure>
void write_each(Writer& to, const Streams& streams, Figure figure) {
  for (const auto& [name, stats] : streams) to.series(figure(stats), {{"stream", name}});
}

void write_streams(Writer& to, const Streams& streams) {
  const auto gauge = [&](std::string_view name, std::string_view help, auto figure) {
    write_each(to.gauge(name, help), streams, figure);
  };
  const auto counter = [&](std::string_view name, std::string_view help, auto figure) {
    write_each(to.counter(name, help), streams, figure);
  };
  gauge("rtmp_stream_published", "Whether somebody publishes the stream.",
        [](const StreamStats& s) { return std::uint64_t{s.published}; });
  gauge("rtmp_stream_uptime_seconds", "Time since its publisher came.",
        [](const StreamStats& s) { return seconds(s.uptime); });
  gauge("rtmp_stream_players", "Players of the stream.",
        [](const StreamStats& s) { return std::uint64_t{s.players}; });
  counter("rtmp_stream_received_bytes_total", "Bytes of media and data from its publishers.",
          [](const StreamStats& s) { return s.bytes; });
  counter("rtmp_stream_sent_bytes_total", "Bytes of media and data to its players.",
          [](const StreamStats& s) { return s.bytes_out; });
  gauge("rtmp_stream_width_pixels", "Width of its picture.",
        [](const StreamStats& s) { return std::uint64_t{s.video.width}; });
  gauge("rtmp_stream_height_pixels", "Height of its picture.",
        [](const StreamStats& s) { return std::uint64_t{s.video.height}; });
  gauge("rtmp_stream_frame_rate", "Pictures a second, as announced or else as they come.",
        [](const StreamStats& s) { return s.video.frame_rate; });
  gauge("rtmp_stream_gop_bytes", "Bytes that are kept for late players.",
        [](const StreamStats& s) { return std::uint64_t{s.gop_bytes}; });
}

// By kind of media.
void write_media(Writer& to, const Streams& streams) {
  to.counter("rtmp_stream_received_frames_total", "Messages of sound and pictures.");
  for (const auto& [name, stats] : streams)
    to.series(stats.audio_frames, {{"stream", name}, {"media", "audio"}})
        .series(stats.video_frames, {{"stream", name}, {"media", "video"}});
  to.counter("rtmp_stream_received_media_bytes_total", "Bytes of sound and pictures.");
  for (const auto& [name, stats] : streams)
    to.series(stats.audio_bytes, {{"stream", name}, {"media", "audio"}})
        .series(stats.video_bytes, {{"stream", name}, {"media", "video"}});
  to.gauge("rtmp_stream_info", "What the stream consists of; always 1.");
  for (const auto& [name, stats] : streams)
    to.series(std::uint64_t{1}, {{"stream", name},
                                 {"video_codec", codec_name(stats.video.codec)},
                                 {"audio_codec", codec_name(stats.audio.codec)}});
}

}  // namespace

std::string prometheus_text(const ServerStats& stats) {
  Writer to;
  write_totals(to, stats);
  write_clients(to, stats);
  write_limits(to, stats);
  write_delays(to, stats.delays);
  const Streams streams = known(stats.streams);
  write_streams(to, streams);
  write_media(to, streams);
  return to.take();
}

}  // namespace relay
