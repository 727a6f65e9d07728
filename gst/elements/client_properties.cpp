// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/client_properties.h"
#include "rtmp/enhanced.h"

#include <charconv>

namespace {

using rtmp::Scheme;
using rtmp::auth::Mode;

constexpr auto default_location = "rtmp://localhost/live/myStream";
constexpr guint default_timeout = 5;
constexpr auto default_authmod = static_cast<gint>(Mode::automatic);
constexpr auto default_tls_validation_flags = G_TLS_CERTIFICATE_VALIDATE_ALL;
constexpr gboolean default_async_connect = TRUE;
constexpr gboolean default_enhanced = TRUE;

// What servers take for an encoder, and for a player.
constexpr auto encoder_version = "FMLE/3.0 (compatible; FMSc/1.0)";
constexpr auto player_version = "LNX 10,0,32,18";

/**
 * GstRtmpClientScheme:
 * @rtmp: plain RTMP
 * @rtmps: RTMP over TLS
 * @rtmpe: RTMP with its own encryption (not spoken yet)
 * @rtmpt: RTMP in HTTP (not spoken yet)
 * @rtmpte: encrypted RTMP in HTTP (not spoken yet)
 * @rtmpts: RTMP in HTTPS (not spoken yet)
 * @rtmfp: RTMFP (not spoken yet)
 *
 * How a server is spoken to.
 */
GType scheme_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(Scheme::rtmp), "Plain RTMP", "rtmp"},
      {static_cast<gint>(Scheme::rtmps), "RTMP over TLS", "rtmps"},
      {static_cast<gint>(Scheme::rtmpe), "RTMP with its own encryption (not spoken yet)", "rtmpe"},
      {static_cast<gint>(Scheme::rtmpt), "RTMP in HTTP (not spoken yet)", "rtmpt"},
      {static_cast<gint>(Scheme::rtmpte), "Encrypted RTMP in HTTP (not spoken yet)", "rtmpte"},
      {static_cast<gint>(Scheme::rtmpts), "RTMP in HTTPS (not spoken yet)", "rtmpts"},
      {static_cast<gint>(Scheme::rtmfp), "RTMFP (not spoken yet)", "rtmfp"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstRtmpClientScheme", values);
  return type;
}

/**
 * GstRtmpClientAuthmod:
 * @none: never authenticate
 * @auto: as the server asks
 * @adobe: Adobe's scheme only
 * @llnw: Limelight's scheme only
 *
 * How user name and password are proven to a server that asks for them in connect.
 */
GType authmod_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(Mode::none), "Never authenticate", "none"},
      {static_cast<gint>(Mode::automatic), "As the server asks", "auto"},
      {static_cast<gint>(Mode::adobe), "Adobe's scheme only", "adobe"},
      {static_cast<gint>(Mode::llnw), "Limelight's scheme only", "llnw"},
      {0, nullptr, nullptr},
  };
  static const GType type = g_enum_register_static("GstRtmpClientAuthmod", values);
  return type;
}

const auto settable =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

void install_text(GObjectClass* gobject_class, guint id, const char* name, const char* nick,
                  const char* blurb, const char* initial = nullptr) {
  g_object_class_install_property(gobject_class, id,
                                  g_param_spec_string(name, nick, blurb, initial, settable));
}

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
void announce_enhanced(rtmp::amf::Object& object, bool publish) {
  using Capabilities = rtmp::EnhancedCapabilities;
  Capabilities capabilities;
  capabilities.video =
      capabilities.audio = {{"*", publish ? Capabilities::can_encode : Capabilities::can_decode}};
  if (!publish) capabilities.four_cc_list = {"*"};
  capabilities.caps_ex =
      Capabilities::multitrack | Capabilities::mod_ex | Capabilities::timestamp_nano_offset;
  rtmp::write_enhanced_capabilities(capabilities, object);
}

}  // namespace

std::optional<std::string> why_not_spoken(Scheme scheme) {
  if (scheme == Scheme::rtmp || scheme == Scheme::rtmps) return std::nullopt;
  return "The scheme " + std::string(rtmp::to_string(scheme)) +
         ":// is not built yet: use rtmp:// or rtmps://.";
}

rtmp::Duration patience(guint seconds) {
  // Long enough to be for ever, and short enough to be added to a time.
  constexpr rtmp::Duration for_ever = std::chrono::hours(24 * 365 * 10);
  return seconds == 0 ? for_ever
                      : std::min<rtmp::Duration>(std::chrono::seconds(seconds), for_ever);
}

ClientProperties::ClientProperties()
    : authmod_(default_authmod),
      timeout_(default_timeout),
      tls_validation_flags_(default_tls_validation_flags),
      async_connect_(default_async_connect),
      enhanced_(default_enhanced) {
  set_location(default_location);
}

// --- the class ---

