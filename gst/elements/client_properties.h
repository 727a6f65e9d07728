// The properties that rtmpclientsrc and rtmpclientsink share, and what they mean to a net::Client.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "net/client.h"
#include "rtmp/url.h"

// All calls from any thread.
class ClientProperties {
 public:
  using Purpose = rtmp::ClientSession::Purpose;

  // Property ids: an element's own begin at first_free_id.
  enum Id : guint {
    location = 1,
    scheme,
    host,
    port,
    application,
    stream,
    username,
    password,
    authmod,
    secure_token,
    timeout,
    tls_validation_flags,
    tls_ca_file,
    tls_certificate_file,
    tls_key_file,
    proxy,
    proxy_id,
    proxy_pw,
    flash_version,
    swf_url,
    swf_file,
    swf_hash,
    swf_size,
    page_url,
    tc_url,
    extra_connect_args,
    async_connect,
    enhanced,
    auto_reconnect,
    max_retries,
    retry_backoff_min,
    retry_backoff_max,
    first_free_id,
  };

  ClientProperties();

  // In class_init: all of the above, and the types that they use.
  static void install(GObjectClass* gobject_class);
  // False if the id is none of the above.
  bool set(guint id, const GValue* value);
  bool get(guint id, GValue* value) const;

  // Takes a location apart, or answers what is wrong with it and changes nothing.
  std::optional<rtmp::UrlError> set_location(std::string_view text);
  // Without user and password.
  std::string get_location() const;
  bool connects_at_start() const;
  // Whether a property says how a lost connection comes back: it may change at any time.
  static bool is_about_reconnecting(guint id) {
    return id >= auto_reconnect && id <= retry_backoff_max;
  }
  net::ReconnectPolicy::Settings reconnect() const;

  // What the properties add up to, or in a sentence why they do not.
  std::variant<net::Client::Settings, std::string> settings(Purpose purpose) const;

 private:
  using Text = std::optional<std::string>;

  bool set_number(guint id, const GValue* value);
  bool get_number(guint id, GValue* value) const;
  void set_proxy(const gchar* text);
  std::string* url_text(guint id);
  Text* own_text(guint id);
  std::optional<std::string> fault() const;
  std::string word(const char* name) const;
  std::string text_or_word(const Text& text, const char* name) const;
  std::optional<std::string> add_swf(net::Client::Settings& settings) const;
  std::optional<std::string> add_connect_arguments(rtmp::ClientSession::Settings& session) const;
  net::ReconnectPolicy::Settings reconnect_settings() const;
  void add_proxy(net::Client::Settings& settings) const;
  void add_connection(net::Client::Settings& settings) const;
  void add_session(rtmp::ClientSession::Settings& session, Purpose purpose) const;
  void add_playback_words(rtmp::ClientSession::Settings& session) const;

  mutable std::mutex mutex_;  // guards everything below
  rtmp::Url url_;
  std::string location_fault_;  // of the location that was set last, if it was refused
  gint authmod_;
  guint timeout_;
  GTlsCertificateFlags tls_validation_flags_;
  bool async_connect_;
  bool enhanced_;
  bool auto_reconnect_;
  gint max_retries_;
  guint64 retry_backoff_min_, retry_backoff_max_;
  guint swf_size_ = 0;
  std::optional<net::ProxyChoice> proxy_;  // without user and password
  Text secure_token_, tls_ca_file_, tls_certificate_file_, tls_key_file_, flash_version_, swf_url_,
      swf_file_, swf_hash_, page_url_, tc_url_, extra_connect_args_, proxy_id_, proxy_pw_;
};

// The text's own scheme is none that can be spoken yet: says so.
std::optional<std::string> why_not_spoken(rtmp::Scheme scheme);

// How long something may take by a property in seconds, of which 0 means for ever.
rtmp::Duration patience(guint seconds);
