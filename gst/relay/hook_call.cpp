// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/hook_call.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "relay/admission.h"
#include "relay/routes.h"
#include "rtmp/crypto.h"
#include "rtmp/signed_query.h"
#include "rtmp/url.h"

namespace relay {
namespace {

namespace json = boost::json;
using Action = Request::Action;
using Answer = net::HttpClient::Answer;

constexpr std::string_view unreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

bool is_unreserved(char c) { return unreserved.find(c) != unreserved.npos; }

// "127.0.0.1:4711" and "[::1]:4711" without port and brackets.
std::string host_of(const std::string& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

// Of "app/stream", what is within the request's app; a name elsewhere stays whole.
std::string within_app(const Request& request, const std::string& name) {
  const std::string app = request.app + "/";
  return name.starts_with(app) ? name.substr(app.size()) : name;
}

std::string query_of(const Request& request) {
  const bool both = !request.query.empty() && !request.app_query.empty();
  return request.query + (both ? "&" : "") + request.app_query;
}

// --- forms

std::string encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(c))
      out += c;
    else
      (out += '%').append({digits[byte >> 4], digits[byte & 15]});
  }
  return out;
}

// A '%' that begins no escape stands for itself, and so does a '+', which is part of base64.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '%' && i + 2 < text.size()
                          ? rtmp::crypto::from_hex(text.substr(i + 1, 2))
                          : std::nullopt;
    out += byte ? static_cast<char>(byte->front()) : text[i];
    if (byte) i += 2;
  }
  return out;
}

class Form {
 public:
  void add(std::string_view name, std::string_view value) {
    if (!text_.empty()) text_ += '&';
    text_ += encoded(name) + '=' + encoded(value);
  }
  template <typename Number>
  void add_number(std::string_view name, Number value) {
    add(name, std::to_string(value));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// What a service reads as ours, whatever it thinks of case.
bool is_reserved(std::string name) {
  static constexpr std::array names = {"call",      "app",        "flashver", "swfurl", "tcurl",
                                       "pageurl",   "addr",       "clientid", "epoch",  "name",
                                       "type",      "start",      "duration", "reset",  "time",
                                       "timestamp", "remote_user"};
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  std::ranges::replace(name, '.', '_');  // as PHP does
  return std::ranges::count(names, name) > 0;
}

// A client's own arguments follow ours. Names with other characters are left out: frameworks read
// "name[]" or " name" as "name".
void add_arguments(Form& form, std::string_view query) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string name = decoded(pair.substr(0, equals));
    if (name.empty() || !std::ranges::all_of(name, is_unreserved) || is_reserved(name)) continue;
    form.add(name, decoded(pair.substr(std::min(equals + 1, pair.size()))));
  }
}

std::string nginx_call(HookEvent event, const Request& request) {
  switch (event) {
    case HookEvent::connect:
      return "connect";
    case HookEvent::publish:
      return "publish";
    case HookEvent::play:
      return "play";
    case HookEvent::publish_done:
      return "publish_done";
    case HookEvent::play_done:
      return "play_done";
    case HookEvent::done:
      return "done";
    case HookEvent::update:
      return request.action == Action::publish ? "update_publish" : "update_play";
    case HookEvent::disconnect:
      return "disconnect";
  }
  return {};
}

std::string write_form(HookEvent event, const HookDetails& details) {
  const Request& request = details.request;
  Form form;
  form.add("call", nginx_call(event, request));
  form.add("app", request.app);
  form.add("flashver", request.flash_version);
  form.add("swfurl", request.swf_url);
  form.add("tcurl", request.tc_url);
  form.add("pageurl", request.page_url);
  form.add("addr", host_of(request.address));
  form.add_number("clientid", request.client_id);
  if (!request.user.empty()) form.add("remote_user", request.user);
  if (event == HookEvent::connect) form.add_number("epoch", details.epoch);
  if (request.action != Action::connect) form.add("name", within_app(request, details.name));
  if (event == HookEvent::publish) form.add("type", request.publish_type);
  if (event == HookEvent::play) {
    form.add_number("start", static_cast<std::int64_t>(request.start_ms));
    form.add_number("duration", static_cast<std::int64_t>(request.duration_ms));
    form.add_number("reset", request.reset ? 1 : 0);
  }
  if (event == HookEvent::update) {
    form.add_number("time", details.time.count());
    form.add_number("timestamp", details.timestamp);
  }
  add_arguments(form, query_of(request));
  return form.take();
}

// --- JSON

const char* srs_action(HookEvent event) {
  switch (event) {
    case HookEvent::connect:
      return "on_connect";
    case HookEvent::publish:
      return "on_publish";
    case HookEvent::play:
      return "on_play";
    case HookEvent::publish_done:
      return "on_unpublish";
    case HookEvent::play_done:
      return "on_stop";
    case HookEvent::disconnect:
      return "on_close";
    case HookEvent::done:
    case HookEvent::update:
      break;
  }
  return "";
}

