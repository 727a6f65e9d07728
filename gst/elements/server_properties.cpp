// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_properties.h"

#include <algorithm>
#include <limits>

#include "elements/server_access.h"
#include "elements/server_doors.h"
#include "elements/server_hooks.h"
#include "elements/server_http.h"
#include "elements/server_log.h"
#include "elements/server_login.h"
#include "elements/server_protocols.h"
#include "elements/server_routes.h"
#include "elements/server_stats.h"
#include "elements/server_swf.h"
#include "elements/server_tls.h"
#include "elements/server_token.h"

namespace server_properties {
namespace {

using Settings = relay::Server::Settings;
using relay::StartAt;
using Duplicate = relay::Stream::Duplicate;
using LegacyPlayers = relay::Server::Settings::LegacyPlayers;

constexpr auto fixed =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
constexpr auto read_only = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

/**
 * GstRtmpServerStartAt:
 * @gop: all frames since the last key frame, then what comes
 * @keyframe: the next key frame; audio at once
 * @live: whatever comes next
 * @catch-up: as @gop, but so that no delay stays: pictures get times that lead up to the present at
 *   once, and sound begins with what comes
 *
 * Where a player that comes in the middle of a stream begins.
 */
GType start_at_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(StartAt::gop), "All frames since the last key frame", "gop"},
      {static_cast<int>(StartAt::keyframe), "The next key frame", "keyframe"},
      {static_cast<int>(StartAt::live), "Whatever comes next", "live"},
      {static_cast<int>(StartAt::catch_up), "All pictures since the last key frame, at once",
       "catch-up"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstRtmpServerStartAt", values);
  return type;
}

/**
 * GstRtmpServerDuplicatePublish:
 * @reject: the second is refused
 * @takeover: the first is ended
 * @takeover-if-idle: the first is ended if nothing came from it for five seconds
 *
 * What happens to a second publisher of a name.
 */
GType duplicate_publish_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(Duplicate::reject), "The second publisher is refused", "reject"},
      {static_cast<int>(Duplicate::takeover), "The first publisher is ended", "takeover"},
      {static_cast<int>(Duplicate::takeover_if_idle),
       "The first publisher is ended if nothing came from it for five seconds", "takeover-if-idle"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstRtmpServerDuplicatePublish", values);
  return type;
}

/**
 * GstRtmpServerLegacyPlayers:
 * @convert: what has a legacy form, in it
 * @forward: everything as it is
 * @refuse: an error
 *
 * What players that did not announce Enhanced RTMP get of enhanced streams.
 */
GType legacy_players_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(LegacyPlayers::convert), "What has a legacy form, in it", "convert"},
      {static_cast<int>(LegacyPlayers::forward), "Everything as it is", "forward"},
      {static_cast<int>(LegacyPlayers::refuse), "An error", "refuse"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstRtmpServerLegacyPlayers", values);
  return type;
}

