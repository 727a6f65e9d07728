// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/handshake.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "rtmp/crypto.h"

namespace rtmp {
namespace handshake {
namespace {

constexpr std::size_t digest_size = 32;
constexpr std::size_t head_size = 8;  // time and version, or both times
constexpr std::size_t signed_size = handshake_block_size - digest_size;

// Version bytes of the digest handshake, those of programs that every peer knows: Flash Player
// 9.0.124.2 and Flash Media Server 3.5.1.1. FFmpeg verifies S1 only from 3 upwards.
constexpr std::uint32_t client_version = 0x09007c02;
// What clients of RTMPE say.
constexpr std::uint32_t encrypting_version = 0x80000302;
constexpr std::uint32_t server_version = 0x03050101;
constexpr std::uint32_t no_version = 0;

// From this version byte on the peer speaks another protocol, probably text (§5.2.2).
constexpr std::uint8_t first_impossible_version = 32;

// Where a scheme keeps things: each place is the sum of four seed bytes, folded, behind a base.
struct Layout {
  std::size_t digest_seed, digest_base;
  std::size_t key_seed, key_base;
};

constexpr Layout layout_of(DigestScheme scheme) {
  return scheme == DigestScheme::digest_first ? Layout{8, 12, 1532, 772} : Layout{772, 776, 768, 8};
}

std::size_t fold(Bytes block, std::size_t seed, std::size_t places) {
  assert(block.size() == handshake_block_size);
  const Bytes bytes = block.subspan(seed, 4);
  return std::accumulate(bytes.begin(), bytes.end(), std::size_t{0}) % places;
}

// The text alone signs the first block; with the suffix it makes the key for the second.
struct Keys {
  Bytes text, full;
};

constexpr std::uint8_t client_key[] =
    "Genuine Adobe Flash Player 001"
    "\xf0\xee\xc2\x4a\x80\x68\xbe\xe8\x2e\x00\xd0\xd1\x02\x9e\x7e\x57"
    "\x6e\xec\x5d\x2d\x29\x80\x6f\xab\x93\xb8\xe6\x36\xcf\xeb\x31\xae";
constexpr std::uint8_t server_key[] =
    "Genuine Adobe Flash Media Server 001"
    "\xf0\xee\xc2\x4a\x80\x68\xbe\xe8\x2e\x00\xd0\xd1\x02\x9e\x7e\x57"
    "\x6e\xec\x5d\x2d\x29\x80\x6f\xab\x93\xb8\xe6\x36\xcf\xeb\x31\xae";

Keys keys_of(Role role) {
  const Bytes key = role == Role::client ? Bytes(client_key) : Bytes(server_key);
  const Bytes full = key.first(key.size() - 1);  // without the literal's NUL
  return {full.first(full.size() - 32), full};
}

Bytes digest_in(Bytes block, DigestScheme scheme) {
  return block.subspan(digest_offset(block, scheme), digest_size);
}

crypto::Sha256 first_block_digest(Bytes block, DigestScheme scheme, Role signer) {
  const std::size_t offset = digest_offset(block, scheme);
  return crypto::hmac_sha256(keys_of(signer).text,
                             {block.first(offset), block.subspan(offset + digest_size)});
}

Bytes key_in(Bytes block, DigestScheme scheme) {
  return block.subspan(key_offset(block, scheme), rtmpe::key_size);
}

crypto::Sha256 second_block_signature(Bytes block, Bytes digest, Role signer,
                                      std::uint8_t version) {
  const crypto::Sha256 key = crypto::hmac_sha256(keys_of(signer).full, {digest});
  crypto::Sha256 signature = crypto::hmac_sha256(key, {block.first(signed_size)});
  if (rtmpe::is_version(version)) rtmpe::encrypt_signature(version, signature, key);
  return signature;
}

void store(Block& block, std::size_t offset, std::uint32_t value) {
  const auto bytes = ByteWriter().u32(value).take();
  std::ranges::copy(bytes, block.begin() + static_cast<std::ptrdiff_t>(offset));
}

Block first_block(std::uint32_t time, std::uint32_t version, const Random& random) {
  Block block;
  store(block, 0, time);
  store(block, 4, version);
  random(std::span(block).subspan(head_size));
  return block;
}

// A first block with a digest, and before it a public key if there is one.
void finish_first_block(Block& block, DigestScheme scheme, Role signer, const rtmpe::Key* key) {
  if (key) std::ranges::copy(*key, std::span(block).subspan(key_offset(block, scheme)).begin());
  sign_first_block(block, scheme, signer);
}

swf::Key end_of(Bytes s1) {
  swf::Key key;
  std::ranges::copy(s1.last(key.size()), key.begin());
  return key;
}

Block echo(Bytes peer_block, std::uint32_t now) {
  Block block;
  std::ranges::copy(peer_block, block.begin());
  store(block, 4, now);
  return block;
}

// The answer to a first block in which the peer put a digest, or did not.
Block second_block(Bytes peer_block, std::optional<DigestScheme> scheme, Role signer,
                   std::uint8_t version, std::uint32_t now, const Random& random) {
  if (!scheme) return echo(peer_block, now);
  Block block;
  random(block);
  sign_second_block(block, digest_in(peer_block, *scheme), signer, version);
  return block;
}

// Moves bytes from the front of `input` until there are `size`; tells whether there are.
bool collect(std::vector<std::uint8_t>& received, Bytes& input, std::size_t size) {
  const Bytes taken = input.first(std::min(input.size(), size - received.size()));
  received.insert(received.end(), taken.begin(), taken.end());
  input = input.subspan(taken.size());
  return received.size() == size;
}

// Whoever signs says which player it is; without a version looking for a digest is in vain.
bool has_version(Bytes block) { return ByteReader(block.subspan(4)).u32() != 0; }

constexpr std::size_t up_to_first_block = 1 + handshake_block_size;
constexpr std::size_t up_to_second_block = up_to_first_block + handshake_block_size;

// The encrypted variants are other protocols behind the first byte, and so is TLS; other numbers
// mean version 3.
bool is_plain(std::uint8_t version) {
  constexpr std::uint8_t tls_handshake = 0x16;
  return version < first_impossible_version && !rtmpe::is_version(version) &&
         version != tls_handshake;
}

}  // namespace

std::size_t digest_offset(Bytes block, DigestScheme scheme) {
  const Layout layout = layout_of(scheme);
  return layout.digest_base + fold(block, layout.digest_seed, 728);
}

std::size_t key_offset(Bytes block, DigestScheme scheme) {
  const Layout layout = layout_of(scheme);
  return layout.key_base + fold(block, layout.key_seed, 632);
}

void sign_first_block(std::span<std::uint8_t, handshake_block_size> block, DigestScheme scheme,
                      Role signer) {
  const crypto::Sha256 digest = first_block_digest(block, scheme, signer);
  std::ranges::copy(digest, block.subspan(digest_offset(block, scheme)).begin());
}

std::optional<DigestScheme> find_digest(Bytes block, Role signer) {
  for (DigestScheme scheme : {DigestScheme::digest_first, DigestScheme::key_first})
    if (crypto::equal(digest_in(block, scheme), first_block_digest(block, scheme, signer)))
      return scheme;
  return std::nullopt;
}

void sign_second_block(std::span<std::uint8_t, handshake_block_size> block, Bytes peer_digest,
                       Role signer, std::uint8_t version) {
  const crypto::Sha256 signature = second_block_signature(block, peer_digest, signer, version);
  std::ranges::copy(signature, block.subspan(signed_size).begin());
}

bool second_block_is_signed(Bytes block, Bytes own_digest, Role signer, std::uint8_t version) {
  return crypto::equal(block.subspan(signed_size),
                       second_block_signature(block, own_digest, signer, version));
}

}  // namespace handshake

using namespace handshake;

// --- the client

// Clients of RTMPE use the other scheme than those of plain digests.
ClientHandshake::ClientHandshake(Kind kind, std::uint32_t epoch, const Random& random)
    : kind_(kind), random_(random) {
  const bool encrypted = kind == Kind::encrypted;
  Block c1 = first_block(epoch,
                         encrypted              ? encrypting_version
                         : kind == Kind::digest ? client_version
                                                : no_version,
                         random_);
  if (encrypted) keys_.emplace(random_);
  if (kind != Kind::simple)
    finish_first_block(c1, encrypted ? DigestScheme::key_first : DigestScheme::digest_first,
                       Role::client, encrypted ? &keys_->public_key() : nullptr);
  output_ = ByteWriter().u8(encrypted ? rtmpe::plain_signature : plain_version).bytes(c1).take();
}

bool ClientHandshake::speaks(std::uint8_t version) const {
  return kind_ == Kind::encrypted ? rtmpe::is_version(version) : version == plain_version;
}

Result<void> ClientHandshake::receive(Bytes& input, std::uint32_t now) {
  if (kind_ == Kind::encrypted && !rtmpe::available()) return Error::no_cipher;
  if (received_.empty() && !input.empty() && !speaks(input[0])) return Error::unsupported_version;
  if (!answered_ && collect(received_, input, up_to_first_block))
    if (const Result<void> answered = answer(now); !answered) return answered;
  if (answered_) done_ = collect(received_, input, up_to_second_block);
  return {};
}

// A server that ignores the digest of C1 gets what every server understands, the echo.
Result<void> ClientHandshake::answer(std::uint32_t now) {
  const Bytes s1 = Bytes(received_).subspan(1);
  std::optional<DigestScheme> scheme;
  if (kind_ != Kind::simple) scheme = find_digest(s1, Role::server);
  if (kind_ == Kind::encrypted) {
    if (!scheme) return Error::bad_digest;
    if (const Result<void> agreed = agree(s1, *scheme); !agreed) return agreed;
  }
  const Block c2 = second_block(s1, scheme, Role::client, received_[0], now, random_);
  output_.insert(output_.end(), c2.begin(), c2.end());
  answered_ = true;
  return {};
}

swf::Key ClientHandshake::swf_key() const {
  assert(done_);
  return end_of(Bytes(received_).subspan(1, handshake_block_size));
}

Result<void> ClientHandshake::agree(Bytes s1, DigestScheme scheme) {
  const Bytes peer = key_in(s1, scheme);
  const auto secret = keys_->agree(peer);
  if (!secret) return Error::bad_key;
  ciphers_ =
      std::make_unique<rtmpe::Ciphers>(rtmpe::make_ciphers(*secret, keys_->public_key(), peer));
  return {};
}

// --- the server

ServerHandshake::ServerHandshake(std::uint32_t epoch, const Random& random, Accepts accepts)
    : epoch_(epoch), random_(random), accepts_(accepts) {}

bool ServerHandshake::speaks(std::uint8_t version) const {
  return rtmpe::is_version(version) ? accepts_.encrypted : accepts_.plain && is_plain(version);
}

Result<void> ServerHandshake::receive(Bytes& input, std::uint32_t now) {
  if (received_.empty() && !input.empty() && !speaks(input[0])) return Error::unsupported_version;
  if (!answered_ && collect(received_, input, up_to_first_block))
    if (const Result<void> answered = answer(now); !answered) return answered;
  if (answered_) done_ = collect(received_, input, up_to_second_block);
  return {};
}

Result<void> ServerHandshake::answer(std::uint32_t now) {
  const Bytes c1 = Bytes(received_).subspan(1);
  const bool encrypted = rtmpe::is_version(received_[0]);
  const std::uint8_t version = encrypted ? received_[0] : plain_version;
  std::optional<DigestScheme> scheme;
  if (has_version(c1)) scheme = find_digest(c1, Role::client);
  Block s1 = first_block(epoch_, scheme ? server_version : no_version, random_);
  std::optional<rtmpe::Key> key;
  if (encrypted) {
    if (!scheme) return Error::bad_digest;
    const Result<rtmpe::Key> agreed = agree(c1, *scheme);
    if (!agreed) return agreed.error();
    key = *agreed;
  }
  if (scheme) finish_first_block(s1, *scheme, Role::server, key ? &*key : nullptr);
  swf_key_ = end_of(s1);
  const Block s2 = second_block(c1, scheme, Role::server, version, now, random_);
  output_ = ByteWriter().u8(version).bytes(s1).bytes(s2).take();
  answered_ = true;
  return {};
}

// Answers our public key. librtmp, built with OpenSSL, leaves out the secret's leading zeros, so
// that it ends up with other ciphers: we draw until there are none.
Result<rtmpe::Key> ServerHandshake::agree(Bytes c1, DigestScheme scheme) {
  if (!rtmpe::available()) return Error::no_cipher;
  constexpr int draws = 4;  // one in 256 has any
  const Bytes peer = key_in(c1, scheme);
  for (int draw = 1;; ++draw) {
    const rtmpe::KeyPair keys(random_);
    const auto secret = keys.agree(peer);
    if (!secret) return Error::bad_key;
    if (secret->front() == 0 && draw < draws) continue;
    ciphers_ =
        std::make_unique<rtmpe::Ciphers>(rtmpe::make_ciphers(*secret, keys.public_key(), peer));
    return keys.public_key();
  }
}

}  // namespace rtmp
