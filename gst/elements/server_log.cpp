// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_log.h"

namespace server_log {
namespace {

using server_properties::changeable;

}  // namespace

void install(const std::function<void(GParamSpec*)>& add) {
  /**
   * GstRtmpServer:access-log:
   *
   * A file that gets a line for each client that has gone. Where it was renamed or removed the next
   * line begins a new one; #GstRtmpServer::reopen-log does so at once.
   */
  add(g_param_spec_string("access-log", "Access log",
                          "File that gets a line for each client that has gone (unset = none)",
                          nullptr, changeable));
  /**
   * GstRtmpServer:access-log-format:
   *
   * What such a line is: `json`, `combined`, which is nginx-rtmp's own, or text with nginx-rtmp's
   * variables: `$connection $remote_addr $app $name $args $flashver $swfurl $tcurl $pageurl
   * $command $bytes_sent $bytes_received $session_time $session_readable_time $msec $time_local`,
   * and
   * `$user $stream $frames_dropped $reason`. Values of queries and names of streams that are keys
   * are masked.
   */
  add(g_param_spec_string("access-log-format", "Form of the access log",
                          "json, combined, or text with variables such as $remote_addr", "json",
                          changeable));
}

bool has(std::string_view property) { return property.starts_with("access-log"); }

void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::function<void(const std::string&)> on_fault, std::string& fault) {
  const std::string path = values.text("access-log");
  const std::string form = values.text("access-log-format");
  auto format = relay::LogFormat::read(form.empty() ? "json" : form, fault);
  if (!format || (path.empty() && !settings.access_log)) return;
  auto log = settings.access_log;
  if (!log) log = std::make_shared<relay::AccessLog>(std::move(on_fault));
  fault = log->set(path, std::move(*format));
  if (fault.empty()) settings.access_log = std::move(log);
}

}  // namespace server_log
