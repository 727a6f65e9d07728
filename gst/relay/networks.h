// Networks, as an operator lists them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace relay {

// "10.0.0.0/8,::1,local": addresses, such with the length of their prefix, or `local`, this
// machine.
class Networks {
 public:
  // Nothing if it cannot be read, or names none.
  static std::optional<Networks> read(std::string_view list);

  // `address` with or without port. Unix sockets are this machine.
  bool contain(const std::string& address) const;
  bool empty() const { return networks_.empty(); }

 private:
  using Network = std::variant<boost::asio::ip::network_v4, boost::asio::ip::network_v6>;

  bool add(std::string word);

  std::vector<Network> networks_;
};

}  // namespace relay
