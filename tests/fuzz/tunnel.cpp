// What RTMPT's requests ask for, and the order in which they count.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/tunnel.h"

#include "fuzz.h"

namespace {

using namespace rtmp::tunnel;

void read(std::string_view text) {
  if (const auto request = read_target(text)) {
    const auto again = read_target(write_target(*request));
    LAW(again && again->kind == request->kind && again->session == request->session &&
        again->number == request->number);
  }
  if (const auto id = read_session_id(text)) {
    LAW(text.starts_with(*id));
    LAW(read_target(write_target({Request::Kind::send, *id, 7})));
  }
}

// Each number has its turn once, one after the other.
void order(rtmp::Bytes numbers) {
  Order order;
  Interval interval;
  std::optional<std::uint64_t> last;
  for (const std::uint8_t number : numbers) {
    const auto place = order.place(number);
    LAW(interval.next(number % 2 == 0) >= 1);
    if (place == Order::Place::again) LAW(last == number);
    if (place != Order::Place::turn) continue;
    LAW(last ? number == *last + 1 : number <= 1);
    order.advance();
    last = number;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read({reinterpret_cast<const char*>(data), size});
  order({data, size});
  return 0;
}
