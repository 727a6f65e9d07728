// What a server's elements say of the protocols that clients may speak.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/server_properties.h"
#include "relay/server.h"

namespace server_protocols {

// `add` installs a property.
void install(const std::function<void(GParamSpec*)>& add);

// Adds what the properties say; the sentence `fault` if it cannot be done.
void read(const server_properties::Values& values, relay::Server::Settings& settings,
          std::string& fault);

}  // namespace server_protocols
