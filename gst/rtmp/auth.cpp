// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/auth.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <span>
#include <vector>

#include "rtmp/crypto.h"
#include "rtmp/signed_query.h"
#include "rtmp/url.h"

namespace rtmp::auth {
namespace {

// The mode that the text names; what follows the name differs from server to server.
Mode read_mode(std::string_view text) {
  constexpr std::string_view key = "authmod=";
  const std::size_t at = text.find(key);
  if (at == text.npos) return Mode::none;
  const std::string_view rest = text.substr(at + key.size());
  const std::string_view name = rest.substr(0, rest.find_first_of(" ;:,]&?"));
  if (name == "adobe") return Mode::adobe;
  return name == "llnw" ? Mode::llnw : Mode::none;
}

Challenge::Kind read_kind(std::string_view text, std::string_view reason, Mode mode) {
  using enum Challenge::Kind;
  if (reason == "authfailed" || reason == "authfail" || reason == "nosuchuser") return failed;
  if (mode == Mode::none) return none;
  if (reason == "needauth") return response_wanted;
  return text.find("code=403 need auth") == text.npos ? none : mode_offered;
}

std::string client_challenge(const Random& random) {
  std::array<std::uint8_t, 4> bytes;
  random(bytes);
  return crypto::hex(bytes);
}

crypto::Md5 md5_of(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts) text += part;
  return crypto::md5({as_bytes(text)});
}

// The server's opaque takes the place of its challenge where it sent one.
std::string adobe_response(const Challenge& asked, const Credentials& credentials,
                           std::string_view own) {
  const std::string secret =
      crypto::base64(md5_of({credentials.user, asked.salt, credentials.password}));
  const std::string& theirs = asked.opaque.empty() ? asked.challenge : asked.opaque;
  return crypto::base64(md5_of({secret, theirs, own}));
}

// HTTP's digest authentication (RFC 2617, 3.2.2) with a method, a realm and an address of its own.
std::string llnw_response(const Challenge& asked, const Credentials& credentials,
                          std::string_view app, std::string_view own) {
  const std::string_view name = split_query(app).name;
  const std::string_view instance = name.find('/') == name.npos ? "/_definst_" : "";
  const std::string secret =
      crypto::hex(md5_of({credentials.user, ":live:", credentials.password}));
  const std::string action = crypto::hex(md5_of({"publish:/", name, instance}));
  return crypto::hex(md5_of({secret, ":", asked.nonce, ":00000001:", own, ":auth:", action}));
}

using Words = std::vector<std::uint32_t>;

// Little-endian, filled up with zeros.
Words to_words(std::vector<std::uint8_t> bytes) {
  bytes.resize((bytes.size() + 3) / 4 * 4);
  ByteReader in(bytes);
  Words words;
  while (!in.at_end()) words.push_back(in.u32_le());
  return words;
}

// Undoes XXTEA (Wheeler and Needham, "Correction to xtea").
void decrypt(Words& words, const Words& key) {
  constexpr std::uint32_t delta = 0x9e3779b9;
  const std::size_t count = words.size();
  const auto rounds = static_cast<std::uint32_t>(6 + 52 / count);
  for (std::uint32_t sum = rounds * delta; sum != 0; sum -= delta)
    for (std::size_t at = count; at-- > 0;) {
      const std::uint32_t before = words[(at + count - 1) % count];
      const std::uint32_t behind = words[(at + 1) % count];
      const std::uint32_t shifts =
          ((before >> 5) ^ (behind << 2)) + ((behind >> 3) ^ (before << 4));
      words[at] -= shifts ^ ((sum ^ behind) + (key[(at & 3) ^ (sum >> 2 & 3)] ^ before));
    }
}

}  // namespace

Challenge read_challenge(std::string_view description) {
  const auto [text, query] = split_query(description);
  Challenge challenge;
  challenge.mode = read_mode(text);
  challenge.kind = read_kind(text, query_value(query, "reason"), challenge.mode);
  challenge.user = query_value(query, "user");
  challenge.salt = query_value(query, "salt");
  challenge.challenge = query_value(query, "challenge");
  challenge.opaque = query_value(query, "opaque");
  challenge.nonce = query_value(query, "nonce");
  return challenge;
}

std::string_view to_string(Mode mode) {
  assert(mode == Mode::adobe || mode == Mode::llnw);
  return mode == Mode::adobe ? "adobe" : "llnw";
}

std::string response_to(const Challenge& challenge, const Credentials& credentials,
                        std::string_view app, std::string_view own) {
  return challenge.mode == Mode::adobe ? adobe_response(challenge, credentials, own)
                                       : llnw_response(challenge, credentials, app, own);
}

std::string begin_query(Mode mode, const Credentials& credentials) {
  return "?authmod=" + std::string(to_string(mode)) + "&user=" + credentials.user;
}

std::string response_query(const Challenge& challenge, const Credentials& credentials,
                           std::string_view app, const Random& random) {
  const std::string own = client_challenge(random);
  const std::string response = response_to(challenge, credentials, app, own);
  const std::string query = begin_query(challenge.mode, credentials);
  if (challenge.mode == Mode::llnw)
    return query + "&nonce=" + challenge.nonce + "&cnonce=" + own +
           "&nc=00000001&response=" + response;
  const std::string opaque = challenge.opaque.empty() ? "" : "&opaque=" + challenge.opaque;
  return query + "&challenge=" + own + "&response=" + response + opaque;
}

std::optional<std::string> secure_token_response(std::string_view challenge_hex,
                                                 std::string_view token) {
  const auto bytes = crypto::from_hex(challenge_hex);
  if (!bytes || bytes->size() <= 4) return std::nullopt;
  std::vector<std::uint8_t> key(token.begin(), token.end());
  key.resize(16);
  Words words = to_words(*bytes);
  decrypt(words, to_words(key));

  ByteWriter clear;
  for (std::uint32_t word : words) clear.u32_le(word);
  std::string text(as_text(clear.view().first(bytes->size())));
  text.erase(text.find_last_not_of('\0') + 1);
  return text;
}

}  // namespace rtmp::auth
