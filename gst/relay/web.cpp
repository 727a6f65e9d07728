// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/web.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>

#include "relay/nginx_stat.h"
#include "relay/prometheus.h"
#include "relay/text.h"

namespace relay {
namespace {

constexpr char json[] = "application/json";
constexpr char xml[] = "text/xml; charset=utf-8";
constexpr char prometheus[] = "text/plain; version=0.0.4; charset=utf-8";

constexpr std::string_view streams_path = "/api/v1/streams/", clients_path = "/api/v1/clients/",
                           drop_path = "/control/drop/", redirect_path = "/control/redirect/";
constexpr std::uint64_t default_drain_seconds = 10, longest_drain_seconds = 24 * 3600;

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

// What stands behind the prefix.
std::string rest_of(const Web::Request& request, std::string_view prefix) {
  return request.target.path.substr(prefix.size());
}

// SRS' paging; what is no number counts as not said.
SrsPage page_of(const Web::Request& request) {
  const auto number = [&](const char* name) {
    return to_number(request.target.parameter(name).value_or(""));
  };
  SrsPage page;
  page.start = number("start").value_or(page.start);
  page.count = number("count").value_or(page.count);
  return page;
}

std::string random_id() {
  std::array<std::uint8_t, 4> bytes;
  net::secure_random()(bytes);
  std::string text;
  for (const std::uint8_t byte : bytes) {
    constexpr char digits[] = "0123456789abcdef";
    text += digits[byte >> 4];
    text += digits[byte & 0xF];
  }
  return text;
}

// In a time that says nothing of where they differ.
bool is_same_secret(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

// Browsers say so when a page makes them ask; a proxy speaks for somebody else.
bool comes_by_itself(const Web::Request& request) {
  const std::string site = request.header("sec-fetch-site");
  const auto says = [&](const char* name) { return !request.header(name).empty(); };
  return !says("origin") && !says("referer") && (site.empty() || site == "none") &&
         !says("x-forwarded-for") && !says("forwarded") && !says("via");
}

// nginx-rtmp's arguments of /control.
bool is_meant(const ClientStats& client, const Web::Request& request, std::string_view whom) {
  const bool publishes = client.state == "publishing";
  const auto is = [&](const char* name, const std::string& value) {
    const auto wanted = request.target.parameter(name);
    return !wanted || *wanted == value;
  };
  if (client.stream.empty()) return false;
  if ((whom == "publisher" && !publishes) || (whom == "subscriber" && publishes)) return false;
  return is("app", app_of(client.stream)) && is("name", name_of(client.stream)) &&
         is("addr", host_of(client.address)) && is("clientid", std::to_string(client.id));
}

}  // namespace

struct Web::Route {
  std::string_view path;  // with '/' at its end: what begins with it
  std::string_view methods;
  Response (Web::*answer)(const Request&);

