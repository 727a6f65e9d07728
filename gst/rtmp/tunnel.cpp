// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/tunnel.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace rtmp::tunnel {
namespace {

using Kind = Request::Kind;

constexpr std::size_t max_id = 63;
constexpr std::uint64_t max_early = 8;
// Answers in a row that say nothing before the client is asked to wait longer.
constexpr unsigned patience = 10;
constexpr std::uint8_t longest = 32;

struct Verb {
  std::string_view path;
  Kind kind;
};
constexpr std::array verbs{Verb{"/send/", Kind::send}, Verb{"/idle/", Kind::idle},
                           Verb{"/close/", Kind::close}};

bool is_id(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == '~';
  };
  return !text.empty() && text.size() <= max_id && std::ranges::all_of(text, fits);
}

std::optional<std::uint64_t> read_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "ID/NUMBER"
std::optional<Request> read_place(Kind kind, std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || !is_id(text.substr(0, slash))) return std::nullopt;
  const auto number = read_number(text.substr(slash + 1));
  if (!number) return std::nullopt;
  return Request{kind, std::string(text.substr(0, slash)), *number};
}

}  // namespace

std::optional<Request> read_target(std::string_view target) {
  if (target == "/fcs/ident2") return Request{Kind::ident};
  if (target == "/open/1") return Request{Kind::open};
  for (const Verb& verb : verbs)
    if (target.starts_with(verb.path))
      return read_place(verb.kind, target.substr(verb.path.size()));
  return std::nullopt;
}

std::string write_target(const Request& request) {
  if (request.kind == Kind::ident) return "/fcs/ident2";
  if (request.kind == Kind::open) return "/open/1";
  const auto verb = std::ranges::find(verbs, request.kind, &Verb::kind);
  return std::string(verb->path) + request.session + "/" + std::to_string(request.number);
}

std::optional<std::string> read_session_id(std::string_view body) {
  const std::size_t end = body.find_last_not_of(" \t\r\n");
  const std::string_view id = body.substr(0, end == std::string_view::npos ? 0 : end + 1);
  return is_id(id) ? std::optional<std::string>(id) : std::nullopt;
}

std::uint8_t Interval::next(bool answer_is_empty) {
  if (!answer_is_empty) {
    extra_ = 0;
    empty_ = 0;
  } else if (++empty_ > patience) {
    extra_ = std::clamp<std::uint8_t>(static_cast<std::uint8_t>(extra_ * 2), 2, longest);
    empty_ = 0;
  }
  return static_cast<std::uint8_t>(1 + extra_);
}

Duration pause(std::uint8_t interval) { return std::chrono::milliseconds(16 * interval); }

Order::Place Order::place(std::uint64_t number) {
  if (!next_) {
    if (number > 1) return Place::wrong;
    next_ = number;
  }
  if (number == *next_) return Place::turn;
  if (number + 1 == *next_) return Place::again;
  return number > *next_ && number - *next_ <= max_early ? Place::early : Place::wrong;
}

}  // namespace rtmp::tunnel
