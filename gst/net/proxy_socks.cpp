// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/proxy_socks.h"

#include <array>
#include <boost/asio/ip/address.hpp>
#include <cassert>

namespace net::socks5 {
namespace {

constexpr std::uint8_t version = 5;
constexpr std::uint8_t login_version = 1;
constexpr std::uint8_t connect_command = 1;
constexpr std::size_t longest = 255;

enum AddressKind : std::uint8_t { ip_v4 = 1, name = 3, ip_v6 = 4 };

void write_counted(rtmp::ByteWriter& out, std::string_view text) {
  assert(text.size() <= longest);
  out.u8(static_cast<std::uint32_t>(text.size())).text(text);
}

void write_address(rtmp::ByteWriter& out, const std::string& host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (error) {
    write_counted(out.u8(name), host);
  } else if (address.is_v4()) {
    out.u8(ip_v4).bytes(address.to_v4().to_bytes());
  } else {
    out.u8(ip_v6).bytes(address.to_v6().to_bytes());
  }
}

}  // namespace

Message write_greeting(bool with_password) {
  if (!with_password) return {version, 1, static_cast<std::uint8_t>(Method::open)};
  return {version, 2, static_cast<std::uint8_t>(Method::open),
          static_cast<std::uint8_t>(Method::password)};
}

std::optional<Method> read_method(rtmp::Bytes answer) {
  if (answer.size() != method_size || answer[0] != version) return std::nullopt;
  return static_cast<Method>(answer[1]);
}

Message write_login(std::string_view user, std::string_view password) {
  rtmp::ByteWriter out;
  out.u8(login_version);
  write_counted(out, user);
  write_counted(out, password);
  return out.take();
}

// Of the version some proxies say that it is SOCKS'.
bool is_accepted(rtmp::Bytes login_answer) {
  return login_answer.size() == login_answer_size && login_answer[1] == 0;
}

Message write_connect(const std::string& host, std::uint16_t port) {
  rtmp::ByteWriter out;
  out.u8(version).u8(connect_command).u8(0);
  write_address(out, host);
  return out.u16(port).take();
}

std::optional<Reply> read_reply(rtmp::Bytes reply) {
  if (reply.size() != reply_size || reply[0] != version) return std::nullopt;
  return static_cast<Reply>(reply[1]);
}

std::string to_text(Reply reply) {
  constexpr std::array<const char*, 9> texts = {"it succeeded",
                                                "it failed",
                                                "its rules forbid it",
                                                "the network is unreachable",
                                                "the host is unreachable",
                                                "the connection was refused",
                                                "the host did not answer",
                                                "it makes no connections for others",
                                                "it does not take this kind of address"};
  const auto code = static_cast<std::size_t>(reply);
  return code < texts.size() ? texts[code] : "it says " + std::to_string(code);
}

std::optional<std::size_t> rest_of_address(rtmp::Bytes head) {
  constexpr std::size_t port = 2;
  if (head.size() != address_head_size) return std::nullopt;
  switch (head[1]) {
    case ip_v4:
      return 4 - 1 + port;
    case ip_v6:
      return 16 - 1 + port;
    case name:
      return head[2] + port;
    default:
      return std::nullopt;
  }
}

}  // namespace net::socks5
