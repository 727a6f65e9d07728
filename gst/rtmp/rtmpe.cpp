// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/rtmpe.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <algorithm>
#include <cassert>
#include <string_view>

#include "rtmp/crypto.h"

namespace rtmp::rtmpe {
namespace {

// --- what OpenSSL keeps apart

// The provider is loaded for us alone: the process need not get old ciphers because of RTMPE. For
// ever, as is what comes from it.
OSSL_LIB_CTX* legacy_library() {
  static OSSL_LIB_CTX* const library = [] {
    OSSL_LIB_CTX* made = OSSL_LIB_CTX_new();
    if (OSSL_PROVIDER_load(made, "legacy")) return made;
    ERR_clear_error();
    OSSL_LIB_CTX_free(made);
    return static_cast<OSSL_LIB_CTX*>(nullptr);
  }();
  return library;
}

EVP_CIPHER* legacy_cipher(const char* name) {
  return legacy_library() ? EVP_CIPHER_fetch(legacy_library(), name, nullptr) : nullptr;
}

const EVP_CIPHER* rc4() {
  static const EVP_CIPHER* const cipher = legacy_cipher("RC4");
  return cipher;
}

const EVP_CIPHER* blowfish() {
  static const EVP_CIPHER* const cipher = legacy_cipher("BF-ECB");
  return cipher;
}

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Context start_cipher(const EVP_CIPHER* cipher, Bytes key) {
  Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  [[maybe_unused]] const bool started =
      EVP_EncryptInit_ex(context.get(), cipher, nullptr, nullptr, nullptr) &&
      EVP_CIPHER_CTX_set_key_length(context.get(), static_cast<int>(key.size())) &&
      EVP_CIPHER_CTX_set_padding(context.get(), 0) &&
      EVP_EncryptInit_ex(context.get(), nullptr, nullptr, key.data(), nullptr);
  assert(started);
  return context;
}

void run_cipher(EVP_CIPHER_CTX* context, Bytes from, std::span<std::uint8_t> to) {
  assert(from.size() == to.size());
  int size = 0;
  [[maybe_unused]] const int done =
      EVP_EncryptUpdate(context, to.data(), &size, from.data(), static_cast<int>(from.size()));
  assert(done && static_cast<std::size_t>(size) == from.size());
}

// --- the group

using Number = std::unique_ptr<BIGNUM, decltype(&BN_clear_free)>;

Number number(BIGNUM* value = BN_new()) { return {value, BN_clear_free}; }
Number number(Bytes bytes) {
  return number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

Key to_key(const Number& value) {
  Key key;
  [[maybe_unused]] const int written = BN_bn2binpad(value.get(), key.data(), key.size());
  assert(written == static_cast<int>(key.size()));
  return key;
}

Number prime() { return number(BN_get_rfc2409_prime_1024(nullptr)); }

Key power(const Number& base, Bytes exponent) {
  const std::unique_ptr<BN_CTX, decltype(&BN_CTX_free)> scratch(BN_CTX_new(), BN_CTX_free);
  const Number secret = number(exponent);
  BN_set_flags(secret.get(), BN_FLG_CONSTTIME);
  const Number result = number();
  [[maybe_unused]] const int done =
      BN_mod_exp(result.get(), base.get(), secret.get(), prime().get(), scratch.get());
  assert(done);
  return to_key(result);
}

// 2 .. Q - 1, Q = (P - 1) / 2 being the order of the group that 2 generates.
Key draw_private_key(const Random& random) {
  Key drawn;
  random(drawn);
  const std::unique_ptr<BN_CTX, decltype(&BN_CTX_free)> scratch(BN_CTX_new(), BN_CTX_free);
  const Number limit = prime();
  const Number key = number();
  BN_rshift1(limit.get(), limit.get());
  BN_sub_word(limit.get(), 2);
  BN_mod(key.get(), number(drawn).get(), limit.get(), scratch.get());
  BN_add_word(key.get(), 2);
  return to_key(key);
}

bool is_public_key(const Number& key) {
  const Number last = prime();
  BN_sub_word(last.get(), 2);
  return BN_cmp(key.get(), BN_value_one()) > 0 && BN_cmp(key.get(), last.get()) <= 0;
}

// --- signatures

// Each has a sixteenth key, which is never used.
constexpr std::size_t signature_keys = 15;

constexpr std::array<std::string_view, signature_keys> xtea_keys = {
    "b234f0bf1f08d91195b7dfcc32e78d74", "b65e6a080e094317b85af06ee2395afe",
    "6f95107b2105ce763aa78823a1490144", "17f343a9b21bf1ebeea591a63963f317",
    "0ae0307a2ce229b5a5ae87a0ac79cbc0", "230ccebdffdeeb2f16aefa1c9d232311",
    "7b3fdd552ee6e77799c4b89be41e48c9", "b4b67b403691e87155bfaea739b833ca",
    "c3bdf6fc97363cb625f8e47cb259d904", "fd91e0284c4c954100dbb77ff866a0e3",
    "765b8457031b254fcd5bd446290dc3a2", "f8eecc0a46b555da523447033b716358",
    "dc7520b8ee1f5fa7e86842d8cc442aa7", "9e6ecf07257b6da16caea79f29562fd9",
    "e4eab1fee13c8c8ca764004e2a7c386a"};

constexpr std::array<std::string_view, signature_keys> blowfish_keys = {
    "7934774c67d1383adfb356be8b7bd02438e07358415d6967",
    "46f6b4cc0193e3a19e7d3c655586fd098ff7b3c46f41ca5c",
    "1ae7e2f3f9147994c0d39743087bb384432f9d843f21019b",
    "d3e354b0f71df62b5a434d0483643e0d592f61cbb16a590d",
    "c8c1e9b8165699217b5b36b7b59bdf06492c97f59548857e",
    "ebe5e62ea4bad42cf216e08f6623a94341ce381484950053",
    "66db90f03b4ff56fe49c2089355ed2b2c39e9f7f63b22881",
    "bb20aced2a046a1994989bc8ffcd93efc60d56a7eb13d930",
    "bcf2438209408a8725436de6bba4b944583f217c99bb3f24",
    "ec1aaacdcebd5311d2fb83b6c3baab4f6279e865a9922876",
    "c60c300391182d7b79dae1d564779a12c5b1d7914f964ca3",
    "d77c2abfa6e7857c45adff1294d8dea45c3d79a444025d22",
    "16190d816a4cc7f8b8f94ecd2c9e9084b2082560e11eae18",
    "e97c58261b519e49826061fca0a01bcdf505d6a66d0788a3",
    "2b97118bd94ed9df20e39c10e6a1352111f9130d0b2465b2"};

constexpr std::size_t block_size = 8;
using Block = std::span<std::uint8_t, block_size>;

std::uint32_t load(Bytes bytes) {
  return static_cast<std::uint32_t>(bytes[0] | bytes[1] << 8 | bytes[2] << 16) |
         static_cast<std::uint32_t>(bytes[3]) << 24;
}

void store(std::uint32_t value, std::span<std::uint8_t> bytes) {
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(value >> 8 * i);
}

// 32 cycles over two words, all of them little-endian.
void xtea(Bytes key, Block block) {
  constexpr std::uint32_t delta = 0x9E3779B9;
  const auto mix = [&](std::uint32_t word, std::uint32_t sum, std::uint32_t part) {
    return (((word << 4) ^ (word >> 5)) + word) ^ (sum + load(key.subspan(4 * (part & 3), 4)));
  };
  std::uint32_t left = load(block.first(4)), right = load(block.last(4)), sum = 0;
  for (int cycle = 0; cycle < 32; ++cycle) {
    left += mix(right, sum, sum);
    sum += delta;
    right += mix(left, sum, sum >> 11);
  }
  store(left, block.first(4));
  store(right, block.last(4));
}

// Of Adobe's Blowfish the halves of a block are little-endian, everybody else's are big-endian.
void blowfish(Bytes key, Block block) {
  const auto swap_halves = [&] {
    std::ranges::reverse(block.first(4));
    std::ranges::reverse(block.last(4));
  };
  swap_halves();
  run_cipher(start_cipher(blowfish(), key).get(), block, block);
  swap_halves();
}

Rc4 cipher_for_reader(Bytes secret, Bytes readers_public_key) {
  const crypto::Sha256 code = crypto::hmac_sha256(secret, {readers_public_key});
  Rc4 cipher(Bytes(code).first(16));
  std::array<std::uint8_t, 1536> skipped = {};  // as if it had encrypted a block of the handshake
  cipher.apply(skipped);
  return cipher;
}

}  // namespace

bool available() { return rc4() && blowfish(); }

Rc4::Rc4(Bytes key) : context_(start_cipher(rc4(), key).release()) {}

void Rc4::Free::operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }

void Rc4::apply(Bytes from, std::span<std::uint8_t> to) { run_cipher(context_.get(), from, to); }

KeyPair::KeyPair(const Random& random) : private_(draw_private_key(random)) {
  const Number generator = number();
  BN_set_word(generator.get(), 2);
  public_ = power(generator, private_);
}

std::optional<Key> KeyPair::agree(Bytes peer) const {
  const Number key = number(peer);
  if (!is_public_key(key)) return std::nullopt;
  return power(key, private_);
}

Ciphers make_ciphers(Bytes secret, Bytes own_public, Bytes peer_public) {
  return {cipher_for_reader(secret, own_public), cipher_for_reader(secret, peer_public)};
}

void encrypt_signature(std::uint8_t version, std::span<std::uint8_t, 32> signature, Bytes key) {
  for (std::size_t at = 0; at < signature.size(); at += block_size) {
    const std::size_t index = key[at] % signature_keys;
    const Block block(signature.subspan(at).first<block_size>());
    if (version == xtea_signature) xtea(*crypto::from_hex(xtea_keys[index]), block);
    if (version == blowfish_signature) blowfish(*crypto::from_hex(blowfish_keys[index]), block);
  }
}

}  // namespace rtmp::rtmpe
