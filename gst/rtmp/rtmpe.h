// RTMPE: keys agreed in the handshake, RC4 behind it. It hides a stream and does not protect it:
// nobody knows whom he has agreed with.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <openssl/types.h>

#include <array>
#include <memory>
#include <optional>

#include "rtmp/bytes.h"
#include "rtmp/random.h"

namespace rtmp::rtmpe {

// The first byte of an encrypted handshake. They differ in how C2's and S2's signatures are
// encrypted; what the server says counts.
constexpr std::uint8_t plain_signature = 6, xtea_signature = 8, blowfish_signature = 9;
constexpr bool is_version(std::uint8_t version) {
  return version == plain_signature || version == xtea_signature || version == blowfish_signature;
}

// Whether RC4 and Blowfish are there: OpenSSL keeps them in its legacy provider, which may not be
// installed. Nothing below but the key pairs works without.
bool available();
constexpr char missing[] =
    "RTMPE needs RC4 of OpenSSL's legacy provider, which is not installed (Debian: "
    "openssl-provider-legacy, or libssl3 up to Debian 12)";

// One direction's cipher: a stream of bytes that goes on from call to call.
class Rc4 {
 public:
  explicit Rc4(Bytes key);
  void apply(std::span<std::uint8_t> bytes) { apply(bytes, bytes); }
  // Of the same size.
  void apply(Bytes from, std::span<std::uint8_t> to);

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const;
  };
  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
};

struct Ciphers {
  Rc4 in, out;
};

constexpr std::size_t key_size = 128;
using Key = std::array<std::uint8_t, key_size>;  // big-endian, with leading zeros

// Diffie-Hellman over the 1024-bit group of RFC 2409, whose generator is 2.
class KeyPair {
 public:
  explicit KeyPair(const Random& random);

  const Key& public_key() const { return public_; }
  // The secret that the owner of that public key gets as well; nothing if it is none: 0, 1, P - 1
  // or beyond would give the secret away.
  std::optional<Key> agree(Bytes peer) const;

 private:
  Key private_, public_;
};

// For what follows the handshake. Each direction has its key from the secret and the public key of
// the one who reads.
Ciphers make_ciphers(Bytes secret, Bytes own_public, Bytes peer_public);

// Of the last 32 bytes of C2 or S2, `key` being the one that they were signed with.
void encrypt_signature(std::uint8_t version, std::span<std::uint8_t, 32> signature, Bytes key);

}  // namespace rtmp::rtmpe
