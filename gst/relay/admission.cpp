// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/admission.h"

#include "rtmp/signed_query.h"

namespace relay {
namespace {

using SignedUrls = Server::Settings::SignedUrls;

bool must_be_signed(bool publishes, const Server::Settings& settings) {
  const SignedUrls other = publishes ? SignedUrls::play : SignedUrls::publish;
  return !settings.url_secret.empty() && settings.signed_urls != other;
}

const char* to_text(rtmp::SignatureFault fault) {
  switch (fault) {
    case rtmp::SignatureFault::missing:
      return "The address must be signed.";
    case rtmp::SignatureFault::expired:
      return "The address has expired.";
    case rtmp::SignatureFault::wrong:
      break;
  }
  return "The signature of the address is wrong.";
}

}  // namespace

std::string stream_name(const std::string& app, const std::string& stream) {
  if (app.empty()) return stream;
  return stream.empty() ? app : app + "/" + stream;
}

std::string refusal_of(const Request& request, const Server::Settings& settings, std::int64_t now) {
  if (request.action == Request::Action::connect) return {};
  const std::string name = stream_name(request.app, request.stream);
  const bool publishes = request.action == Request::Action::publish;
  const auto action = publishes ? AccessRules::Action::publish : AccessRules::Action::play;
  if (!settings.access.allows(action, name, request.address)) return "Not allowed from here.";
  if (!must_be_signed(publishes, settings)) return {};
  const auto fault = rtmp::check_signature(name, request.query, settings.url_secret, now);
  return fault ? to_text(*fault) : "";
}

}  // namespace relay
