// What SOCKS version 5 says: RFC 1928, and RFC 1929 for a user and a password.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtmp/bytes.h"

namespace net::socks5 {

using Message = std::vector<std::uint8_t>;

enum class Method : std::uint8_t { open = 0, password = 2, none_acceptable = 0xff };

// RFC 1928, 3: the methods that we know; with a password both.
Message write_greeting(bool with_password);
constexpr std::size_t method_size = 2;
// Nothing if it is not this protocol.
std::optional<Method> read_method(rtmp::Bytes answer);

// RFC 1929, 2. Both at most 255 bytes.
Message write_login(std::string_view user, std::string_view password);
constexpr std::size_t login_answer_size = 2;
bool is_accepted(rtmp::Bytes login_answer);

// RFC 1928, 4: names are the proxy's to look up; addresses go as what they are.
Message write_connect(const std::string& host, std::uint16_t port);

// RFC 1928, 6. A reply is this and, if it is good, an address of a length that is told at its
// front.
enum class Reply : std::uint8_t {
  succeeded = 0,
  failure = 1,
  forbidden = 2,
  network_unreachable = 3,
  host_unreachable = 4,
  refused = 5,
  expired = 6,
  unknown_command = 7,
  unknown_address = 8,
};
constexpr std::size_t reply_size = 2;
// Nothing if it is not this protocol.
std::optional<Reply> read_reply(rtmp::Bytes reply);
std::string to_text(Reply reply);
// What stands behind a good reply: a byte, the address' kind and its first byte; then the rest.
constexpr std::size_t address_head_size = 3;
std::optional<std::size_t> rest_of_address(rtmp::Bytes head);

}  // namespace net::socks5
