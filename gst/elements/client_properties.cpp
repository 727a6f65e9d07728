// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/client_properties.h"

#include <algorithm>
#include <charconv>

#include "elements/client_property_defaults.h"
#include "elements/client_proxy.h"
#include "elements/swf_file.h"
#include "rtmp/enhanced.h"

namespace {

using rtmp::Scheme;
using rtmp::auth::Mode;

// What servers take for an encoder, and for a player.
constexpr auto encoder_version = "FMLE/3.0 (compatible; FMSc/1.0)";
constexpr auto player_version = "LNX 10,0,32,18";

// As SOCKS has it.
constexpr std::size_t longest_proxy_login = 255;

void set_text(GValue* value, const std::string& text) {
  g_value_set_string(value, text.empty() ? nullptr : text.c_str());
}

template <typename Number>
std::optional<Number> to_number(const std::string& text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

// Every codec goes through a client as it is.
void announce_enhanced(rtmp::amf::Object& object, bool publish, bool reconnect) {
  using Capabilities = rtmp::EnhancedCapabilities;
  Capabilities capabilities;
  capabilities.video =
      capabilities.audio = {{"*", publish ? Capabilities::can_encode : Capabilities::can_decode}};
  if (!publish) capabilities.four_cc_list = {"*"};
  capabilities.caps_ex =
      Capabilities::multitrack | Capabilities::mod_ex | Capabilities::timestamp_nano_offset;
  if (reconnect) capabilities.caps_ex |= Capabilities::reconnect;
  rtmp::write_enhanced_capabilities(capabilities, object);
}

}  // namespace

std::optional<std::string> why_not_spoken(Scheme scheme) {
  if (scheme == Scheme::rtmfp) return "The scheme rtmfp:// is not built yet: use rtmp://.";
  if (rtmp::uses_rtmpe(scheme) && !rtmp::rtmpe::available())
    return std::string(rtmp::rtmpe::missing).append(".");
  return std::nullopt;
}

rtmp::Duration patience(guint seconds) {
  // Long enough to be for ever, and short enough to be added to a time.
  constexpr rtmp::Duration for_ever = std::chrono::hours(24 * 365 * 10);
  return seconds == 0 ? for_ever
                      : std::min<rtmp::Duration>(std::chrono::seconds(seconds), for_ever);
}

ClientProperties::ClientProperties()
    : authmod_(client_defaults::authmod),
      timeout_(client_defaults::timeout),
      tls_validation_flags_(client_defaults::tls_validation_flags),
      async_connect_(client_defaults::async_connect),
      enhanced_(client_defaults::enhanced),
      auto_reconnect_(client_defaults::auto_reconnect),
      max_retries_(client_defaults::max_retries),
      retry_backoff_min_(client_defaults::retry_backoff_min),
      retry_backoff_max_(client_defaults::retry_backoff_max) {
  set_location(client_defaults::location);
}

std::string* ClientProperties::url_text(guint id) {
  switch (id) {
    case host:
      return &url_.host;
    case application:
      return &url_.app;
    case stream:
      return &url_.stream;
    case username:
      return &url_.user;
    case password:
      return &url_.password;
    default:
      return nullptr;
  }
}

ClientProperties::Text* ClientProperties::own_text(guint id) {
  switch (id) {
    case secure_token:
      return &secure_token_;
    case tls_ca_file:
      return &tls_ca_file_;
    case tls_certificate_file:
      return &tls_certificate_file_;
    case tls_key_file:
      return &tls_key_file_;
    case proxy_id:
      return &proxy_id_;
    case proxy_pw:
      return &proxy_pw_;
    case flash_version:
      return &flash_version_;
    case swf_url:
      return &swf_url_;
    case swf_file:
      return &swf_file_;
    case swf_hash:
      return &swf_hash_;
    case page_url:
      return &page_url_;
    case tc_url:
      return &tc_url_;
    case extra_connect_args:
      return &extra_connect_args_;
    default:
      return nullptr;
  }
}

bool ClientProperties::set(guint id, const GValue* value) {
  if (id == location) {
    const gchar* text = g_value_get_string(value);
    const auto fault = set_location(text ? text : "");
    const std::lock_guard lock(mutex_);
    location_fault_ = fault ? "The location cannot be used: " + fault->message + "." : "";
    return true;
  }
  const std::lock_guard lock(mutex_);
  if (id == proxy) {
    set_proxy(g_value_get_string(value));
  } else if (std::string* text = url_text(id)) {
    const gchar* given = g_value_get_string(value);
    *text = given ? given : "";
  } else if (Text* own = own_text(id)) {
    const gchar* given = g_value_get_string(value);
    *own = given ? Text(given) : Text();
  } else {
    return set_number(id, value);
  }
  return true;
}

bool ClientProperties::set_number(guint id, const GValue* value) {
  switch (id) {
    case scheme:
      url_.scheme = static_cast<Scheme>(g_value_get_enum(value));
      return true;
    case port:
      url_.port = static_cast<std::uint16_t>(g_value_get_int(value));
      return true;
    case authmod:
      authmod_ = g_value_get_enum(value);
      return true;
    case timeout:
      timeout_ = g_value_get_uint(value);
      return true;
    case swf_size:
      swf_size_ = g_value_get_uint(value);
      return true;
    case tls_validation_flags:
      tls_validation_flags_ = static_cast<GTlsCertificateFlags>(g_value_get_flags(value));
      return true;
    case async_connect:
      async_connect_ = g_value_get_boolean(value);
      return true;
    case enhanced:
      enhanced_ = g_value_get_boolean(value);
      return true;
    case auto_reconnect:
      auto_reconnect_ = g_value_get_boolean(value);
      return true;
    case max_retries:
      max_retries_ = g_value_get_int(value);
      return true;
    case retry_backoff_min:
      retry_backoff_min_ = g_value_get_uint64(value);
      return true;
    case retry_backoff_max:
      retry_backoff_max_ = g_value_get_uint64(value);
      return true;
    default:
      return false;
  }
}

bool ClientProperties::get(guint id, GValue* value) const {
  if (id == location) {
    g_value_set_string(value, get_location().c_str());
    return true;
  }
  auto* self = const_cast<ClientProperties*>(this);  // for the tables of members, only to read
  const std::lock_guard lock(mutex_);
  if (id == proxy) {
    const auto* known = proxy_ ? std::get_if<std::optional<net::Proxy>>(&*proxy_) : nullptr;
    set_text(value, known ? net::write_proxy(*known) : "");
  } else if (const std::string* text = self->url_text(id)) {
    set_text(value, *text);
  } else if (const Text* own = self->own_text(id)) {
    g_value_set_string(value, *own ? (*own)->c_str() : nullptr);
  } else {
    return get_number(id, value);
  }
  return true;
}

bool ClientProperties::get_number(guint id, GValue* value) const {
  switch (id) {
    case scheme:
      g_value_set_enum(value, static_cast<gint>(url_.scheme));
      return true;
    case port:
      g_value_set_int(value, url_.port);
      return true;
    case authmod:
      g_value_set_enum(value, authmod_);
      return true;
    case timeout:
      g_value_set_uint(value, timeout_);
      return true;
    case swf_size:
      g_value_set_uint(value, swf_size_);
      return true;
    case tls_validation_flags:
      g_value_set_flags(value, tls_validation_flags_);
      return true;
    case async_connect:
      g_value_set_boolean(value, async_connect_);
      return true;
    case enhanced:
      g_value_set_boolean(value, enhanced_);
      return true;
    case auto_reconnect:
      g_value_set_boolean(value, auto_reconnect_);
      return true;
    case max_retries:
      g_value_set_int(value, max_retries_);
      return true;
    case retry_backoff_min:
      g_value_set_uint64(value, retry_backoff_min_);
      return true;
    case retry_backoff_max:
      g_value_set_uint64(value, retry_backoff_max_);
      return true;
    default:
      return false;
  }
}

// User and password that were set before stay, unless the proxy has its own.
void ClientProperties::set_proxy(const gchar* text) {
  proxy_.reset();
  if (!text) return;
  proxy_ = net::read_proxy(text);
  auto* known = std::get_if<std::optional<net::Proxy>>(&*proxy_);
  if (!known || !*known || (*known)->user.empty()) return;
  proxy_id_ = std::exchange((*known)->user, {});
  proxy_pw_ = std::exchange((*known)->password, {});
}

// Credentials that were set before stay, unless the location has its own.
std::optional<rtmp::UrlError> ClientProperties::set_location(std::string_view text) {
  auto parsed = rtmp::parse_url(text);
  if (auto* error = std::get_if<rtmp::UrlError>(&parsed)) return *error;
  auto& url = std::get<rtmp::Url>(parsed);
  const std::lock_guard lock(mutex_);
  if (url.user.empty()) {
    url.user = url_.user;
    url.password = url_.password;
  }
  url_ = std::move(url);
  location_fault_.clear();
  return std::nullopt;
}

std::string ClientProperties::get_location() const {
  const std::lock_guard lock(mutex_);
  rtmp::Url shown = url_;
  shown.user.clear();
  shown.password.clear();
  return rtmp::write_url(shown);
}

net::ReconnectPolicy::Settings ClientProperties::reconnect() const {
  const std::lock_guard lock(mutex_);
  return reconnect_settings();
}

net::ReconnectPolicy::Settings ClientProperties::reconnect_settings() const {
  // An hour is as good as any longer time, and can be doubled.
  constexpr guint64 longest = 3600 * GST_SECOND;
  const auto to_duration = [=](guint64 ns) {
    return rtmp::Duration(std::chrono::nanoseconds(std::min(ns, longest)));
  };
  return {auto_reconnect_, max_retries_, to_duration(retry_backoff_min_),
          to_duration(retry_backoff_max_)};
}

bool ClientProperties::connects_at_start() const {
  const std::lock_guard lock(mutex_);
  return async_connect_;
}

// --- what they mean ---

std::variant<net::Client::Settings, std::string> ClientProperties::settings(Purpose purpose) const {
  const std::lock_guard lock(mutex_);
  if (auto sentence = fault()) return std::move(*sentence);
  net::Client::Settings settings;
  add_connection(settings);
  add_proxy(settings);
  add_session(settings.session, purpose);
  if (auto sentence = add_connect_arguments(settings.session)) return std::move(*sentence);
  if (auto sentence = add_swf(settings)) return std::move(*sentence);
  return settings;
}

std::optional<std::string> ClientProperties::fault() const {
  if (!location_fault_.empty()) return location_fault_;
  if (auto sentence = why_not_spoken(url_.scheme)) return sentence;
  if (proxy_ && std::holds_alternative<std::string>(*proxy_)) return std::get<std::string>(*proxy_);
  if (std::max(proxy_id_.value_or("").size(), proxy_pw_.value_or("").size()) > longest_proxy_login)
    return "proxy-id and proxy-pw take 255 bytes each.";
  if (url_.host.empty()) return "No host is set: give a location or a host.";
  return std::nullopt;
}

std::string ClientProperties::word(const char* name) const {
  const auto found = url_.words.find(name);
  return found == url_.words.end() ? std::string() : found->second;
}

std::string ClientProperties::text_or_word(const Text& text, const char* name) const {
  return text ? *text : word(name);
}

void ClientProperties::add_connection(net::Client::Settings& settings) const {
  const rtmp::Duration limit = patience(to_number<guint>(word("timeout")).value_or(timeout_));
  settings.host = url_.host;
  settings.port = url_.port;
  settings.tls = rtmp::uses_tls(url_.scheme);
  settings.tunnel = rtmp::uses_tunnel(url_.scheme);
  settings.tls_settings.host = url_.host;
  settings.tls_settings.checks = tls_validation_flags_;
  settings.tls_settings.ca_file = tls_ca_file_.value_or("");
  settings.tls_settings.certificate_file = tls_certificate_file_.value_or("");
  settings.tls_settings.key_file = tls_key_file_.value_or("");
  settings.connect_timeout = limit;
  settings.connection.handshake_timeout = limit;
  if (rtmp::uses_rtmpe(url_.scheme))
    settings.connection.handshake = rtmp::ClientHandshake::Kind::encrypted;
  settings.session.command_timeout = limit;
  settings.write_timeout = limit;
  settings.reconnect = reconnect_settings();
}

void ClientProperties::add_proxy(net::Client::Settings& settings) const {
  if (!proxy_) {
    settings.find_proxy = client_proxy::of_system(proxy_id_.value_or(""), proxy_pw_.value_or(""));
    return;
  }
  settings.proxy = std::get<std::optional<net::Proxy>>(*proxy_);
  if (!settings.proxy) return;
  settings.proxy->user = proxy_id_.value_or("");
  settings.proxy->password = proxy_pw_.value_or("");
}

void ClientProperties::add_session(rtmp::ClientSession::Settings& session, Purpose purpose) const {
  const bool publish = purpose == Purpose::publish;
  const std::string version = text_or_word(flash_version_, "flashver");
  session.purpose = purpose;
  session.app = url_.app;
  session.stream = url_.stream;
  session.tc_url = tc_url_.value_or(url_.tc_url());
  session.flash_version = flash_version_ || !version.empty() ? version
                          : publish                          ? encoder_version
                                                             : player_version;
  session.swf_url = text_or_word(swf_url_, "swfurl");
  session.page_url = text_or_word(page_url_, "pageurl");
  session.auth_mode = static_cast<Mode>(authmod_);
  session.credentials = {url_.user, url_.password};
  session.secure_token = text_or_word(secure_token_, "token");
  if (enhanced_) announce_enhanced(session.connect_properties, publish, auto_reconnect_);
  if (!publish) add_playback_words(session);
}

// The proof is keyed with S1 as servers make it who answer a digest. librtmp's word swfVfy has it
// fetch the file from swfUrl, or from the address that stands there itself.
std::optional<std::string> ClientProperties::add_swf(net::Client::Settings& settings) const {
  swf_file::Source source{swf_file_.value_or(""), swf_hash_.value_or(""), swf_size_};
  const std::string verify = word("swfvfy");
  const bool known = !source.file.empty() || !source.hash.empty() || source.size > 0;
  if (!verify.empty() && verify != "0") {
    const std::string address = verify == "1" ? settings.session.swf_url : verify;
    if (settings.session.swf_url.empty()) settings.session.swf_url = address;
    if (!known && !swf_file::find_local(address, source.file))
      return "swfVfy does not fetch '" + address +
             "': save it and set swf-file, or set swf-hash and swf-size.";
  }
  std::string fault;
  settings.session.swf = swf_file::describe(source, fault);
  if (!fault.empty()) return fault + ".";
  using Kind = rtmp::ClientHandshake::Kind;
  if (settings.session.swf && settings.connection.handshake == Kind::simple)
    settings.connection.handshake = Kind::digest;
  settings.connection.keep_swf_key = settings.session.swf.has_value();
  return std::nullopt;
}

// librtmp's words for playing: start and stop are milliseconds into the stream.
void ClientProperties::add_playback_words(rtmp::ClientSession::Settings& session) const {
  const auto start = to_number<double>(word("start"));
  const auto stop = to_number<double>(word("stop"));
  if (word("live") == "1")
    session.start = -1000;
  else if (start)
    session.start = *start;
  if (stop) session.duration = std::max(0.0, *stop - start.value_or(0));
  if (const auto buffer = to_number<std::uint32_t>(word("buffer"))) session.buffer_ms = *buffer;
  session.subscribe = word("subscribe");
}

std::optional<std::string> ClientProperties::add_connect_arguments(
    rtmp::ClientSession::Settings& session) const {
  std::vector<std::string> items = url_.conn;
  if (extra_connect_args_ && !extra_connect_args_->empty()) {
    // The same words as behind a location, so the same reader.
    const auto words = rtmp::parse_url("rtmp://host/app " + *extra_connect_args_);
    const auto* parsed = std::get_if<rtmp::Url>(&words);
    if (!parsed || !parsed->words.empty())
      return "extra-connect-args takes conn=... words: " +
             (parsed ? "another word is among them" : std::get<rtmp::UrlError>(words).message) +
             ".";
    items.insert(items.end(), parsed->conn.begin(), parsed->conn.end());
  }
  auto arguments = rtmp::parse_connect_arguments(items);
  if (const auto* error = std::get_if<rtmp::UrlError>(&arguments))
    return "The connect arguments cannot be used: " + error->message + ".";
  session.connect_arguments = std::get<std::vector<rtmp::amf::Value>>(std::move(arguments));
  return std::nullopt;
}
