// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/srs_api.h"

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>

#include "relay/text.h"

namespace relay {
namespace {

namespace json = boost::json;
using rtmp::media::Codec;

constexpr char vhost[] = "__defaultVhost__";

json::object begin_answer(const SrsIdentity& identity, int code = 0) {
  return {{"code", code},
          {"server", identity.server},
          {"service", identity.service},
          {"pid", std::to_string(::getpid())}};
}

std::string finish(const json::object& answer) { return json::serialize(answer) + '\n'; }

template <typename Duration>
std::int64_t ms_of(Duration time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

// SRS looks 30 seconds back, we less.
json::object kbps(double in, double out) {
  return {{"recv_30s", std::llround(in / 1000)}, {"send_30s", std::llround(out / 1000)}};
}

std::string name_of(Codec codec) { return codec == Codec::h265 ? "HEVC" : codec_name(codec); }

json::value video_of(const StreamStats& stream) {
  const auto& video = stream.video;
  if (video.codec == Codec::unknown) return nullptr;
  std::array<char, 16> level;
  std::snprintf(level.data(), level.size(), "%.3g", video.level);
  return json::object{{"codec", name_of(video.codec)},
                      {"profile", video.profile},
                      {"level", level.data()},
                      {"width", video.width},
                      {"height", video.height}};
}

json::value audio_of(const StreamStats& stream) {
  const auto& audio = stream.audio;
  if (audio.codec == Codec::unknown) return nullptr;
  return json::object{{"codec", name_of(audio.codec)},
                      {"sample_rate", audio.sample_rate},
                      {"channel", audio.channels},
                      {"profile", audio.profile}};
}

bool publishes(const ClientStats& client) { return client.state == "publishing"; }

// Who publishes the stream; null: nobody that is a client.
const ClientStats* publisher_of(const ServerStats& stats, const std::string& name) {
  const auto found = std::ranges::find_if(stats.client_list, [&](const ClientStats& client) {
    return publishes(client) && client.stream == name;
  });
  return found == stats.client_list.end() ? nullptr : &*found;
}

json::object to_json(const ServerStats& stats, const std::string& name, const StreamStats& stream) {
  const ClientStats* publisher = publisher_of(stats, name);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {{"id", srs_stream_id(name)},
          {"name", relay::name_of(name)},
          {"vhost", vhost},
          {"app", app_of(name)},
          {"tcUrl", publisher ? publisher->tc_url : ""},
          {"url", "/" + name},
          {"live_ms", ms_of(now)},
          {"clients", stream.players + (publisher ? 1 : 0)},
          {"frames", stream.video_frames},
          {"send_bytes", stream.bytes_out},
          {"recv_bytes", stream.bytes},
          {"kbps", kbps(stream.bit_rate_in, stream.bit_rate_out)},
          {"publish",
           {{"active", stream.published}, {"cid", publisher ? std::to_string(publisher->id) : ""}}},
          {"video", video_of(stream)},
          {"audio", audio_of(stream)}};
}

const char* type_of(const ClientStats& client) {
  if (publishes(client)) return "fmle-publish";
  return client.state == "playing" ? "rtmp-play" : "unknown";
}

json::object to_json(const ClientStats& client) {
  const bool has_stream = !client.stream.empty();
  return {{"id", std::to_string(client.id)},
          {"vhost", vhost},
          {"stream", has_stream ? srs_stream_id(client.stream) : ""},
          {"ip", host_of(client.address)},
          {"pageUrl", client.page_url},
          {"swfUrl", client.swf_url},
          {"tcUrl", client.tc_url},
          {"url", "/" + (has_stream ? client.stream : client.app)},
          {"name", relay::name_of(client.stream)},
          {"type", type_of(client)},
          {"publish", publishes(client)},
          {"alive", std::chrono::duration<double>(client.connected_for).count()},
          {"send_bytes", client.bytes_out},
          {"recv_bytes", client.bytes_in},
          {"kbps", kbps(client.bit_rate_in, client.bit_rate_out)}};
}

template <typename Items>
auto on_page(const Items& items, SrsPage page) {
  const std::size_t start = std::min(page.start, items.size());
  return std::span(items).subspan(start, std::min(page.count, items.size() - start));
}

}  // namespace

std::string srs_streams(const ServerStats& stats, const SrsIdentity& identity, SrsPage page) {
  json::array streams;
  for (const auto& [name, stream] : on_page(stats.streams, page))
    streams.push_back(to_json(stats, name, stream));
  json::object answer = begin_answer(identity);
  answer["streams"] = std::move(streams);
  return finish(answer);
}

std::string srs_clients(const ServerStats& stats, const SrsIdentity& identity, SrsPage page) {
  json::array clients;
  for (const ClientStats& client : on_page(stats.client_list, page))
    clients.push_back(to_json(client));
  json::object answer = begin_answer(identity);
  answer["clients"] = std::move(clients);
  return finish(answer);
}

std::string srs_stream(const ServerStats& stats, const SrsIdentity& identity,
                       const std::string& name) {
  json::object answer = begin_answer(identity);
  for (const auto& [known, stream] : stats.streams)
    if (known == name) answer["stream"] = to_json(stats, name, stream);
  return finish(answer);
}

std::string srs_client(const ServerStats& stats, const SrsIdentity& identity, std::uint64_t id) {
  json::object answer = begin_answer(identity);
  for (const ClientStats& client : stats.client_list)
    if (client.id == id) answer["client"] = to_json(client);
  return finish(answer);
}

std::string srs_result(int code, const SrsIdentity& identity, const std::string& message) {
  json::object answer = begin_answer(identity, code);
  if (!message.empty()) answer["message"] = message;
  return finish(answer);
}

// FNV-1a.
std::string srs_stream_id(const std::string& name) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::array<char, 24> text;
  std::snprintf(text.data(), text.size(), "vid-%016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

std::optional<std::string> srs_find_stream(const ServerStats& stats, const std::string& id) {
  for (const auto& [name, stream] : stats.streams)
    if (name == id || srs_stream_id(name) == id) return name;
  return std::nullopt;
}

}  // namespace relay
