// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/client_properties.h"
#include "elements/client_property_defaults.h"

namespace {

using rtmp::Scheme;
using rtmp::auth::Mode;

/**
 * GstRtmpClientScheme:
 * @rtmp: plain RTMP
 * @rtmps: RTMP over TLS
 * @rtmpe: RTMP with its own encryption, which does not protect
 * @rtmpt: RTMP in HTTP requests
 * @rtmpte: RTMP with its own encryption in HTTP requests
 * @rtmpts: RTMP in HTTP requests over TLS
 * @rtmfp: RTMFP (not spoken yet)
 *
 * How a server is spoken to.
 */
GType scheme_type() {
  static const GEnumValue values[] = {
      {static_cast<gint>(Scheme::rtmp), "Plain RTMP", "rtmp"},
      {static_cast<gint>(Scheme::rtmps), "RTMP over TLS", "rtmps"},
      {static_cast<gint>(Scheme::rtmpe), "RTMP with its own encryption, which does not protect",
       "rtmpe"},
      {static_cast<gint>(Scheme::rtmpt), "RTMP in HTTP requests", "rtmpt"},
      {static_cast<gint>(Scheme::rtmpte), "RTMP with its own encryption in HTTP requests",
       "rtmpte"},
      {static_cast<gint>(Scheme::rtmpts), "RTMP in HTTP requests over TLS", "rtmpts"},
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
const auto settable_while_playing = static_cast<GParamFlags>(
    G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);

void install_text(GObjectClass* gobject_class, guint id, const char* name, const char* nick,
                  const char* blurb, const char* initial = nullptr) {
  g_object_class_install_property(gobject_class, id,
                                  g_param_spec_string(name, nick, blurb, initial, settable));
}

}  // namespace

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
               client_defaults::location);
  /**
   * GstRtmpClientSink:scheme:
   *
   * How the server is spoken to. `rtmfp` cannot be used so far.
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
                        authmod_type(), client_defaults::authmod, settable));
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
                        0, G_MAXUINT, client_defaults::timeout, settable));
  /**
   * GstRtmpClientSink:tls-validation-flags:
   *
   * What is checked of the certificate of an rtmps server.
   */
  g_object_class_install_property(
      gobject_class, tls_validation_flags,
      g_param_spec_flags("tls-validation-flags", "TLS validation flags",
                         "What is checked of the server's certificate",
                         G_TYPE_TLS_CERTIFICATE_FLAGS, client_defaults::tls_validation_flags,
                         settable));
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
   * GstRtmpClientSink:proxy:
   *
   * The proxy that leads to the server: `socks5://[user:password@]host[:1080]`,
   * `http://[user:password@]host[:8080]`, or `direct://` for none. Unset: what the environment
   * (`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`) says, and where it names no proxy, what
   * the system says, by GIO. Reading it shows no user and no password.
   */
  install_text(gobject_class, proxy, "proxy", "Proxy",
               "Proxy that leads to the server: socks5://host:port, http://host:port, direct:// "
               "(unset = the system's)");
  /**
   * GstRtmpClientSink:proxy-id:
   *
   * The user for a proxy that wants one. One in #GstRtmpClientSink:proxy sets it.
   */
  install_text(gobject_class, proxy_id, "proxy-id", "Proxy user",
               "User name, for a proxy that asks for it");
  /**
   * GstRtmpClientSink:proxy-pw:
   *
   * The password of that user. It cannot be read.
   */
  g_object_class_install_property(
      gobject_class, proxy_pw,
      g_param_spec_string("proxy-pw", "Proxy password", "Password, for a proxy that asks for it",
                          nullptr,
                          static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS |
                                                   GST_PARAM_MUTABLE_READY)));
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
   * GstRtmpClientSink:swf-file:
   *
   * A .swf, compressed or not, of which a server may demand proof (SWF verification).
   */
  install_text(gobject_class, swf_file, "swf-file", "SWF file",
               "The player's file, of which a server may demand proof");
  /**
   * GstRtmpClientSink:swf-hash:
   *
   * Instead of #GstRtmpClientSink:swf-file: the HMAC-SHA256 of the uncompressed file by
   * `Genuine Adobe Flash Player 001`, in hexadecimal.
   */
  install_text(gobject_class, swf_hash, "swf-hash", "SWF hash",
               "HMAC-SHA256 of the uncompressed player's file in hexadecimal, instead of swf-file");
  /**
   * GstRtmpClientSink:swf-size:
   *
   * With #GstRtmpClientSink:swf-hash: the size of the uncompressed file, in bytes.
   */
  g_object_class_install_property(
      gobject_class, swf_size,
      g_param_spec_uint("swf-size", "SWF size",
                        "Size of the uncompressed player's file, in bytes, with swf-hash", 0,
                        G_MAXUINT, 0, settable));
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
                           client_defaults::async_connect, settable));
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
                           client_defaults::enhanced, settable));
  /**
   * GstRtmpClientSink:auto-reconnect:
   *
   * Whether a connection that is lost after the server had accepted the stream is made again, and
   * whether a server that asks us to go on elsewhere (NetConnection.Connect.ReconnectRequest of
   * Enhanced RTMP) is obeyed. The pipeline stays PLAYING meanwhile. A first connection that fails
   * is an error at once, and so is a refusal by the server at any time.
   */
  g_object_class_install_property(
      gobject_class, auto_reconnect,
      g_param_spec_boolean("auto-reconnect", "Auto reconnect",
                           "Connect again when the connection is lost after a first success",
                           client_defaults::auto_reconnect, settable_while_playing));
  /**
   * GstRtmpClientSink:max-retries:
   *
   * How many attempts in a row may fail before the last one's failure is an error; -1 for no end.
   * A stream that the server ends within two seconds counts as an attempt that failed.
   */
  g_object_class_install_property(
      gobject_class, max_retries,
      g_param_spec_int("max-retries", "Maximum retries",
                       "Attempts in a row to connect again (-1 = for ever)", -1, G_MAXINT,
                       client_defaults::max_retries, settable_while_playing));
  /**
   * GstRtmpClientSink:retry-backoff-min:
   *
   * How long to wait at least before another attempt, in nanoseconds. The delay doubles with each
   * attempt, up to #GstRtmpClientSink:retry-backoff-max; half of it is chance.
   */
  g_object_class_install_property(
      gobject_class, retry_backoff_min,
      g_param_spec_uint64("retry-backoff-min", "Minimum retry back-off",
                          "Shortest delay before an attempt to connect again, in ns", 0,
                          G_MAXUINT64, client_defaults::retry_backoff_min, settable_while_playing));
  /**
   * GstRtmpClientSink:retry-backoff-max:
   *
   * How long to wait at most before another attempt, in nanoseconds.
   */
  g_object_class_install_property(
      gobject_class, retry_backoff_max,
      g_param_spec_uint64("retry-backoff-max", "Maximum retry back-off",
                          "Longest delay before an attempt to connect again, in ns", 0, G_MAXUINT64,
                          client_defaults::retry_backoff_max, settable_while_playing));
}
