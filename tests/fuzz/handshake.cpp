// Both sides' handshakes; a first byte says which one, and how its input is cut.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/handshake.h"

#include "fuzz.h"

namespace {

using namespace rtmp;

constexpr std::size_t expected = 1 + 2 * handshake_block_size;

template <typename Handshake>
void shake(Handshake handshake, Bytes bytes, std::size_t piece) {
  std::size_t taken = 0;
  bool failed = false;
  fuzz::in_pieces(bytes, piece, [&](Bytes input) {
    if (failed || handshake.done()) return;
    const std::size_t size = input.size();
    failed = !handshake.receive(input, 1000);
    taken += size - input.size();
    (void)handshake.take_output();
  });
  LAW(taken <= expected);
  LAW(handshake.done() == (!failed && taken == expected));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in(data, size);
  const std::uint8_t steering = in.byte();
  const Random zeros = [](std::span<std::uint8_t> out) { std::ranges::fill(out, 0); };
  const std::size_t piece = steering < 32 ? 0 : steering * 8;
  switch (steering % 3) {
    case 0:
      shake(ServerHandshake(0, zeros), in.rest(), piece);
      break;
    case 1:
      shake(ClientHandshake(ClientHandshake::Kind::simple, 0, zeros), in.rest(), piece);
      break;
    default:
      shake(ClientHandshake(ClientHandshake::Kind::digest, 0, zeros), in.rest(), piece);
  }
  return 0;
}