// Names of the same thing stay the same.
std::string id_of(std::string_view kind, std::string_view name) {
  return std::string(kind) +
         rtmp::crypto::hex(rtmp::crypto::md5({rtmp::as_bytes(name)})).substr(0, 7);
}

std::string write_srs(HookEvent event, const HookDetails& details) {
  const Request& request = details.request;
  const std::string query = query_of(request);
  json::object body{{"server_id", id_of("vid-", "gst-plugins-rtmp")},
                    {"service_id", std::to_string(::getpid())},
                    {"action", srs_action(event)},
                    {"client_id", std::to_string(request.client_id)},
                    {"ip", host_of(request.address)},
                    {"vhost", "__defaultVhost__"},
                    {"app", request.app},
                    {"tcUrl", request.tc_url},
                    {"param", query.empty() ? "" : "?" + query}};
  if (request.action != Action::connect) {
    body["stream"] = within_app(request, details.name);
    body["stream_url"] = "/" + details.name;
    body["stream_id"] = id_of("vid-", details.name);
  }
  if (event == HookEvent::connect || event == HookEvent::play) body["pageUrl"] = request.page_url;
  if (event == HookEvent::disconnect) {
    body["send_bytes"] = details.bytes_out;
    body["recv_bytes"] = details.bytes_in;
  }
  if (!request.user.empty()) body["user"] = request.user;
  return json::serialize(body);
}

std::string first_of(const std::string& query, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (const std::string value = rtmp::query_value(query, key); !value.empty())
      return decoded(value);
  return {};
}

// MediaMTX's clients have their credentials in the query.
std::string write_mediamtx(HookEvent event, const HookDetails& details) {
  const Request& request = details.request;
  const std::string query = query_of(request);
  const bool is_secure = request.tc_url.starts_with("rtmps:");
  return json::serialize(
      json::object{{"user", request.user.empty() ? first_of(query, {"user"}) : request.user},
                   {"password", first_of(query, {"pass", "password"})},
                   {"token", first_of(query, {"token", "jwt"})},
                   {"ip", host_of(request.address)},
                   {"action", event == HookEvent::publish ? "publish" : "read"},
                   {"path", details.name},
                   {"protocol", is_secure ? "rtmps" : "rtmp"},
                   {"id", std::to_string(request.client_id)},
                   {"query", query},
                   {"userAgent", request.flash_version}});
}

// --- answers

Decision refused() { return {.allow = false, .reason = "Not allowed."}; }

// Another server's address: where a stream goes as well, or comes from. Else "cam2" for another
// name in the app, or of an app for a connect.
Decision read_location(const Request& request, std::string_view location, std::string& fault) {
  std::string no_address;
  if (RouteRules::read_url(location, no_address)) {
    if (request.action == Action::publish) return {.forward = {std::string(location)}};
    if (request.action == Action::play) return {.pull = std::string(location)};
  }
  if (location.starts_with('/')) location.remove_prefix(1);
  const std::string_view name = rtmp::split_query(location).name;
  if (name.empty() || name.find("://") != name.npos || !rtmp::is_acceptable_name(name)) {
    fault = "its Location is no name to rename to";
    return refused();
  }
  const bool connects = request.action == Action::connect;
  return {.rename = connects ? std::string(name) : stream_name(request.app, std::string(name))};
}

// "0", {"code":0,...} or nothing.
bool accepts_in_srs_style(const std::string& body) {
  if (body.find_first_not_of(" \t\r\n") == body.npos) return true;
  boost::system::error_code error;
  const json::value value = json::parse(body, error);
  if (error) return false;
  const json::value* code = value.is_object() ? value.as_object().if_contains("code") : &value;
  return code && code->is_int64() && code->as_int64() == 0;
}

}  // namespace

bool knows(HookStyle style, HookEvent event) {
  switch (style) {
    case HookStyle::nginx:
      return true;
    case HookStyle::srs:
      return *srs_action(event) != '\0';
    case HookStyle::mediamtx:
      break;
  }
  return event == HookEvent::publish || event == HookEvent::play;
}

HookBody write_hook(HookStyle style, HookEvent event, const HookDetails& details) {
  switch (style) {
    case HookStyle::nginx:
      return {"application/x-www-form-urlencoded", write_form(event, details)};
    case HookStyle::srs:
      return {"application/json", write_srs(event, details)};
    case HookStyle::mediamtx:
      break;
  }
  return {"application/json", write_mediamtx(event, details)};
}

Decision read_hook_answer(HookStyle style, const Request& request, const Answer& answer,
                          std::string& fault) {
  fault = answer.fault;
  if (answer.status / 100 == 3 && style == HookStyle::nginx)
    return read_location(request, answer.location, fault);
  if (answer.status / 100 == 2) {
    if (style != HookStyle::srs || accepts_in_srs_style(answer.body)) return {};
  } else if (answer.status / 100 == 3 || answer.status >= 500) {
    fault = "its status is " + std::to_string(answer.status);
  }
  return refused();
}

}  // namespace relay
