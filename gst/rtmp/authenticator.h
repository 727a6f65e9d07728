// The server's side of authmod: what connects are told, and whether an answer is right.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_set>
#include <variant>

#include "rtmp/auth.h"

namespace rtmp::auth {

// A client connects three times: without anything, with its name, and with its answer. Nothing is
// kept in between: a challenge carries the time, the user, and our signature. What is kept is which
// challenges somebody has logged in with, so that nobody else does who saw it.
class Authenticator {
 public:
  static constexpr std::int64_t challenge_seconds = 60;
  // Of logins within that time; then further ones are refused.
  static constexpr std::size_t max_logins = 10'000;

  explicit Authenticator(Random random);

  // An answer, to be tried with the user's password.
  struct Attempt {
    Mode mode = Mode::none;
    std::string user, app, nonce, own, response;
  };
  // Of a connect with that app (as it came, without query) and query: an answer, or the description
  // of the rejection that tells the client how to go on. `mode`: adobe or llnw; `now`: in seconds.
  std::variant<Attempt, std::string> receive(Mode mode, std::string_view app,
                                             std::string_view query, std::int64_t now) const;

  // Without a password there is no such user, which takes as long.
  bool admits(const Attempt& attempt, const std::optional<std::string>& password, std::int64_t now);
  // The description of the rejection where it does not.
  static std::string failure(Mode mode);

 private:
  std::string salt_of(std::string_view user) const;
  std::string make_nonce(Mode mode, std::string_view user, std::int64_t now) const;
  bool is_ours(const Attempt& attempt, std::int64_t now) const;
  std::string sign(std::initializer_list<std::string_view> parts) const;
  bool remember(const std::string& nonce, std::int64_t now);

  struct Login {
    std::int64_t expires;
    std::string nonce;
  };

  Random random_;
  std::array<std::uint8_t, 32> secret_ = {};
  std::deque<Login> logins_;  // in the order of their time
  std::unordered_set<std::string> used_;
};

// Whether a query says something of authmod: it may stand behind another one of the app's.
bool mentions_authmod(std::string_view query);

}  // namespace rtmp::auth
