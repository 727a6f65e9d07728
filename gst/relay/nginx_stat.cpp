// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/nginx_stat.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <map>

#include "relay/text.h"

namespace relay {
namespace {

// Elements in elements, one on a line.
class Writer {
 public:
  void open(std::string_view name) { text_ += '<' + std::string(name) + ">\n"; }
  void close(std::string_view name) { text_ += "</" + std::string(name) + ">\n"; }
  void text(std::string_view name, std::string_view value) {
    const std::string tag(name);
    text_ += '<' + tag + '>' + xml_escaped(value) + "</" + tag + ">\n";
  }
  void number(std::string_view name, std::int64_t value) { text(name, std::to_string(value)); }
  void count(std::string_view name, std::uint64_t value) { text(name, std::to_string(value)); }
  void rate(std::string_view name, double bits_per_second) {
    number(name, std::llround(bits_per_second));
  }
  void decimal(std::string_view name, double value, int digits) {
    std::array<char, 32> out;
    std::snprintf(out.data(), out.size(), "%.*f", digits, value);
    text(name, out.data());
  }
  void ms(std::string_view name, rtmp::Duration time) {
    number(name, std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  }
  // Those that say something by being there.
  void flag(std::string_view name, bool there) {
    if (there) text_ += '<' + std::string(name) + "/>\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_ = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n";
};

struct Entry {
  std::string name;
  const StreamStats* stats;
  std::vector<const ClientStats*> clients;
};
using Applications = std::map<std::string, std::vector<Entry>>;

Applications by_application(const ServerStats& stats) {
  std::map<std::string, std::vector<const ClientStats*>> clients;
  for (const ClientStats& client : stats.client_list)
    if (!client.stream.empty()) clients[client.stream].push_back(&client);
  Applications applications;
  for (const auto& [name, stream] : stats.streams)
    applications[app_of(name)].push_back({name_of(name), &stream, clients[name]});
  return applications;
}

void write_client(Writer& to, const ClientStats& client, const StreamStats& stream) {
  to.open("client");
  to.count("id", client.id);
  to.text("address", host_of(client.address));
  to.text("port", port_of(client.address));
  to.ms("time", client.connected_for);
  if (!client.flash_version.empty()) to.text("flashver", client.flash_version);
  if (!client.page_url.empty()) to.text("pageurl", client.page_url);
  if (!client.swf_url.empty()) to.text("swfurl", client.swf_url);
  to.count("bytes_in", client.bytes_in);
  to.count("bytes_out", client.bytes_out);
  to.count("dropped", client.frames_dropped);
  to.number("avsync", stream.last_video - stream.last_audio);
  to.number("timestamp", stream.last_timestamp);
  to.flag("publishing", client.state == "publishing");
  to.flag("active", stream.published);
  to.close("client");
}

void write_meta(Writer& to, const StreamStats& stream) {
  to.open("meta");
  if (const auto& video = stream.video; video.codec != rtmp::media::Codec::unknown) {
    to.open("video");
    to.count("width", video.width);
    to.count("height", video.height);
    to.decimal("frame_rate", video.frame_rate, 3);
    to.text("codec", codec_name(video.codec));
    if (!video.profile.empty()) to.text("profile", video.profile);
    if (video.codec == rtmp::media::Codec::h264) to.count("compat", video.compatibility);
    if (video.level > 0) to.decimal("level", video.level, 1);
    to.close("video");
  }
  if (const auto& audio = stream.audio; audio.codec != rtmp::media::Codec::unknown) {
    to.open("audio");
    to.text("codec", codec_name(audio.codec));
    if (!audio.profile.empty()) to.text("profile", audio.profile);
    if (audio.channels > 0) to.count("channels", audio.channels);
    if (audio.sample_rate > 0) to.count("sample_rate", audio.sample_rate);
    to.close("audio");
  }
  to.close("meta");
}

void write_stream(Writer& to, const Entry& entry) {
  const StreamStats& stream = *entry.stats;
  to.open("stream");
  to.text("name", entry.name);
  to.ms("time", stream.uptime);
  to.rate("bw_in", stream.bit_rate_in);
  to.count("bytes_in", stream.bytes);
  to.rate("bw_out", stream.bit_rate_out);
  to.count("bytes_out", stream.bytes_out);
  to.rate("bw_audio", stream.audio_bit_rate);
  to.rate("bw_video", stream.video_bit_rate);
  for (const ClientStats* client : entry.clients) write_client(to, *client, stream);
  if (stream.published) write_meta(to, stream);
  to.count("nclients", entry.clients.size());
  to.flag("publishing", stream.published);
  to.flag("active", stream.published);
  to.close("stream");
}

void write_application(Writer& to, const std::string& name, const std::vector<Entry>& streams) {
  std::size_t clients = 0;
  to.open("application");
  to.text("name", name);
  to.open("live");
  for (const Entry& entry : streams) {
    write_stream(to, entry);
    clients += entry.clients.size();
  }
  to.count("nclients", clients);
  to.close("live");
  to.close("application");
}

void write_totals(Writer& to, const ServerStats& stats) {
  to.text("nginx_version", "gst-plugins-rtmp");
  to.text("nginx_rtmp_version", "gst-plugins-rtmp");
  to.text("compiler", __VERSION__);
  to.text("built", "");
  to.number("pid", ::getpid());
  to.number("uptime", std::chrono::duration_cast<std::chrono::seconds>(stats.uptime).count());
  to.count("naccepted", stats.connections_accepted);
  to.rate("bw_in", stats.bit_rate_in);
  to.count("bytes_in", stats.bytes_in);
  to.rate("bw_out", stats.bit_rate_out);
  to.count("bytes_out", stats.bytes_out);
}

}  // namespace

std::string nginx_stat_xml(const ServerStats& stats) {
  Writer to;
  to.open("rtmp");
  write_totals(to, stats);
  to.open("server");
  for (const auto& [name, streams] : by_application(stats)) write_application(to, name, streams);
  to.close("server");
  to.close("rtmp");
  return to.take();
}

}  // namespace relay