  bool leads_to(std::string_view wanted) const {
    return path.ends_with('/') ? wanted.starts_with(path) && wanted.size() > path.size()
                               : wanted == path;
  }
  bool takes(std::string_view method) const {
    return (' ' + std::string(methods) + ',').find(' ' + std::string(method) + ',') !=
           std::string::npos;
  }
  // What changes nothing is asked for by GET alone.
  bool is_order() const { return methods != "GET, HEAD"; }
};

const std::vector<Web::Route>& Web::routes() {
  static const std::vector<Route> routes = {
      {"/health", "GET, HEAD", &Web::health},
      {"/metrics", "GET, HEAD", &Web::metrics},
      {"/stat", "GET, HEAD", &Web::nginx_stat},
      {drop_path, "GET, POST", &Web::nginx_drop},
      {redirect_path, "GET, POST", &Web::nginx_redirect},
      {"/api/v1/streams", "GET, HEAD", &Web::list_streams},
      {"/api/v1/clients", "GET, HEAD", &Web::list_clients},
      {streams_path, "GET, HEAD", &Web::show_stream},
      {clients_path, "GET, HEAD", &Web::show_client},
      {streams_path, "DELETE", &Web::drop_stream},
      {clients_path, "DELETE", &Web::kick_client},
      {"/api/v1/drain", "POST", &Web::drain},
      {"/api/v1/reload", "POST", &Web::reload},
  };
  return routes;
}

Web::Web(Server& server, Settings settings, Orders orders)
    : server_(server),
      settings_(std::move(settings)),
      orders_(std::move(orders)),
      identity_{"vid-" + random_id(), random_id()},
      http_([this](const Request& request) { return answer(request); }) {}

net::error_code Web::listen() { return http_.listen(settings_.address, settings_.port); }

Web::Response Web::answer(const Request& request) {
  std::string allowed;
  for (const Route& route : routes()) {
    if (!route.leads_to(request.target.path)) continue;
    if (!route.takes(request.method)) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(route.methods);
      continue;
    }
    if (route.path == "/health") return health(request);
    if (!knows_token(request))
      return {.status = 401,
              .body = "A token is needed.\n",
              .headers = {{"WWW-Authenticate", "Bearer"}}};
    if (route.is_order() && !takes_orders(request))
      return {.status = 403, .body = "Orders from elsewhere, or from a page, need a token.\n"};
    return (this->*route.answer)(request);
  }
  if (allowed.empty()) return {.status = 404, .body = "Not Found\n"};
  return {.status = 405, .body = "Method Not Allowed\n", .headers = {{"Allow", allowed}}};
}

bool Web::knows_token(const Request& request) const {
  constexpr std::string_view scheme = "Bearer ";
  if (settings_.token.empty()) return true;
  const std::string header = request.header("authorization");
  if (header.starts_with(scheme) && is_same_secret(header.substr(scheme.size()), settings_.token))
    return true;
  return is_same_secret(request.target.parameter("token").value_or(""), settings_.token);
}

bool Web::takes_orders(const Request& request) const {
  return !settings_.token.empty() || (request.local && comes_by_itself(request));
}

// --- figures
// ---------------------------------------------------------------------------------------

Web::Response Web::health(const Request&) {
  if (server_.addresses().empty()) return {.status = 503, .body = "stopping\n"};
  return {.body = "ok\n"};
}

Web::Response Web::metrics(const Request&) {
  return {.type = prometheus, .body = prometheus_text(server_.stats())};
}

Web::Response Web::nginx_stat(const Request&) {
  return {.type = xml, .body = nginx_stat_xml(server_.stats())};
}

Web::Response Web::list_streams(const Request& request) {
  return {.type = json, .body = srs_streams(server_.stats(), identity_, page_of(request))};
}

Web::Response Web::list_clients(const Request& request) {
  return {.type = json, .body = srs_clients(server_.stats(), identity_, page_of(request))};
}

Web::Response Web::show_stream(const Request& request) {
  const ServerStats stats = server_.stats();
  const auto name = srs_find_stream(stats, rest_of(request, streams_path));
  if (!name) return result(404, srs_no_stream, "There is no such stream.");
  return {.type = json, .body = srs_stream(stats, identity_, *name)};
}

Web::Response Web::show_client(const Request& request) {
  const ServerStats stats = server_.stats();
  const auto id = to_number(rest_of(request, clients_path));
  const bool known = id && std::ranges::count(stats.client_list, *id, &ClientStats::id) > 0;
  if (!known) return result(404, srs_no_client, "There is no such client.");
  return {.type = json, .body = srs_client(stats, identity_, *id)};
}

// --- orders
// ----------------------------------------------------------------------------------------

Web::Response Web::result(unsigned status, int code, const std::string& message) const {
  return {.status = status, .type = json, .body = srs_result(code, identity_, message)};
}

Web::Response Web::kick_client(const Request& request) {
  const auto id = to_number(rest_of(request, clients_path));
  if (!id || !server_.kick(*id)) return result(404, srs_no_client, "There is no such client.");
  return result(200, 0);
}

Web::Response Web::drop_stream(const Request& request) {
  const auto name = srs_find_stream(server_.stats(), rest_of(request, streams_path));
  if (!name) return result(404, srs_no_stream, "There is no such stream.");
  server_.drop_stream(*name);
  return result(200, 0);
}

Web::Response Web::nginx_drop(const Request& request) {
  return for_each_meant(request, rest_of(request, drop_path),
                        [this](std::uint64_t id) { return server_.kick(id); });
}

Web::Response Web::nginx_redirect(const Request& request) {
  const auto url = request.target.parameter("url");
  if (!url) return {.status = 400, .body = "url is needed: where to go on.\n"};
  return for_each_meant(request, rest_of(request, redirect_path),
                        [&](std::uint64_t id) { return server_.redirect(id, *url); });
}

// As nginx-rtmp: how many it was done to, or 204.
Web::Response Web::for_each_meant(const Request& request, const std::string& whom,
                                  const std::function<bool(std::uint64_t)>& act) {
  if (whom != "publisher" && whom != "subscriber" && whom != "client")
    return {.status = 404, .body = "Not Found\n"};
  const auto says = [&](const char* name) { return request.target.parameter(name).has_value(); };
  if (!says("app") && !says("name") && !says("addr") && !says("clientid"))
    return {.status = 400, .body = "One of app, name, addr and clientid is needed.\n"};
  std::size_t count = 0;
  for (const ClientStats& client : server_.stats().client_list)
    if (is_meant(client, request, whom) && act(client.id)) ++count;
  if (count == 0) return {.status = 204};
  return {.body = std::to_string(count)};
}

Web::Response Web::reload(const Request&) {
  const std::string fault = orders_.reload();
  return fault.empty() ? result(200, 0) : result(500, 500, fault);
}

Web::Response Web::drain(const Request& request) {
  const auto wanted = request.target.parameter("timeout");
  const auto seconds = wanted ? to_number(*wanted) : default_drain_seconds;
  if (!seconds) return result(400, 400, "timeout takes a number of seconds.");
  orders_.drain(std::chrono::seconds(std::min(*seconds, longest_drain_seconds)));
  return result(202, 0);
}

}  // namespace relay
