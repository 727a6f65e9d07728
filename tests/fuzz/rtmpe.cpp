// RTMPE's handshake in both roles, its first block signed if the first byte says so: what comes of
// it does not depend on how it is cut, and it ends with ciphers or not at all.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz.h"
#include "rtmp/handshake.h"

namespace {

using namespace rtmp;

constexpr std::size_t expected = 1 + 2 * handshake_block_size;

struct Outcome {
  bool done = false;
  boost::system::error_code error = {};
  std::size_t taken = 0;
  std::vector<std::uint8_t> output = {};
  std::array<std::uint8_t, 16> key_stream = {};

  bool operator==(const Outcome&) const = default;
};

template <typename Handshake>
Outcome shake(Handshake handshake, Bytes bytes, std::size_t piece) {
  Outcome outcome;
  fuzz::in_pieces(bytes, piece, [&](Bytes input) {
    if (outcome.error || handshake.done()) return;
    const std::size_t size = input.size();
    if (const auto received = handshake.receive(input, 1000); !received)
      outcome.error = received.error();
    outcome.taken += size - input.size();
    const auto output = handshake.take_output();
    outcome.output.insert(outcome.output.end(), output.begin(), output.end());
  });
  outcome.done = handshake.done();
  LAW(outcome.done == (!outcome.error && outcome.taken == expected));
  const auto ciphers = handshake.take_ciphers();
  LAW(!outcome.done || ciphers);
  if (outcome.done) ciphers->in.apply(outcome.key_stream);
  return outcome;
}

template <typename Make>
void shake_both_ways(Make make, Bytes bytes, std::size_t piece) {
  const Outcome whole = shake(make(), bytes, 0), cut = shake(make(), bytes, piece);
  LAW(whole.error == cut.error && whole.done == cut.done);
  LAW(whole.error || whole == cut);
}

// The input with a digest in its first block, which else it would hardly ever have.
std::vector<std::uint8_t> signed_by(handshake::Role signer, Bytes bytes, DigestScheme scheme) {
  std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  if (copy.size() > handshake_block_size)
    handshake::sign_first_block(std::span(copy).subspan(1).first<handshake_block_size>(), scheme,
                                signer);
  return copy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using handshake::Role;
  fuzz::Input in(data, size);
  const std::uint8_t steering = in.byte();
  const bool server = steering & 1;
  const auto scheme = steering & 2 ? DigestScheme::key_first : DigestScheme::digest_first;
  const Random same = [](std::span<std::uint8_t> out) { std::ranges::fill(out, 0x5a); };
  const Bytes rest = in.rest();
  const auto bytes = steering & 4 ? std::vector<std::uint8_t>(rest.begin(), rest.end())
                                  : signed_by(server ? Role::client : Role::server, rest, scheme);
  const std::size_t piece = 1u + (steering >> 3) * 50u;
  if (server) {
    shake_both_ways([&] { return ServerHandshake(0, same, {false, true}); }, bytes, piece);
  } else {
    shake_both_ways([&] { return ClientHandshake(ClientHandshake::Kind::encrypted, 0, same); },
                    bytes, piece);
  }
  return 0;
}
