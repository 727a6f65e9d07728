// The handshake before the first chunk: simple (RTMP 1.0 §5.2) and with digests, in both roles.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>

#include "rtmp/bytes.h"
#include "rtmp/error.h"
#include "rtmp/random.h"
#include "rtmp/rtmpe.h"
#include "rtmp/swf.h"

namespace rtmp {

constexpr std::size_t handshake_block_size = 1536;
constexpr std::uint8_t plain_version = 3;

// Where the digest lies in C1 and S1, "scheme A" and "scheme B" (docs/protocol/handshake.md).
enum class DigestScheme { digest_first, key_first };

// The building stones, for tests and for the encrypted variants.
namespace handshake {

using Block = std::array<std::uint8_t, handshake_block_size>;
enum class Role { client, server };

// Where the 32 bytes of the digest begin in a block of this scheme.
std::size_t digest_offset(Bytes block, DigestScheme scheme);
// Where the 128 bytes of the Diffie-Hellman key begin.
std::size_t key_offset(Bytes block, DigestScheme scheme);
// Computes the digest as `signer` and stores it in its place. A key has to be in its place before.
void sign_first_block(std::span<std::uint8_t, handshake_block_size> block, DigestScheme scheme,
                      Role signer);
// The scheme in which `signer` signed the block, if any.
std::optional<DigestScheme> find_digest(Bytes block, Role signer);
// C2 or S2: the last 32 bytes sign the rest with a key made from the digest of the peer's block.
// Some versions of RTMPE encrypt them.
void sign_second_block(std::span<std::uint8_t, handshake_block_size> block, Bytes peer_digest,
                       Role signer, std::uint8_t version = plain_version);
bool second_block_is_signed(Bytes block, Bytes own_digest, Role signer,
                            std::uint8_t version = plain_version);

}  // namespace handshake

// The client's side. Usage: send take_output(), give what arrives to receive(), until done().
// Neither echo nor signature of S2 is verified: they prove nothing, and some servers get them
// wrong.
class ClientHandshake {
 public:
  enum class Kind {
    simple,     // C1 with four zero bytes; every server understands it
    digest,     // C1 with a digest: some Flash Media Servers and CDNs want it
    encrypted,  // RTMPE; a server that does not speak it is an error
  };

  // `epoch`: C1's time field, ms.
  ClientHandshake(Kind kind, std::uint32_t epoch, const Random& random);

  // Takes from the front of `input` what belongs to the handshake; the rest stays, the first chunks
  // may follow in the same segment. `now`: the client's own time field for C2, ms.
  Result<void> receive(Bytes& input, std::uint32_t now);
  // Bytes to send now; each is handed out once.
  std::vector<std::uint8_t> take_output() { return std::move(output_); }
  bool done() const { return done_; }
  // Once done: for all that follows; null unless it is encrypted.
  std::unique_ptr<rtmpe::Ciphers> take_ciphers() { return std::move(ciphers_); }
  swf::Key swf_key() const;

 private:
  bool speaks(std::uint8_t version) const;
  Result<void> answer(std::uint32_t now);
  Result<void> agree(Bytes s1, DigestScheme scheme);

  Kind kind_;
  Random random_;
  std::optional<rtmpe::KeyPair> keys_;
  std::unique_ptr<rtmpe::Ciphers> ciphers_;
  std::vector<std::uint8_t> received_;  // S0, S1, S2 as far as they have come
  std::vector<std::uint8_t> output_;
  bool answered_ = false;
  bool done_ = false;
};

// The server's side. When C1 carries a digest S1 does too, in the same scheme; otherwise S1's
// version bytes are zero. S2 goes out with S1, before C2 has come: many clients wait for it. C2 is
// not verified: real publishers echo S1 whatever it holds.
class ServerHandshake {
 public:
  // What clients may speak. The first byte tells which it is.
  struct Accepts {
    bool plain = true;
    bool encrypted = false;  // RTMPE, always with digests
  };

  ServerHandshake(std::uint32_t epoch, const Random& random, Accepts accepts = {true, false});

  Result<void> receive(Bytes& input, std::uint32_t now);
  std::vector<std::uint8_t> take_output() { return std::move(output_); }
  bool done() const { return done_; }
  // Both as the client's.
  std::unique_ptr<rtmpe::Ciphers> take_ciphers() { return std::move(ciphers_); }
  swf::Key swf_key() const { return swf_key_; }

 private:
  bool speaks(std::uint8_t version) const;
  Result<void> answer(std::uint32_t now);
  Result<rtmpe::Key> agree(Bytes c1, DigestScheme scheme);

  std::uint32_t epoch_;
  Random random_;
  Accepts accepts_;
  swf::Key swf_key_ = {};
  std::unique_ptr<rtmpe::Ciphers> ciphers_;
  std::vector<std::uint8_t> received_;  // C0, C1, then C2
  std::vector<std::uint8_t> output_;
  bool answered_ = false;
  bool done_ = false;
};

}  // namespace rtmp
