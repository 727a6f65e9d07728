// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/signed_query.h"

#include <algorithm>
#include <charconv>

#include "rtmp/crypto.h"

namespace rtmp {
namespace {

std::string base64url(Bytes bytes) {
  std::string text = crypto::base64(bytes);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.erase(std::min(text.find('='), text.size()));
  return text;
}

std::string md5_signature(std::string_view stream, std::string_view expires,
                          std::string_view secret) {
  return base64url(crypto::md5(
      {as_bytes(expires), as_bytes("/"), as_bytes(stream), as_bytes(" "), as_bytes(secret)}));
}

std::string hmac_signature(std::string_view stream, std::string_view expires,
                           std::string_view secret) {
  return crypto::hex(crypto::hmac_sha256(
      as_bytes(secret),
      {as_bytes("/"), as_bytes(stream), as_bytes("?expires="), as_bytes(expires)}));
}

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string query_value(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals != pair.npos && pair.substr(0, equals) == key)
      return std::string(pair.substr(equals + 1));
  }
  return {};
}

std::optional<SignatureFault> check_signature(std::string_view stream, std::string_view query,
                                              std::string_view secret, std::int64_t now) {
  const std::string expires = query_value(query, "expires");
  const std::string md5 = query_value(query, "md5"), hmac = query_value(query, "hmac");
  if (expires.empty() || (md5.empty() && hmac.empty())) return SignatureFault::missing;
  const bool good =
      crypto::equal(as_bytes(md5), as_bytes(md5_signature(stream, expires, secret))) ||
      crypto::equal(as_bytes(hmac), as_bytes(hmac_signature(stream, expires, secret)));
  const auto end = to_number(expires);
  if (!good || !end) return SignatureFault::wrong;
  if (now > *end) return SignatureFault::expired;
  return std::nullopt;
}

}  // namespace rtmp
