// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/http_target.h"

#include <algorithm>

namespace net {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return std::nullopt;
}

// The byte that "41" of "%41" stands for.
std::optional<char> read_byte(std::string_view digits) {
  if (digits.size() < 2) return std::nullopt;
  const auto high = hex_digit(digits[0]), low = hex_digit(digits[1]);
  if (!high || !low || (*high | *low) == 0) return std::nullopt;
  return static_cast<char>(*high << 4 | *low);
}

// In queries '+' is a space.
std::optional<std::string> decoded(std::string_view text, bool query) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const auto byte = read_byte(text.substr(i + 1));
      if (!byte) return std::nullopt;
      result += *byte;
      i += 2;
    } else if (static_cast<unsigned char>(text[i]) <= ' ' || text[i] == '\x7F') {
      return std::nullopt;
    } else {
      result += query && text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

// The part before the delimiter, which leaves `text` with it.
std::string_view cut(std::string_view& text, char delimiter) {
  const std::size_t end = std::min(text.find(delimiter), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool read_query(std::string_view text, HttpTarget& target) {
  while (!text.empty()) {
    std::string_view value = cut(text, '&');
    if (value.empty()) continue;
    const auto name = decoded(cut(value, '='), true), content = decoded(value, true);
    if (!name || !content) return false;
    target.query.emplace_back(*name, *content);
  }
  return true;
}

// RFC 9112 §3.2.2: "http://host/path" is "/path".
std::string_view without_origin(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  if (!text.starts_with(scheme)) return text;
  text.remove_prefix(scheme.size());
  text.remove_prefix(std::min(text.find('/'), text.size()));
  return text.empty() ? "/" : text;
}

}  // namespace

std::optional<std::string> HttpTarget::parameter(std::string_view name) const {
  const auto found = std::ranges::find(
      query, name, [](const auto& entry) { return std::string_view(entry.first); });
  return found == query.end() ? std::nullopt : std::optional(found->second);
}

std::optional<HttpTarget> read_http_target(std::string_view text) {
  text = without_origin(text);
  if (!text.starts_with('/')) return std::nullopt;
  HttpTarget target;
  const auto path = decoded(cut(text, '?'), false);
  if (!path || !read_query(text, target)) return std::nullopt;
  target.path = *path;
  return target;
}

}  // namespace net