constexpr guint64 to_ns(rtmp::Duration duration) {
  return static_cast<guint64>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

// A deadline so far away is none, and adding it to now does not overflow.
constexpr auto practically_never = std::chrono::hours(24 * 365);
constexpr auto longest_latency = std::chrono::seconds(10);

rtmp::Duration to_timeout(guint64 ns) {
  if (ns == 0 || ns > to_ns(practically_never)) return practically_never;
  return std::chrono::nanoseconds(ns);
}

rtmp::Duration to_pause(guint64 ns) { return ns == 0 ? rtmp::Duration::zero() : to_timeout(ns); }

// In properties 0 is no limit; in the core the largest number is.
template <typename T>
T to_limit(guint64 value) {
  constexpr auto largest = static_cast<guint64>(std::numeric_limits<T>::max());
  return value == 0 ? std::numeric_limits<T>::max() : static_cast<T>(std::min(value, largest));
}

std::int64_t to_ms_limit(guint64 ns) {
  if (ns == 0) return to_limit<std::int64_t>(0);
  return static_cast<std::int64_t>(std::max<guint64>(1, ns / GST_MSECOND));
}

constexpr std::size_t hard_bytes_factor = 4;

std::size_t to_hard_limit(std::size_t bytes) {
  const std::size_t highest = std::numeric_limits<std::size_t>::max() / hard_bytes_factor;
  return std::min(bytes, highest) * hard_bytes_factor;
}

relay::FrameQueue::Limits to_queue_limits(guint64 bytes, guint64 ns) {
  relay::FrameQueue::Limits limits;
  limits.bytes = to_limit<std::size_t>(bytes);
  limits.hard_bytes = to_hard_limit(limits.bytes);
  limits.time = to_timeout(ns);
  limits.hard_time = limits.time / 3 * 10;
  return limits;
}

class Installer {
 public:
  explicit Installer(GObjectClass* klass) : klass_(klass) {}

  void add(GParamSpec* spec) { g_object_class_install_property(klass_, next_++, spec); }
  void add(guint id, GParamSpec* spec) { g_object_class_install_property(klass_, id, spec); }
  void number(const char* name, const char* nick, const char* blurb, guint low, guint high,
              guint value, GParamFlags flags = changeable) {
    add(g_param_spec_uint(name, nick, blurb, low, high, value, flags));
  }
  void big_number(const char* name, const char* nick, const char* blurb, guint64 value) {
    add(g_param_spec_uint64(name, nick, blurb, 0, G_MAXUINT64, value, changeable));
  }

 private:
  GObjectClass* klass_;
  guint next_ = first;
};

void install_place(Installer& to, const Settings& defaults) {
  /**
   * GstRtmpServer:address:
   *
   * The address to listen on. The default is reached from this machine only; `::` is every address
   * of the machine, IPv4 as well. `unix:/path` is a unix socket, whose file is there while the
   * server listens, and `unix:@name` one without a file; `systemd` are the sockets that systemd
   * opened for the process, `systemd:NAME` those of that name. Elements of one process with the
   * same address and port are the same server.
   */
  to.add(g_param_spec_string("address", "Address",
                             "Name or address to listen on: localhost is this machine alone, "
                             ":: every address, IPv4 as well; unix:/path is a unix socket, "
                             "systemd or systemd:NAME what systemd has opened",
                             defaults.address.c_str(), fixed));
  /**
   * GstRtmpServer:port:
   *
   * The TCP port to listen on. With 0 any free one is taken; #GstRtmpServer:current-port says
   * which.
   */
  to.number("port", "Port", "TCP port to listen on (0 = any free one)", 0, G_MAXUINT16,
            defaults.port, fixed);
  /**
   * GstRtmpServer:current-port:
   *
   * The TCP port that the server listens on, 0 while it does not. A notification tells changes.
   */
  to.add(current_port,
         g_param_spec_uint("current-port", "Current port",
                           "TCP port that the server listens on (0 = it does not listen)", 0,
                           G_MAXUINT16, 0, read_only));
}

void install_work(Installer& to, const Settings& defaults) {
  /**
   * GstRtmpServer:threads:
   *
   * How many threads serve connections. Each connection belongs to one of them.
   */
  to.number("threads", "Threads",
            "Number of threads that serve connections (0 = as many as there are cores)", 0, 256,
            defaults.threads, fixed);
  /**
   * GstRtmpServer:chunk-size:
   *
   * The size of the chunks that the server cuts messages into, in bytes.
   */
  to.number("chunk-size", "Chunk size", "Size of outgoing chunks, in bytes", 128, 0xFFFFFF,
            defaults.chunk_size, fixed);
  /**
   * GstRtmpServer:latency:
   *
   * How long a frame may wait to be written together with others, in nanoseconds. Waiting saves
   * work with many players.
   */
  to.add(g_param_spec_uint64("latency", "Latency",
                             "Time that a frame may wait to be written together with others, in "
                             "nanoseconds (0 = never)",
                             0, to_ns(longest_latency), to_ns(defaults.latency), fixed));
}

void install_late_players(Installer& to, const Settings& defaults) {
  /**
   * GstRtmpServer:gop-cache:
   *
   * Whether frames since the last key frame are kept, so that late players see a picture at once.
   */
  to.add(g_param_spec_boolean("gop-cache", "GOP cache",
                              "Keep the frames since the last key frame for late players",
                              defaults.gop_cache.enabled, changeable));
  /**
   * GstRtmpServer:gop-cache-max-time:
   *
   * The longest group of pictures that is kept, in nanoseconds; longer ones are not kept at all.
   */
  to.big_number("gop-cache-max-time", "GOP cache time",
                "Longest group of pictures to keep for late players, in nanoseconds "
                "(0 = no limit)",
                static_cast<guint64>(defaults.gop_cache.ms) * GST_MSECOND);
  /**
   * GstRtmpServer:gop-cache-max-bytes:
   *
   * The largest group of pictures that is kept for a stream, in bytes; larger ones are not kept at
   * all.
   */
  to.big_number("gop-cache-max-bytes", "GOP cache size",
                "Largest group of pictures to keep for late players, in bytes a stream "
                "(0 = no limit)",
                defaults.gop_cache.bytes);
  /**
   * GstRtmpServer:start-at:
   *
   * Where a player that comes in the middle of a stream begins.
   */
  to.add(g_param_spec_enum("start-at", "Start at",
                           "Where a player that comes in the middle of a stream begins",
                           start_at_type(), static_cast<int>(defaults.start_at), changeable));
}

void install_slow_players(Installer& to, const Settings& defaults) {
  /**
   * GstRtmpServer:max-queue-bytes:
   *
   * How much may wait for one slow player, in bytes. Above that it loses frames, above four times
   * that it is disconnected.
   */
  to.big_number("max-queue-bytes", "Queue size",
                "Bytes that may wait for one player before it loses frames; it is disconnected "
                "above four times that (0 = no limit)",
                defaults.player_queue.bytes);
  /**
   * GstRtmpServer:max-queue-time:
   *
   * How long a frame may wait for one slow player, in nanoseconds. Above that it loses frames,
   * above ten thirds of that it is disconnected.
   */
  to.big_number("max-queue-time", "Queue time",
                "Time that a frame may wait for one player before it loses frames, in "
                "nanoseconds; it is disconnected above ten thirds of that (0 = no limit)",
                to_ns(defaults.player_queue.time));
}

void install_limits(Installer& to, const Settings& defaults) {
  /**
   * GstRtmpServer:max-connections:
   *
   * How many connections the server holds at a time; more are closed at once.
   */
  to.number("max-connections", "Connections", "Largest number of connections at a time", 1,
            G_MAXUINT, static_cast<guint>(defaults.max_connections));
  /**
   * GstRtmpServer:max-players-per-stream:
   *
   * How many players one stream may have; more are refused.
   */
  to.number("max-players-per-stream", "Players per stream",
            "Largest number of players of one stream (0 = no limit)", 0, G_MAXUINT,
            static_cast<guint>(defaults.max_players_per_stream));
  /**
   * GstRtmpServer:max-connections-per-host:
   *
   * How many connections one address may have; more are closed at once.
   */
  to.number("max-connections-per-host", "Connections per host",
            "Largest number of connections from one address (0 = no limit)", 0, G_MAXUINT,
            static_cast<guint>(defaults.max_connections_per_host));
  /**
   * GstRtmpServer:max-memory:
   *
   * How much memory frames and unfinished messages of all clients together may take, in bytes. Half
   * of it may be kept for late players. Above it slow players lose what waits for them, nobody new
   * comes in, and who is in the middle of a large message is disconnected.
   */
  to.big_number("max-memory", "Memory",
                "Bytes that frames and unfinished messages of all clients together may take "
                "(0 = no limit)",
                defaults.max_memory);
  /**
   * GstRtmpServer:duplicate-publish:
   *
   * What happens to a second publisher of a name. With a takeover players go on: they see one
   * rising time line, and no end.
   */
  to.add(g_param_spec_enum(
      "duplicate-publish", "Duplicate publish", "What happens to a second publisher of a stream",
      duplicate_publish_type(), static_cast<int>(defaults.duplicate_publish), changeable));
  /**
   * GstRtmpServer:publisher-grace:
   *
   * How long players of a stream whose publisher went away, in whatever way, are not told so, in
   * nanoseconds. If a publisher of the name comes within that time they go on with its first key
   * frame, on one rising time line; else they get the end then. By default they get it at once, as
   * is expected where a publisher ends on purpose.
   */
  to.big_number("publisher-grace", "Publisher grace",
                "Time that players wait for a publisher that went away before they are told of the "
                "end, in nanoseconds",
                to_ns(defaults.publisher_grace));
  /**
   * GstRtmpServer:legacy-players:
   *
   * What players that did not announce Enhanced RTMP get of enhanced streams: H.264, AAC and MP3 of
   * track 0 have a legacy form.
   */
  to.add(g_param_spec_enum(
      "legacy-players", "Legacy players",
      "What players that did not announce Enhanced RTMP get of enhanced streams",
      legacy_players_type(), static_cast<int>(defaults.legacy_players), changeable));
}

void install_timeouts(Installer& to, const Settings& defaults) {
  /**
   * GstRtmpServer:handshake-timeout:
   *
   * How long a client may take for the handshake, in nanoseconds.
   */
  to.big_number("handshake-timeout", "Handshake timeout",
                "Time that a client may take for the handshake, in nanoseconds (0 = for ever)",
                to_ns(defaults.handshake_timeout));
  /**
   * GstRtmpServer:authorize-timeout:
   *
   * How long handlers of #GstRtmpServer::authorize may take, in nanoseconds, before the client is
   * refused.
   */
  to.big_number("authorize-timeout", "Authorize timeout",
                "Time that handlers of authorize may take before the client is refused, in "
                "nanoseconds (0 = for ever)",
                to_ns(defaults.decision_timeout));
  /**
   * GstRtmpServer:idle-timeout:
   *
   * How long a publisher may send no media, in nanoseconds, before it is disconnected and its
   * name is free again.
   */
  to.big_number("idle-timeout", "Idle timeout",
                "Time without media after which a publisher is disconnected, in nanoseconds "
                "(0 = never)",
                to_ns(defaults.publisher_timeout));
  /**
   * GstRtmpServer:ping-interval:
   *
   * After how much silence a client is pinged, in nanoseconds. One that does not answer within the
   * same time is disconnected.
   */
  to.big_number("ping-interval", "Ping interval",
                "Silence after which a client is pinged, in nanoseconds (0 = never)",
                to_ns(defaults.ping_interval));
}

}  // namespace

