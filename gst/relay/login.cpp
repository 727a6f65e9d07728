// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/login.h"

#include "relay/admission.h"

namespace relay {

void Login::check(const Request& request, const Server::Settings& settings, Observer& observer,
                  std::function<void(Decision)> then) {
  const auto wish = request.looks_like_publisher ? Request::Action::publish : Request::Action::play;
  const bool tries = rtmp::auth::mentions_authmod(request.app_query);
  if (settings.authmod == rtmp::auth::Mode::none || (!tries && !includes(settings.login_for, wish)))
    return then({});
  const auto step = [&] {
    const std::lock_guard lock(mutex_);
    return authenticator_.receive(settings.authmod, request.app_as_sent, request.app_query,
                                  seconds_since_1970());
  }();
  if (const auto* description = std::get_if<std::string>(&step))
    return then({.allow = false, .reason = *description});
  const auto& attempt = std::get<Attempt>(step);
  if (settings.passwords)
    if (const auto password = settings.passwords->find(attempt.user, net::now()))
      return then(decide(attempt, password));
  observer.on_password(attempt.user, [self = shared_from_this(), attempt,
                                      then = std::move(then)](std::optional<std::string> password) {
    then(self->decide(attempt, password));
  });
}

Decision Login::decide(const Attempt& attempt, const std::optional<std::string>& password) {
  const std::lock_guard lock(mutex_);
  if (authenticator_.admits(attempt, password, seconds_since_1970()))
    return {.user = attempt.user, .logged_in = true};
  return {.allow = false, .reason = rtmp::auth::Authenticator::failure(attempt.mode)};
}

}  // namespace relay
