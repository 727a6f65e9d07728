// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_hooks.h"

#include <algorithm>

namespace server_hooks {
namespace {

using relay::HookEvent;
using relay::Hooks;
using relay::HookStyle;

constexpr auto flags =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

constexpr guint64 longest = 24 * 3600 * GST_SECOND;
// Otherwise one that stands for all of them would be told twice that something has ended.
constexpr HookEvent only_if_named = HookEvent::done;

/**
 * GstRtmpServerHookStyle:
 * @nginx: forms, answered by the status, as nginx-rtmp sends them
 * @srs: JSON, answered by a code, as SRS sends it
 * @mediamtx: JSON, answered by the status, as MediaMTX sends it
 *
 * In which words a web service is asked.
 */
GType style_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(HookStyle::nginx), "Forms, as nginx-rtmp sends them", "nginx"},
      {static_cast<int>(HookStyle::srs), "JSON, as SRS sends it", "srs"},
      {static_cast<int>(HookStyle::mediamtx), "JSON, as MediaMTX sends it", "mediamtx"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstRtmpServerHookStyle", values);
  return type;
}

struct Named {
  HookEvent event;
  const char* property;
};

constexpr Named events[] = {
    {HookEvent::connect, "on-connect"},     {HookEvent::publish, "on-publish"},
    {HookEvent::play, "on-play"},           {HookEvent::publish_done, "on-publish-done"},
    {HookEvent::play_done, "on-play-done"}, {HookEvent::done, "on-done"},
    {HookEvent::update, "on-update"},       {HookEvent::disconnect, "on-disconnect"},
};

std::optional<net::HttpUrl> read_url(const server_properties::Values& values, const char* property,
                                     std::string& fault) {
  const std::string url = values.text(property);
  if (url.empty()) return std::nullopt;
  std::string why;
  const auto read = net::HttpUrl::read(url, why);
  if (!read) fault = std::string(property) + " cannot be used: " + why;
  return read;
}

void install_questions(const std::function<void(GParamSpec*)>& add) {
  /**
   * GstRtmpServer:on-connect:
   *
   * Who is asked whether a client may connect. Unset: #GstRtmpServer:hook-url.
   */
  add(g_param_spec_string("on-connect", "On connect",
                          "URL that is asked whether a client may connect", nullptr, flags));
  /**
   * GstRtmpServer:on-publish:
   *
   * Who is asked whether a client may publish, and under which name. Unset:
   * #GstRtmpServer:hook-url.
   */
  add(g_param_spec_string("on-publish", "On publish",
                          "URL that is asked whether a client may publish", nullptr, flags));
  /**
   * GstRtmpServer:on-play:
   *
   * Who is asked whether a client may play, and what. Unset: #GstRtmpServer:hook-url.
   */
  add(g_param_spec_string("on-play", "On play", "URL that is asked whether a client may play",
                          nullptr, flags));
  /**
   * GstRtmpServer:on-update:
   *
   * Who is asked every #GstRtmpServer:hook-update-interval whether a publish or a play may go on: a
   * status from 400 on ends the client. Unset: #GstRtmpServer:hook-url. With the style nginx only.
   */
  add(g_param_spec_string("on-update", "On update",
                          "URL that is asked now and then whether a publish or play may go on",
                          nullptr, flags));
}

void install_ends(const std::function<void(GParamSpec*)>& add) {
  /**
   * GstRtmpServer:on-publish-done:
   *
   * Who is told that a publish is over. Unset: #GstRtmpServer:hook-url.
   */
  add(g_param_spec_string("on-publish-done", "On publish done",
                          "URL that is told that a publish is over", nullptr, flags));
  /**
   * GstRtmpServer:on-play-done:
   *
   * Who is told that a play is over. Unset: #GstRtmpServer:hook-url.
   */
  add(g_param_spec_string("on-play-done", "On play done", "URL that is told that a play is over",
                          nullptr, flags));
  /**
   * GstRtmpServer:on-done:
   *
   * Who is told that a publish or a play is over, beside those above. With the style nginx only.
   */
  add(g_param_spec_string("on-done", "On done", "URL that is told that a publish or play is over",
                          nullptr, flags));
  /**
   * GstRtmpServer:on-disconnect:
   *
   * Who is told that a client has gone. Unset: #GstRtmpServer:hook-url.
   */
  add(g_param_spec_string("on-disconnect", "On disconnect",
                          "URL that is told that a client has gone", nullptr, flags));
}

}  // namespace

