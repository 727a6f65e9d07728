// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/token.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <optional>

#include "rtmp/crypto.h"
#include "rtmp/signed_query.h"
#include "rtmp/url.h"

namespace relay {
namespace {

namespace json = boost::json;

constexpr std::size_t max_token = 8 * 1024;
constexpr std::size_t max_depth = 8;  // of its JSON
// That whoever makes tokens may be ahead of us.
constexpr double leeway = 10;
constexpr std::size_t coordinate_size = 32;  // of P-256

template <typename T, void (*free)(T*)>
struct Free {
  void operator()(T* thing) const { free(thing); }
};
using Context = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX, EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO, BIO_free_all>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG, ECDSA_SIG_free>>;

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

// base64url without padding, in its one canonical form.
std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes;
  unsigned bits = 0, count = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  const bool canonical = count < 6 && (bits & ((1u << count) - 1)) == 0;
  return canonical ? std::optional(bytes) : std::nullopt;
}

std::optional<json::object> read_object(std::string_view part) {
  const auto text = from_base64url(part);
  if (!text) return std::nullopt;
  json::parse_options options;
  options.max_depth = max_depth;
  boost::system::error_code error;
  const json::value value = json::parse(*text, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return value.as_object();
}

std::string text(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

// r and s one after the other (RFC 7518, 3.4), for OpenSSL.
std::string to_der(std::string_view signature) {
  if (signature.size() != 2 * coordinate_size) return {};
  const auto* bytes = reinterpret_cast<const unsigned char*>(signature.data());
  const Signature both(ECDSA_SIG_new());
  ECDSA_SIG_set0(both.get(), BN_bin2bn(bytes, coordinate_size, nullptr),
                 BN_bin2bn(bytes + coordinate_size, coordinate_size, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(both.get(), &der);
  const std::string copy(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return copy;
}

// The next one; null at the end (OpenSSL's error is then PEM_R_NO_START_LINE), or if it is none.
std::shared_ptr<EVP_PKEY> read_public_key(BIO* bio) {
  char *name = nullptr, *header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  ERR_clear_error();
  if (PEM_read_bio(bio, &name, &header, &data, &size) != 1) return nullptr;
  const unsigned char* at = data;
  const bool is_public = name == std::string_view(PEM_STRING_PUBLIC);
  std::shared_ptr<EVP_PKEY> key(is_public ? d2i_PUBKEY(nullptr, &at, size) : nullptr,
                                EVP_PKEY_free);
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return key;
}

// Empty if tokens cannot be signed with it.
std::string algorithm_of(EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
    return EVP_PKEY_get_bits(key) >= TokenKeys::min_rsa_bits ? "RS256" : "";
  char group[64] = "";
  EVP_PKEY_get_group_name(key, group, sizeof group, nullptr);
  return group == std::string_view("prime256v1") ? "ES256" : "";
}

}  // namespace

// --- keys

struct TokenKeys::Key {
  bool verify(std::string_view signed_part, std::string_view signature) const {
    const std::string der = algorithm == "ES256" ? to_der(signature) : std::string(signature);
    const Context context(EVP_MD_CTX_new());
    const bool good =
        EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
        EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(der.data()),
                         der.size(), reinterpret_cast<const unsigned char*>(signed_part.data()),
                         signed_part.size()) == 1;
    ERR_clear_error();
    return good;
  }

  std::shared_ptr<EVP_PKEY> key;
  std::string algorithm;
};

std::shared_ptr<const TokenKeys> TokenKeys::make(std::string secret, const std::string& pem,
                                                 std::string& error) {
  const auto keys = std::make_shared<TokenKeys>();
  if (!secret.empty() && secret.size() < min_secret)
    error = "A secret for tokens must have at least 32 bytes.";
  else if (!pem.empty())
    error = keys->load(pem);
  if (!error.empty()) return nullptr;
  keys->secret_ = std::move(secret);
  return keys;
}

// What is wrong with them, or nothing.
std::string TokenKeys::load(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (const auto handle = read_public_key(bio.get())) {
    const auto key = std::make_shared<Key>();
    key->algorithm = algorithm_of(handle.get());
    key->key = handle;
    if (key->algorithm.empty())
      return "Keys for tokens must be RSA with at least 2048 bits, or of the curve P-256.";
    keys_.push_back(key);
  }
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!ended || keys_.empty()) return "There must be public keys in PEM, and nothing else.";
  return {};
}

bool TokenKeys::verify(std::string_view algorithm, std::string_view signed_part,
                       std::string_view signature) const {
  if (algorithm == "HS256") {
    if (secret_.empty()) return false;
    const auto right =
        rtmp::crypto::hmac_sha256(rtmp::as_bytes(secret_), {rtmp::as_bytes(signed_part)});
    return rtmp::crypto::equal(right, rtmp::as_bytes(signature));
  }
  return std::ranges::any_of(keys_, [&](const auto& key) {
    return key->algorithm == algorithm && key->verify(signed_part, signature);
  });
}

// --- claims

namespace {

// False where something is there that is no number.
bool read_time(const json::object& claims, const char* name, std::optional<double>& time) {
  const json::value* value = claims.if_contains(name);
  if (!value) return true;
  boost::system::error_code error;
  time = value->to_number<double>(error);
  return !error && std::isfinite(*time);
}

std::optional<TokenFault> check_times(const json::object& claims, std::int64_t now) {
  const auto time = static_cast<double>(now);
  std::optional<double> end, begin, made;
  if (!read_time(claims, "exp", end) || !read_time(claims, "nbf", begin) ||
      !read_time(claims, "iat", made) || !end)
    return TokenFault::invalid;
  if (time >= *end) return TokenFault::expired;
  if (begin.value_or(time) > time + leeway || made.value_or(time) > time + leeway)
    return TokenFault::invalid;
  return std::nullopt;
}

// A string, or an array of them; false if it is something else.
bool read_strings(const json::object& claims, const char* name, std::vector<std::string>& strings) {
  const json::value* value = claims.if_contains(name);
  if (!value) return true;
  if (value->is_string()) {
    strings.emplace_back(value->as_string());
    return true;
  }
  if (!value->is_array()) return false;
  for (const json::value& one : value->as_array()) {
    if (!one.is_string()) return false;
    strings.emplace_back(one.as_string());
  }
  return true;
}

bool is_for(const json::object& claims, std::string_view issuer, std::string_view audience) {
  if (!issuer.empty() && text(claims, "iss") != issuer) return false;
  std::vector<std::string> audiences;
  if (!read_strings(claims, "aud", audiences)) return false;
  if (audience.empty()) return !claims.contains("aud");
  return std::ranges::count(audiences, audience) > 0;
}

// MediaMTX's: [{"action": "publish", "path": "live/cam"}]; without a path, everything. Paths that
// are regular expressions ("~...") are not understood, and fit nothing.
bool read_permissions(const json::object& claims, TokenClaims& read) {
  const json::value* list = claims.if_contains("mediamtx_permissions");
  if (!list) return true;
  if (!list->is_array()) return false;
  for (const json::value& one : list->as_array()) {
    if (!one.is_object()) return false;
    const std::string action = text(one.as_object(), "action");
    const std::string path = text(one.as_object(), "path");
    if (path.starts_with('~')) continue;
    if (action == "publish") read.publish.push_back(path.empty() ? "*" : path);
    if (action == "read") read.play.push_back(path.empty() ? "*" : path);
  }
  return true;
}

}  // namespace

std::variant<TokenClaims, TokenFault> read_token(std::string_view token, const TokenKeys& keys,
                                                 std::string_view issuer, std::string_view audience,
                                                 std::int64_t now) {
  if (token.empty()) return TokenFault::missing;
  const std::size_t first = token.find('.'), last = token.rfind('.');
  if (token.size() > max_token || std::ranges::count(token, '.') != 2) return TokenFault::invalid;
  const auto header = read_object(token.substr(0, first));
  const auto signature = from_base64url(token.substr(last + 1));
  // Extensions that must be understood (RFC 7515, 4.1.11): we know none.
  if (!header || !signature || header->contains("crit")) return TokenFault::invalid;
  if (!keys.verify(text(*header, "alg"), token.substr(0, last), *signature))
    return TokenFault::invalid;

  const auto claims = read_object(token.substr(first + 1, last - first - 1));
  if (!claims) return TokenFault::invalid;
  if (const auto fault = check_times(*claims, now)) return *fault;
  TokenClaims read{.user = text(*claims, "sub"), .publish = {}, .play = {}};
  const bool understood =
      is_for(*claims, issuer, audience) && rtmp::is_acceptable_name(read.user) &&
      read_strings(*claims, "publish", read.publish) && read_strings(*claims, "play", read.play) &&
      read_permissions(*claims, read);
  if (!understood) return TokenFault::invalid;
  return read;
}

std::string find_token(std::string_view query, std::string_view app_query) {
  for (const std::string_view from : {query, app_query})
    for (const char* key : {"token", "jwt", "pass", "password"})
      if (std::string value = rtmp::query_value(from, key); !value.empty()) return value;
  return {};
}

}  // namespace relay