void install(GObjectClass* klass) {
  gst_type_mark_as_plugin_api(start_at_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(duplicate_publish_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(legacy_players_type(), static_cast<GstPluginAPIFlags>(0));
  const Settings defaults;
  Installer to(klass);
  install_place(to, defaults);
  install_work(to, defaults);
  install_late_players(to, defaults);
  install_slow_players(to, defaults);
  install_limits(to, defaults);
  install_timeouts(to, defaults);
  const auto add = [&to](GParamSpec* spec) { to.add(spec); };
  server_access::install(add);
  server_login::install(add);
  server_token::install(add);
  server_hooks::install(add);
  server_protocols::install(add);
  server_swf::install(add);
  server_doors::install(add);
  server_log::install(add);
  server_tls::install(add);
  server_routes::install(add);
  server_http::install(add);
  to.add(current_http_port, server_http::make_current_port());
  to.add(stats, server_stats::make_property());
}

// --- values

Values::Values(GObjectClass* klass) : klass_(klass), set_(gst_structure_new_empty("set")) {}

Values::Values(const Values& other)
    : klass_(other.klass_), set_(gst_structure_copy(other.set_.get())) {}

void Values::set(const GParamSpec* spec, const GValue* value) {
  gst_structure_set_value(set_.get(), spec->name, value);
}

void Values::take(const Values& other, const char* name) {
  if (other.is_set(name))
    gst_structure_set_value(set_.get(), name, other.find(name));
  else
    gst_structure_remove_field(set_.get(), name);
}

void Values::get(const GParamSpec* spec, GValue* value) const {
  g_value_copy(find(spec->name), value);
}

const GValue* Values::find(const char* name) const {
  if (is_set(name)) return gst_structure_get_value(set_.get(), name);
  return g_param_spec_get_default_value(g_object_class_find_property(klass_, name));
}

std::string Values::text(const char* name) const {
  const gchar* text = g_value_get_string(find(name));
  return text ? text : "";
}

// Address and port say which server it is.
std::vector<std::string> Values::names_set() const {
  std::vector<std::string> names;
  const int count = gst_structure_n_fields(set_.get());
  for (int i = 0; i < count; ++i) {
    const std::string name = gst_structure_nth_field_name(set_.get(), static_cast<guint>(i));
    if (name != "address" && name != "port") names.push_back(name);
  }
  return names;
}

void Values::merge(const Values& other) {
  for (const std::string& name : other.names_set())
    if (!is_set(name.c_str()))
      gst_structure_set_value(set_.get(), name.c_str(), other.find(name.c_str()));
}

bool Values::agrees(const Values& other, const char* name) const {
  GParamSpec* spec = g_object_class_find_property(klass_, name);
  return g_param_values_cmp(spec, find(name), other.find(name)) == 0;
}

std::string Values::to_text(const char* name) const {
  const std::string_view secrets[] = {"forward", "pull", "url-secret"};
  if (std::ranges::find(secrets, name) != std::end(secrets)) return "(hidden)";
  gchar* text = gst_value_serialize(find(name));
  const std::string copy = text ? text : "";
  g_free(text);
  return copy;
}

Place Values::place() const {
  const char* text = g_value_get_string(find("address"));
  const std::string address = text ? text : Settings().address;
  return {address,
          net::has_port(address) ? static_cast<std::uint16_t>(number("port")) : std::uint16_t{0}};
}

bool Place::is_certain() const { return port != 0 || !net::has_port(address); }

std::string Place::to_text() const {
  return net::has_port(address) ? address + ":" + std::to_string(port) : address;
}

void Values::add_to(Settings& settings) const {
  settings.address = place().address;
  settings.port = place().port;
  settings.threads = number("threads");
  settings.chunk_size = number("chunk-size");
  settings.latency = std::chrono::nanoseconds(big_number("latency"));
  settings.gop_cache.enabled = g_value_get_boolean(find("gop-cache"));
  settings.gop_cache.ms = to_ms_limit(big_number("gop-cache-max-time"));
  settings.gop_cache.bytes = to_limit<std::size_t>(big_number("gop-cache-max-bytes"));
  settings.start_at = static_cast<StartAt>(g_value_get_enum(find("start-at")));
  settings.player_queue =
      to_queue_limits(big_number("max-queue-bytes"), big_number("max-queue-time"));
  settings.max_connections = number("max-connections");
  settings.max_players_per_stream = number("max-players-per-stream");
  settings.max_connections_per_host = number("max-connections-per-host");
  settings.max_memory = to_limit<std::size_t>(big_number("max-memory"));
  settings.duplicate_publish = static_cast<Duplicate>(g_value_get_enum(find("duplicate-publish")));
  settings.publisher_grace = to_pause(big_number("publisher-grace"));
  settings.legacy_players = static_cast<LegacyPlayers>(g_value_get_enum(find("legacy-players")));
  settings.handshake_timeout = to_timeout(big_number("handshake-timeout"));
  settings.decision_timeout = to_timeout(big_number("authorize-timeout"));
  settings.publisher_timeout = to_timeout(big_number("idle-timeout"));
  settings.ping_interval = to_timeout(big_number("ping-interval"));
}

}  // namespace server_properties
