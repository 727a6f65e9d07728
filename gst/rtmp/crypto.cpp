// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cassert>
#include <charconv>

namespace rtmp::crypto {
namespace {

std::vector<std::uint8_t> join(std::initializer_list<Bytes> parts) {
  ByteWriter joined;
  for (Bytes part : parts) joined.bytes(part);
  return joined.take();
}

}  // namespace

Sha256 hmac_sha256(Bytes key, std::initializer_list<Bytes> parts) {
  const auto data = join(parts);
  Sha256 code{};
  [[maybe_unused]] const auto* done =
      EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(), data.data(),
                data.size(), code.data(), code.size(), nullptr);
  assert(done);
  return code;
}

Md5 md5(std::initializer_list<Bytes> parts) {
  const auto data = join(parts);
  Md5 digest{};
  [[maybe_unused]] const int done =
      EVP_Q_digest(nullptr, "MD5", nullptr, data.data(), data.size(), digest.data(), nullptr);
  assert(done);
  return digest;
}

std::string base64(Bytes bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the NUL that OpenSSL appends
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string hex(Bytes bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> bytes(text.size() / 2);
  for (std::uint8_t& byte : bytes) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + 2, byte, 16);
    if (end != text.data() + 2) return std::nullopt;
    text.remove_prefix(2);
  }
  return bytes;
}

bool equal(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace rtmp::crypto
