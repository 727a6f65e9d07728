// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/proxy_header.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <vector>

namespace net {
namespace {

namespace ip = boost::asio::ip;
using rtmp::Bytes;
using rtmp::Error;

using Read = rtmp::Result<std::optional<ProxyHeader>>;

// --- version 1, a line of text

constexpr std::string_view line_start = "PROXY ";
constexpr std::string_view line_end = "\r\n";
constexpr std::size_t max_line = 107;

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t end = line.find(' ');
    words.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return words;
    line.remove_prefix(end + 1);
  }
}

std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  const bool padded = text.size() > 1 && text.front() == '0';
  return whole && !padded ? std::optional(port) : std::nullopt;
}

std::string to_text(const ip::address& address, std::uint16_t port) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return to_text(ip::make_address_v4(ip::v4_mapped, address.to_v6()), port);
  const std::string text = address.to_string();
  return (address.is_v6() ? "[" + text + "]" : text) + ":" + std::to_string(port);
}

// The source's and the destination's address and port: of the destination nothing but that it can
// be read.
std::optional<std::string> read_client(const std::vector<std::string_view>& words, bool v6) {
  if (words.size() != 6) return std::nullopt;
  std::array<ip::address, 2> addresses;
  for (std::size_t i = 0; i < 2; ++i) {
    boost::system::error_code error;
    addresses[i] = ip::make_address(std::string(words[2 + i]), error);
    if (error || addresses[i].is_v6() != v6 || words[2 + i].find('%') != std::string_view::npos)
      return std::nullopt;
  }
  const auto port = read_port(words[4]);
  if (!port || !read_port(words[5])) return std::nullopt;
  return to_text(addresses[0], *port);
}

Read read_line(std::string_view text) {
  const std::string_view possible = text.substr(0, max_line);
  const std::size_t end = possible.find(line_end);
  if (end == std::string_view::npos) {
    if (text.size() >= max_line) return Error::bad_proxy_header;
    return std::optional<ProxyHeader>();
  }
  ProxyHeader header{.size = end + line_end.size()};
  const auto words = split(possible.substr(0, end));
  if (words[1] == "UNKNOWN") return header;
  if (words[1] != "TCP4" && words[1] != "TCP6") return Error::bad_proxy_header;
  header.client = read_client(words, words[1] == "TCP6");
  if (!header.client) return Error::bad_proxy_header;
  return header;
}

// --- version 2, in bytes

constexpr std::array<std::uint8_t, 12> signature = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                                    0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
constexpr std::size_t fixed_size = 16;
constexpr unsigned version = 2;

enum class Family : unsigned { unspecified, v4, v6, unix_socket };
enum class Command : unsigned { local, proxy };

constexpr std::size_t unix_name_size = 108;

template <typename Address>
std::string read_address(rtmp::ByteReader& in) {
  typename Address::bytes_type bytes;
  std::ranges::copy(in.bytes(bytes.size()), bytes.begin());
  in.skip(bytes.size());  // the destination's
  return to_text(Address(bytes), in.u16());
}

// The block is at least as long as its addresses; what follows them there (TLVs) says nothing that
// we need.
rtmp::Result<std::optional<std::string>> read_block(unsigned family, Bytes block) {
  constexpr std::array<std::size_t, 4> sizes = {0, 12, 36, 2 * unix_name_size};
  if (family >= sizes.size() || block.size() < sizes[family]) return Error::bad_proxy_header;
  rtmp::ByteReader in(block);
  switch (static_cast<Family>(family)) {
    case Family::v4:
      return read_address<ip::address_v4>(in);
    case Family::v6:
      return read_address<ip::address_v6>(in);
    case Family::unix_socket:
      return std::optional<std::string>("unix");
    case Family::unspecified:
      break;
  }
  return std::optional<std::string>();
}

Read read_binary(Bytes bytes) {
  if (bytes.size() < fixed_size) return std::optional<ProxyHeader>();
  rtmp::ByteReader in(bytes);
  in.skip(signature.size());
  const unsigned version_and_command = in.u8(), family_and_transport = in.u8();
  const std::size_t size = in.u16();
  const unsigned command = version_and_command & 0x0F;
  if (version_and_command >> 4 != version || command > static_cast<unsigned>(Command::proxy) ||
      fixed_size + size > max_proxy_header)
    return Error::bad_proxy_header;
  const Bytes block = in.bytes(size);
  if (!in.ok()) return std::optional<ProxyHeader>();
  ProxyHeader header{.size = fixed_size + size};
  if (command == static_cast<unsigned>(Command::local)) return header;
  auto client = read_block(family_and_transport >> 4, block);
  if (!client) return client.error();
  header.client = std::move(*client);
  return header;
}

// As far as there are bytes to compare.
bool begins(Bytes bytes, Bytes start) {
  const std::size_t size = std::min(bytes.size(), start.size());
  return std::ranges::equal(bytes.first(size), start.first(size));
}

}  // namespace

Read read_proxy_header(Bytes bytes) {
  if (begins(bytes, signature)) return read_binary(bytes);
  if (!begins(bytes, rtmp::as_bytes(line_start))) return Error::bad_proxy_header;
  if (bytes.size() < line_start.size()) return std::optional<ProxyHeader>();
  return read_line(rtmp::as_text(bytes));
}

}  // namespace net
