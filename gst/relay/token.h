// JSON Web Tokens (RFC 7519) that say who may publish and play what.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace relay {

// What tokens may be signed with: a secret (HS256), and public keys of RSA (RS256) or of the curve
// P-256 (ES256). A key is good for its own algorithm alone, whatever a token says.
class TokenKeys {
 public:
  static constexpr std::size_t min_secret = 32;  // bytes: RFC 7518, 3.2
  static constexpr int min_rsa_bits = 2048;      // RFC 7518, 3.3

  // `secret`: empty for none; `pem`: any number of public keys. On failure nothing, and `error` is
  // a sentence.
  static std::shared_ptr<const TokenKeys> make(std::string secret, const std::string& pem,
                                               std::string& error);

  // `signed_part`: header and payload as they came. Algorithms that nobody here knows verify
  // nothing.
  bool verify(std::string_view algorithm, std::string_view signed_part,
              std::string_view signature) const;

 private:
  struct Key;

  std::string load(const std::string& pem);

  std::string secret_;
  std::vector<std::shared_ptr<const Key>> keys_;
};

struct TokenClaims {
  std::string user;                        // `sub`
  std::vector<std::string> publish, play;  // patterns of "app/stream"
};

enum class TokenFault { missing, invalid, expired };

// What a token says at that time, in seconds since 1970. It must have an end (`exp`); `issuer` and
// `audience` must be in it if they are not empty here, and no audience may be in it if it is.
std::variant<TokenClaims, TokenFault> read_token(std::string_view token, const TokenKeys& keys,
                                                 std::string_view issuer, std::string_view audience,
                                                 std::int64_t now);

// That of a stream's query, or else of its app's: `token`, `jwt`, or the password in `pass` or
// `password`. Empty if there is none.
std::string find_token(std::string_view query, std::string_view app_query);

}  // namespace relay