void ClientProperties::install(GObjectClass* gobject_class) {
  gst_type_mark_as_plugin_api(scheme_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(authmod_type(), static_cast<GstPluginAPIFlags>(0));

  /**
   * GstRtmpClientSink:location:
   *
   * `SCHEME://[user:password@]host[:port]/app[/instance]/stream[?query]`, and after a space
   * librtmp's words such as `live=1 playpath=cam`. Setting it sets #GstRtmpClientSink:scheme,
   * #GstRtmpClientSink:host, #GstRtmpClientSink:port, #GstRtmpClientSink:application,
   * #GstRtmpClientSink:stream and, where it names them, user and password. Reading it shows no
   * password. (This and what follows holds for #GstRtmpClientSrc as well.)
   */
  install_text(gobject_class, location, "location", "Location",
               "Location of the stream: SCHEME://[user:password@]host[:port]/app/stream",
               default_location);
  /**
   * GstRtmpClientSink:scheme:
   *
   * How the server is spoken to. Only `rtmp` and `rtmps` can be used so far.
   */
  g_object_class_install_property(
      gobject_class, scheme,
      g_param_spec_enum("scheme", "Scheme", "How the server is spoken to", scheme_type(),
                        static_cast<gint>(Scheme::rtmp), settable));
  /**
   * GstRtmpClientSink:host:
   *
   * The server's name or address, IPv6 addresses without brackets.
   */
  install_text(gobject_class, host, "host", "Host", "Name or address of the server", "localhost");
  /**
   * GstRtmpClientSink:port:
   *
   * The server's TCP port.
   */
  g_object_class_install_property(
      gobject_class, port,
      g_param_spec_int("port", "Port", "TCP port of the server", 1, 65535, 1935, settable));
  /**
   * GstRtmpClientSink:application:
   *
   * The application on the server, with its instance if there is one: `live` or `live/instance`.
   */
  install_text(gobject_class, application, "application", "Application",
               "Application on the server, with its instance", "live");
  /**
   * GstRtmpClientSink:stream:
   *
   * The stream's name, with its query: `cam?token=...`.
   */
  install_text(gobject_class, stream, "stream", "Stream", "Name of the stream, with its query",
               "myStream");
  /**
   * GstRtmpClientSink:username:
   *
   * The user for a server that asks for one in connect (authmod).
   */
  install_text(gobject_class, username, "username", "User name",
               "User name, for a server that asks for it");
  /**
   * GstRtmpClientSink:password:
   *
   * The user's password.
   */
  install_text(gobject_class, password, "password", "Password",
               "Password, for a server that asks for it");
  /**
   * GstRtmpClientSink:authmod:
   *
   * How the password is proven.
   */
  g_object_class_install_property(
      gobject_class, authmod,
      g_param_spec_enum("authmod", "Authentication mode", "How the password is proven",
                        authmod_type(), default_authmod, settable));
  /**
   * GstRtmpClientSink:secure-token:
   *
   * The secret shared with a server that asks for a `secureToken` (Wowza).
   */
  install_text(gobject_class, secure_token, "secure-token", "Secure token",
               "Secret shared with a server that asks for a secureToken");
  /**
   * GstRtmpClientSink:timeout:
   *
   * How long each step may take, in seconds, 0 for ever: the TCP connection, the handshake, the
   * answer to each command, and while publishing how long the server may take nothing.
   */
  g_object_class_install_property(
      gobject_class, timeout,
      g_param_spec_uint("timeout", "Timeout",
                        "Seconds that connection, handshake, each command's answer and each write "
                        "may take (0 = for ever)",
                        0, G_MAXUINT, default_timeout, settable));
  /**
   * GstRtmpClientSink:tls-validation-flags:
   *
   * What is checked of the certificate of an rtmps server.
   */
  g_object_class_install_property(
      gobject_class, tls_validation_flags,
      g_param_spec_flags("tls-validation-flags", "TLS validation flags",
                         "What is checked of the server's certificate",
                         G_TYPE_TLS_CERTIFICATE_FLAGS, default_tls_validation_flags, settable));
  /**
   * GstRtmpClientSink:tls-ca-file:
   *
   * A PEM file with the authorities that may vouch for the server. Unset: the system's.
   */
  install_text(gobject_class, tls_ca_file, "tls-ca-file", "TLS authorities",
               "PEM file with the certificate authorities to trust (unset = the system's)");
  /**
   * GstRtmpClientSink:tls-certificate-file:
   *
   * A PEM file with the certificate, and its chain, that is shown to the server.
   */
  install_text(gobject_class, tls_certificate_file, "tls-certificate-file", "TLS certificate",
               "PEM file with the certificate to show to the server");
  /**
   * GstRtmpClientSink:tls-key-file:
   *
   * A PEM file with the key of that certificate. Unset: it is in the same file.
   */
  install_text(gobject_class, tls_key_file, "tls-key-file", "TLS key",
               "PEM file with the key of tls-certificate-file (unset = in the same file)");
  /**
   * GstRtmpClientSink:flash-version:
   *
   * What the client says it is. Unset, the sink says `FMLE/3.0 (compatible; FMSc/1.0)`, as some
   * servers let only encoders publish, and the source `LNX 10,0,32,18`. Empty: nothing is said.
   */
  install_text(gobject_class, flash_version, "flash-version", "Flash version",
               "What the client says it is (unset = what suits most servers, empty = nothing)");
  /**
   * GstRtmpClientSink:swf-url:
   *
   * The address of the player's file, for servers that ask (`swfUrl`).
   */
  install_text(gobject_class, swf_url, "swf-url", "SWF URL", "Address of the player's file");
  /**
   * GstRtmpClientSink:page-url:
   *
   * The address of the page around the player, for servers that ask (`pageUrl`).
   */
  install_text(gobject_class, page_url, "page-url", "Page URL",
               "Address of the page around the player");
  /**
   * GstRtmpClientSink:tc-url:
   *
   * The location of the application as connect says it (`tcUrl`). Unset: made of the location.
   */
  install_text(gobject_class, tc_url, "tc-url", "Target URL",
               "Location of the application as connect says it (unset = made of the location)");
  /**
   * GstRtmpClientSink:extra-connect-args:
   *
   * Arguments behind connect's object in librtmp's words: `conn=B:1 conn=S:text conn=N:1.5
   * conn=Z:`, objects as `conn=O:1 conn=NS:name:text conn=O:0`.
   */
  install_text(gobject_class, extra_connect_args, "extra-connect-args", "Extra connect arguments",
               "Arguments to append to the connect command, as librtmp's conn=... words");
  /**
   * GstRtmpClientSink:async-connect:
   *
   * Connect when going to PAUSED; otherwise with the first buffer. Neither waits for the server.
   */
  g_object_class_install_property(
      gobject_class, async_connect,
      g_param_spec_boolean("async-connect", "Async connect",
                           "Connect when going to PAUSED, otherwise with the first buffer",
                           default_async_connect, settable));
  /**
   * GstRtmpClientSink:enhanced:
   *
   * Tell the server in connect that this client knows Enhanced RTMP. Some old servers refuse a
   * connect with keys that they do not know.
   */
  g_object_class_install_property(
      gobject_class, enhanced,
      g_param_spec_boolean("enhanced", "Enhanced RTMP",
                           "Announce Enhanced RTMP to the server; some old ones refuse that",
                           default_enhanced, settable));
}

// --- the instance ---

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
    case flash_version:
      return &flash_version_;
    case swf_url:
      return &swf_url_;
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
  if (std::string* text = url_text(id)) {
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
    case tls_validation_flags:
      tls_validation_flags_ = static_cast<GTlsCertificateFlags>(g_value_get_flags(value));
      return true;
    case async_connect:
      async_connect_ = g_value_get_boolean(value);
      return true;
    case enhanced:
      enhanced_ = g_value_get_boolean(value);
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
  if (const std::string* text = self->url_text(id)) {
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
    case tls_validation_flags:
      g_value_set_flags(value, tls_validation_flags_);
      return true;
    case async_connect:
      g_value_set_boolean(value, async_connect_);
      return true;
    case enhanced:
      g_value_set_boolean(value, enhanced_);
      return true;
    default:
      return false;
  }
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
  add_session(settings.session, purpose);
  if (auto sentence = add_connect_arguments(settings.session)) return std::move(*sentence);
  return settings;
}

std::optional<std::string> ClientProperties::fault() const {
  if (!location_fault_.empty()) return location_fault_;
  if (auto sentence = why_not_spoken(url_.scheme)) return sentence;
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
  settings.tls_settings.host = url_.host;
  settings.tls_settings.checks = tls_validation_flags_;
  settings.tls_settings.ca_file = tls_ca_file_.value_or("");
  settings.tls_settings.certificate_file = tls_certificate_file_.value_or("");
  settings.tls_settings.key_file = tls_key_file_.value_or("");
  settings.connect_timeout = limit;
  settings.connection.handshake_timeout = limit;
  settings.session.command_timeout = limit;
  settings.write_timeout = limit;
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
  if (enhanced_) announce_enhanced(session.connect_properties, publish);
  if (!publish) add_playback_words(session);
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

// --- locations from outside ---

namespace uri_handler {

const gchar* const* protocols(GType) {
  static const gchar* const names[] = {"rtmp",   "rtmps",  "rtmpe", "rtmpt",
                                       "rtmpte", "rtmpts", "rtmfp", nullptr};
  return names;
}

gboolean set(GstElement* element, ClientProperties& properties, const gchar* uri, GError** error) {
  if (GST_STATE(element) >= GST_STATE_PAUSED || GST_STATE_NEXT(element) >= GST_STATE_PAUSED) {
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
                "The location cannot change in PAUSED or PLAYING.");
    return FALSE;
  }
  const std::string_view text(uri);
  const auto scheme = rtmp::scheme_from(text.substr(0, text.find(':')));
  if (const auto sentence = scheme ? why_not_spoken(*scheme) : std::nullopt) {
    g_set_error_literal(error, GST_URI_ERROR, GST_URI_ERROR_UNSUPPORTED_PROTOCOL,
                        sentence->c_str());
    return FALSE;
  }
  if (const auto fault = properties.set_location(text)) {
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, "The location cannot be used: %s.",
                fault->message.c_str());
    return FALSE;
  }
  return TRUE;
}

}  // namespace uri_handler
