// Which settings of a server are read together.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "elements/server_properties.h"
#include "relay/server.h"

namespace server_groups {

// From properties, or from the files that those name.
struct Group {
  bool (*has)(std::string_view property);
  void (*add_to)(relay::Server::Settings&, const server_properties::Values&, std::string& fault);
};

// Of properties that name files and secrets.
std::span<const Group> read_groups();
// Of all others.
const Group& plain_group();
const Group& group_of(std::string_view property);

// Of what goes on without having worked.
void log_fault(const std::string& fault);

}  // namespace server_groups
