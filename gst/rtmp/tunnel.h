// RTMPT: RTMP's bytes in the bodies of HTTP requests and answers (docs/protocol/tunnel.md).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rtmp/clock.h"

namespace rtmp::tunnel {

constexpr std::string_view content_type = "application/x-fcs";
// An answer carries no more at once: what the client sends waits for its end.
constexpr std::size_t max_answer = 64 * 1024;

// What a request asks for. All are POST; the body of a send is RTMP, of the others one byte.
struct Request {
  enum class Kind {
    ident,  // "/fcs/ident2": where else the server is; nobody needs an answer
    open,   // "/open/1": the answer is the new session's id and a line's end
    send,   // "/send/ID/NUMBER": the answer is an interval byte and what the server has to say
    idle,   // "/idle/ID/NUMBER": the same without anything to send
    close,  // "/close/ID/NUMBER"
  };
  Kind kind = Kind::open;
  std::string session = {};
  std::uint64_t number = 0;
};

// The path of a request, or nothing if it is none of these.
std::optional<Request> read_target(std::string_view target);
std::string write_target(const Request& request);

// The id in the answer to open, or nothing if it is none that a path can hold.
std::optional<std::string> read_session_id(std::string_view body);

// The first byte of an answer: how long the client should wait before it asks again. It grows while
// there is nothing to say.
class Interval {
 public:
  std::uint8_t next(bool answer_is_empty);

 private:
  unsigned empty_ = 0;  // answers in a row with this value
  std::uint8_t extra_ = 0;
};
constexpr std::uint8_t session_closed = 0;  // in its place
Duration pause(std::uint8_t interval);

// The order of one session's requests at the server. Over several connections they may overtake one
// another, and one whose answer was lost comes again.
class Order {
 public:
  enum class Place {
    turn,   // its body is the next piece of the stream
    again,  // the one before: it gets the same answer
    early,  // others must come first
    wrong,
  };
  Place place(std::uint64_t number);
  // The one whose turn it was is answered.
  void advance() { ++*next_; }

 private:
  std::optional<std::uint64_t> next_;  // clients begin with 0 or with 1
};

}  // namespace rtmp::tunnel
