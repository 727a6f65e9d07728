// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/authenticator.h"

#include <algorithm>
#include <charconv>

#include "rtmp/crypto.h"
#include "rtmp/signed_query.h"
#include "rtmp/url.h"

namespace rtmp::auth {
namespace {

// Of a nonce: time, randomness and signature, in hexadecimal digits, which no client encodes.
constexpr std::size_t time_digits = 16, random_digits = 16, signature_digits = 32;
constexpr std::size_t nonce_digits = time_digits + random_digits + signature_digits;
constexpr std::size_t max_user = 255;

// Clients put theirs behind the app, whatever it has: "live?key=1?authmod=adobe&user=...".
std::string_view own_part(std::string_view query) {
  return query.substr(query.rfind('?') + 1);  // npos + 1 is 0
}

std::string description(Mode mode, std::string_view what, std::string_view query) {
  return "[ AccessManager.Reject ] : [ " + std::string(what) +
         "authmod=" + std::string(to_string(mode)) + " ] : " + std::string(query);
}

std::string to_hex(std::int64_t time) {
  std::array<std::uint8_t, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(time) >> (56 - 8 * i));
  return crypto::hex(bytes);
}

// Digits that are none have no valid signature either.
std::int64_t time_in(std::string_view nonce) {
  std::uint64_t time = 0;
  std::from_chars(nonce.data(), nonce.data() + time_digits, time, 16);
  return static_cast<std::int64_t>(time);
}

bool equal(std::string_view a, std::string_view b) {
  return crypto::equal(as_bytes(a), as_bytes(b));
}

}  // namespace

bool mentions_authmod(std::string_view query) {
  return !query_value(own_part(query), "authmod").empty();
}

Authenticator::Authenticator(Random random) : random_(std::move(random)) { random_(secret_); }

std::string Authenticator::sign(std::initializer_list<std::string_view> parts) const {
  std::string text;
  for (const std::string_view part : parts) text.append(part).push_back('\0');
  return crypto::hex(crypto::hmac_sha256(secret_, {as_bytes(text)})).substr(0, signature_digits);
}

// The same each time, as it would be where passwords are kept with it.
std::string Authenticator::salt_of(std::string_view user) const {
  return sign({"salt", user}).substr(0, 16);
}

std::string Authenticator::make_nonce(Mode mode, std::string_view user, std::int64_t now) const {
  std::array<std::uint8_t, random_digits / 2> random;
  random_(random);
  const std::string fresh = to_hex(now) + crypto::hex(random);
  return fresh + sign({to_string(mode), user, fresh});
}

bool Authenticator::is_ours(const Attempt& attempt, std::int64_t now) const {
  if (attempt.nonce.size() != nonce_digits) return false;
  const auto fresh = std::string_view(attempt.nonce).substr(0, time_digits + random_digits);
  const std::string signature = sign({to_string(attempt.mode), attempt.user, fresh});
  if (!equal(signature, std::string_view(attempt.nonce).substr(fresh.size()))) return false;
  const std::int64_t made = time_in(fresh);
  return now >= made && now - made <= challenge_seconds;
}

std::variant<Authenticator::Attempt, std::string> Authenticator::receive(Mode mode,
                                                                         std::string_view app,
                                                                         std::string_view query,
                                                                         std::int64_t now) const {
  const std::string_view said = own_part(query);
  if (query_value(said, "authmod") != to_string(mode))
    return description(mode, "code=403 need auth; ", "");
  Attempt attempt{mode, query_value(said, "user"), std::string(app), {}, {}, {}};
  if (attempt.user.size() > max_user || !is_acceptable_name(attempt.user)) return failure(mode);
  attempt.response = query_value(said, "response");
  if (attempt.response.empty()) {
    const std::string nonce = make_nonce(mode, attempt.user, now);
    const std::string asked = "?reason=needauth&user=" + attempt.user;
    return description(mode, "",
                       mode == Mode::adobe ? asked + "&salt=" + salt_of(attempt.user) +
                                                 "&challenge=" + nonce + "&opaque=" + nonce
                                           : asked + "&nonce=" + nonce);
  }
  attempt.nonce = query_value(said, mode == Mode::adobe ? "opaque" : "nonce");
  attempt.own = query_value(said, mode == Mode::adobe ? "challenge" : "cnonce");
  return attempt;
}

bool Authenticator::admits(const Attempt& attempt, const std::optional<std::string>& password,
                           std::int64_t now) {
  Challenge asked;
  asked.mode = attempt.mode;
  asked.salt = salt_of(attempt.user);
  asked.opaque = asked.nonce = attempt.nonce;
  const Credentials credentials{attempt.user, password.value_or("nobody's")};
  const std::string right = response_to(asked, credentials, attempt.app, attempt.own);
  const bool good = equal(right, attempt.response);
  return good && password && is_ours(attempt, now) && remember(attempt.nonce, now);
}

// Only those who have a password fill this.
bool Authenticator::remember(const std::string& nonce, std::int64_t now) {
  while (!logins_.empty() && logins_.front().expires < now) {
    used_.erase(logins_.front().nonce);
    logins_.pop_front();
  }
  if (logins_.size() >= max_logins || !used_.insert(nonce).second) return false;
  logins_.push_back({now + challenge_seconds, nonce});
  return true;
}

std::string Authenticator::failure(Mode mode) {
  return description(mode, "", "?reason=authfailed");
}

}  // namespace rtmp::auth
