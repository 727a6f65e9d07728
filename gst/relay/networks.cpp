// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/networks.h"

#include <algorithm>
#include <sstream>

namespace relay {
namespace {

namespace ip = boost::asio::ip;
using boost::system::error_code;

// Of "127.0.0.1:4711", "[::1]:4711" or either without a port. Nothing of a unix socket.
std::optional<ip::address> address_of(std::string_view text) {
  if (text.starts_with('[')) {
    text.remove_prefix(1);
    text = text.substr(0, text.find(']'));
  } else if (std::ranges::count(text, ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  error_code error;
  const auto address = ip::make_address(text, error);
  if (error) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

bool contains(const ip::network_v4& network, const ip::address& address) {
  return address.is_v4() &&
         ip::network_v4(address.to_v4(), network.prefix_length()).canonical() == network;
}

// A scope ("%eth0") is no part of an address's network.
bool contains(const ip::network_v6& network, const ip::address& address) {
  if (!address.is_v6()) return false;
  const ip::address_v6 plain(address.to_v6().to_bytes());
  return ip::network_v6(plain, network.prefix_length()).canonical() == network;
}

}  // namespace

std::optional<Networks> Networks::read(std::string_view list) {
  Networks networks;
  std::istringstream in{std::string(list)};
  for (std::string word; std::getline(in, word, ',');)
    if (!networks.add(word)) return std::nullopt;
  return networks.empty() ? std::nullopt : std::optional(networks);
}

bool Networks::add(std::string word) {
  std::erase(word, ' ');
  if (word == "local") {
    networks_.push_back(ip::network_v4(ip::address_v4::loopback(), 8).canonical());
    networks_.push_back(ip::network_v6(ip::address_v6::loopback(), 128));
    return true;
  }
  const bool is_v4 = std::ranges::count(word, ':') == 0;
  if (std::ranges::count(word, '/') == 0) word += is_v4 ? "/32" : "/128";
  error_code error;
  if (is_v4)
    networks_.push_back(ip::make_network_v4(word, error).canonical());
  else
    networks_.push_back(ip::make_network_v6(word, error).canonical());
  return !error;
}

bool Networks::contain(const std::string& address) const {
  const ip::address from = address_of(address).value_or(ip::address_v4::loopback());
  return std::ranges::any_of(networks_, [&](const Network& network) {
    return std::visit([&](const auto& of_family) { return contains(of_family, from); }, network);
  });
}

}  // namespace relay
