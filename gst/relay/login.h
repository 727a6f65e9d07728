// Clients that log in with a name and a password when they connect.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <mutex>

#include "relay/passwords.h"
#include "relay/server.h"
#include "rtmp/authenticator.h"

namespace relay {

// From any thread.
class Login : public std::enable_shared_from_this<Login> {
 public:
  explicit Login(const rtmp::Random& random) : authenticator_(random) {}

  // Of a connect: lets it pass, with the user's name if it has logged in, or refuses it, with the
  // words by which a client learns how to log in. The observer is asked for the password of whom
  // the file does not know; `then` is called at once or later, from any thread.
  void check(const Request& request, const Server::Settings& settings, Observer& observer,
             std::function<void(Decision)> then);

 private:
  using Attempt = rtmp::auth::Authenticator::Attempt;

  Decision decide(const Attempt& attempt, const std::optional<std::string>& password);

  std::mutex mutex_;  // guards authenticator_
  rtmp::auth::Authenticator authenticator_;
};

}  // namespace relay
