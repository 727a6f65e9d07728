// Tokens: nothing that was not signed says anything.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/token.h"

#include "fuzz.h"
#include "rtmp/crypto.h"

namespace {

const std::string secret = "a secret that no vector was signed with";

std::string base64url(rtmp::Bytes bytes) {
  std::string text = rtmp::crypto::base64(bytes);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.erase(std::min(text.find('='), text.size()));
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::string error;
  static const auto keys = relay::TokenKeys::make(secret, "", error);
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)relay::find_token(text, text);
  (void)relay::TokenKeys::make("", text, error);
  const auto raw = relay::read_token(text, *keys, "", "", 0);
  LAW(std::holds_alternative<relay::TokenFault>(raw));

  const std::string signed_part =
      base64url(rtmp::as_bytes("{\"alg\":\"HS256\"}")) + "." + base64url({data, size});
  const auto signature =
      rtmp::crypto::hmac_sha256(rtmp::as_bytes(secret), {rtmp::as_bytes(signed_part)});
  const auto read = relay::read_token(signed_part + "." + base64url(signature), *keys, "", "", 0);
  if (const auto* claims = std::get_if<relay::TokenClaims>(&read))
    LAW(claims->publish.size() + claims->play.size() <= size);
  return 0;
}
