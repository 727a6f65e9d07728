// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/text.h"

#include <algorithm>

#include "rtmp/url.h"

namespace relay {
namespace {

template <typename Replace>
std::string replaced(std::string_view text, Replace replacement) {
  std::string result;
  for (const char c : text) {
    const std::string_view other = replacement(c);
    if (other.empty())
      result += c;
    else
      result += other;
  }
  return result;
}

std::size_t port_begin(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  return colon == address.npos ? address.size() : colon;
}

}  // namespace

std::string xml_escaped(std::string_view text) {
  return replaced(rtmp::printable(text), [](char c) -> std::string_view {
    switch (c) {
      case '&':
        return "&amp;";
      case '<':
        return "&lt;";
      case '>':
        return "&gt;";
      case '"':
        return "&quot;";
      case '\'':
        return "&apos;";
      default:
        return {};
    }
  });
}

std::string label_escaped(std::string_view text) {
  return replaced(rtmp::printable(text), [](char c) -> std::string_view {
    if (c == '\\') return "\\\\";
    return c == '"' ? "\\\"" : "";
  });
}

std::string app_of(const std::string& stream) {
  const std::size_t slash = stream.rfind('/');
  return slash == stream.npos ? std::string() : stream.substr(0, slash);
}

std::string name_of(const std::string& stream) {
  const std::size_t slash = stream.rfind('/');
  return slash == stream.npos ? stream : stream.substr(slash + 1);
}

std::string host_of(const std::string& address) {
  const std::string host = address.substr(0, port_begin(address));
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

std::string port_of(const std::string& address) {
  return address.substr(std::min(port_begin(address) + 1, address.size()));
}

std::string codec_name(rtmp::media::Codec codec) {
  if (codec == rtmp::media::Codec::unknown) return {};
  std::string name(to_string(codec));
  if (name.starts_with("H.")) name.erase(1, 1);
  return name;
}

}  // namespace relay
