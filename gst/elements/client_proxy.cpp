// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/client_proxy.h"

#include <gio/gio.h>
#include <gst/gst.h>

#include <algorithm>
#include <memory>

#include "relay/networks.h"

namespace client_proxy {
namespace {

std::string variable(const char* name) {
  const gchar* value = g_getenv(name);
  return value ? value : "";
}

std::string either(const char* lower, const char* upper) {
  std::string value = variable(lower);
  return value.empty() ? variable(upper) : value;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = g_ascii_tolower(c);
  return result;
}

// "example.com", ".example.com", "10.0.0.0/8", any but the address with ":port" behind it, or "*".
bool excepts(std::string word, const net::ProxyTarget& target) {
  if (word == "*") return true;
  const auto networks = relay::Networks::read(word);
  if (networks && networks->contain(target.host)) return true;
  const std::string port = ":" + std::to_string(target.port);
  if (word.ends_with(port)) word.resize(word.size() - port.size());
  if (word.starts_with("*.")) word.erase(0, 1);
  if (word.starts_with('.')) word.erase(0, 1);
  const std::string host = lower(target.host);
  return !word.empty() && (host == word || host.ends_with("." + word));
}

bool is_excepted(const std::string& list, const net::ProxyTarget& target) {
  constexpr auto marks = ", \t";
  const std::string words = lower(list);
  for (std::size_t at = 0; (at = words.find_first_not_of(marks, at)) != words.npos;) {
    const std::size_t end = std::min(words.find_first_of(marks, at), words.size());
    if (excepts(words.substr(at, end - at), target)) return true;
    at = end;
  }
  return false;
}

template <auto free>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    free(pointer);
  }
};

std::string uri_of(const net::ProxyTarget& target) {
  const std::string scheme = !target.tunnel ? "rtmp://" : target.tls ? "https://" : "http://";
  return scheme + net::place(target.host, target.port) + "/";
}

// The first of GIO's that can be used.
net::ProxyChoice first_of(gchar** uris) {
  for (gchar** uri = uris; *uri; ++uri) {
    auto choice = net::read_proxy(*uri);
    if (std::holds_alternative<std::optional<net::Proxy>>(choice)) return choice;
  }
  return "The system's settings name proxies for the server, but none for SOCKS 5 or HTTP: set "
         "the property proxy.";
}

// A system that cannot say has no proxy: most have none.
net::ProxyChoice ask_gio(const net::ProxyTarget& target, const std::stop_token& stop) {
  const std::unique_ptr<GCancellable, Free<g_object_unref>> cancellable(g_cancellable_new());
  const std::stop_callback cancel(stop, [&] { g_cancellable_cancel(cancellable.get()); });
  GError* error = nullptr;
  const std::unique_ptr<gchar*, Free<g_strfreev>> uris(g_proxy_resolver_lookup(
      g_proxy_resolver_get_default(), uri_of(target).c_str(), cancellable.get(), &error));
  if (uris && *uris) return first_of(uris.get());
  if (error) GST_WARNING("no proxy is used: %s", error->message);
  g_clear_error(&error);
  return std::nullopt;
}

}  // namespace

// HTTP_PROXY may be a header of a request to a CGI program: it is not read.
Environment Environment::read() {
  return {variable("http_proxy"), either("https_proxy", "HTTPS_PROXY"),
          either("all_proxy", "ALL_PROXY"), either("no_proxy", "NO_PROXY")};
}

net::ProxyChoice find(const Environment& environment, const net::ProxyTarget& target) {
  const bool https = target.tunnel && target.tls, http = target.tunnel && !target.tls;
  const char* name = https ? "https_proxy" : "http_proxy";
  std::string text = https ? environment.https : http ? environment.http : std::string();
  if (text.empty()) {
    name = "all_proxy";
    text = environment.all;
  }
  if (net::is_loopback(target.host) || is_excepted(environment.none, target)) return std::nullopt;
  auto choice = net::read_proxy(text);
  if (auto* fault = std::get_if<std::string>(&choice)) fault->insert(0, std::string(name) + ": ");
  return choice;
}

net::FindProxy of_system(std::string user, std::string password) {
  return [environment = Environment::read(), user = std::move(user),
          password = std::move(password)](const auto& target, const auto& stop) {
    auto choice = environment.names_any() ? find(environment, target) : ask_gio(target, stop);
    auto* found = std::get_if<std::optional<net::Proxy>>(&choice);
    if (found && *found && (*found)->user.empty()) {
      (*found)->user = user;
      (*found)->password = password;
    }
    return choice;
  };
}

}  // namespace client_proxy