void install(const std::function<void(GParamSpec*)>& add) {
  gst_type_mark_as_plugin_api(style_type(), static_cast<GstPluginAPIFlags>(0));
  const Hooks::Settings defaults;
  /**
   * GstRtmpServer:hook-style:
   *
   * In which words a web service is asked and told, and how it answers.
   */
  add(g_param_spec_enum("hook-style", "Hook style", "In which words a web service is asked",
                        style_type(), static_cast<int>(defaults.style), flags));
  /**
   * GstRtmpServer:hook-url:
   *
   * A web service (http or https) that is asked what clients may do, after
   * #GstRtmpServer::authorize, and told what they have done; but for what has an URL of its own.
   * The client waits for the answer, and is refused if none comes.
   */
  add(g_param_spec_string("hook-url", "Hook URL",
                          "Web service that decides what clients may do and is told what they did",
                          nullptr, flags));
  install_questions(add);
  install_ends(add);
  /**
   * GstRtmpServer:hook-timeout:
   *
   * How long a web service may take to answer, in nanoseconds. A question is then answered with no.
   */
  add(g_param_spec_uint64("hook-timeout", "Hook timeout",
                          "Time that a web service may take to answer, in nanoseconds", GST_MSECOND,
                          longest, static_cast<guint64>(defaults.timeout.count()), flags));
  /**
   * GstRtmpServer:hook-update-interval:
   *
   * How often #GstRtmpServer:on-update is asked, in nanoseconds.
   */
  add(g_param_spec_uint64("hook-update-interval", "Hook update interval",
                          "How often on-update is asked, in nanoseconds", GST_MSECOND, longest,
                          static_cast<guint64>(defaults.update_interval.count()), flags));
  /**
   * GstRtmpServer:hook-ca-file:
   *
   * A PEM file with the authorities of https web services. Unset: the system's.
   */
  add(g_param_spec_string("hook-ca-file", "Hook authorities",
                          "PEM file with the authorities of https web services (unset = the "
                          "system's)",
                          nullptr, flags));
}

std::shared_ptr<Hooks> make(const server_properties::Values& values,
                            std::function<void(const std::string&)> on_fault, std::string& fault) {
  Hooks::Settings settings;
  const auto of_all = read_url(values, "hook-url", fault);
  for (const auto& [event, property] : events) {
    auto& url = settings.urls[static_cast<std::size_t>(event)];
    url = read_url(values, property, fault);
    if (!url && event != only_if_named) url = of_all;
  }
  if (!fault.empty()) return nullptr;
  const auto is_set = [](const auto& url) { return url.has_value(); };
  if (std::ranges::none_of(settings.urls, is_set)) return nullptr;
  settings.style = static_cast<HookStyle>(g_value_get_enum(values.find("hook-style")));
  settings.timeout = std::chrono::nanoseconds(g_value_get_uint64(values.find("hook-timeout")));
  settings.update_interval =
      std::chrono::nanoseconds(g_value_get_uint64(values.find("hook-update-interval")));
  settings.ca_file = values.text("hook-ca-file");
  if (!settings.ca_file.empty() && !net::TlsContext::client({.ca_file = settings.ca_file}, fault))
    return nullptr;
  settings.on_fault = std::move(on_fault);
  return std::make_shared<Hooks>(std::move(settings));
}

}  // namespace server_hooks
