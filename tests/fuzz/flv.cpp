// FLV as a stream, as single tags and as aggregates; a first byte says how the stream is cut.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/flv.h"

#include "fuzz.h"

namespace {

using namespace rtmp;

struct Outcome {
  std::vector<Message> messages;
  bool failed = false;
};

Outcome read_all(Bytes bytes, std::size_t piece) {
  flv::Reader reader(64 * 1024);
  Outcome outcome;
  fuzz::in_pieces(bytes, piece, [&](Bytes input) {
    if (outcome.failed) return;
    reader.receive(input);
    for (;;) {
      auto message = reader.next();
      outcome.failed = !message;
      if (!message || !*message) return;
      outcome.messages.push_back(**std::move(message));
    }
  });
  return outcome;
}

bool same(const Message& a, const Message& b) {
  return a.type == b.type && a.timestamp == b.timestamp &&
         std::ranges::equal(a.payload.bytes(), b.payload.bytes());
}

void check_tag(const Message& message) {
  const auto back = flv::read_tag(Buffer::adopt(flv::write_tag(message)));
  LAW(back && *back);
  LAW((*back)->type == message.type);
  LAW(std::ranges::equal((*back)->payload.bytes(), message.payload.bytes()));
}

void check_aggregate(Bytes bytes) {
  const Message aggregate{MessageType::aggregate, 1, 1000, Buffer::copy_of(bytes)};
  std::size_t size = 0;
  for (const Message& part : flv::split_aggregate(aggregate)) size += part.payload.size();
  LAW(size <= bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in(data, size);
  const std::size_t piece = in.byte() + 1u;
  const Bytes bytes = in.rest();
  const Outcome whole = read_all(bytes, 0);
  const Outcome pieces = read_all(bytes, piece);
  LAW(whole.failed == pieces.failed);
  LAW(std::ranges::equal(whole.messages, pieces.messages, same));
  for (const Message& message : whole.messages) check_tag(message);
  (void)flv::read_tag(Buffer::copy_of(bytes));
  check_aggregate(bytes);
  return 0;
}
