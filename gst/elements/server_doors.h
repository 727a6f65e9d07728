// What a server's elements say of how clients come in: through proxies, and by a unix socket.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/server_properties.h"

namespace server_doors {

// `add` installs a property.
void install(const std::function<void(GParamSpec*)>& add);

bool has(std::string_view property);

// What the properties say; the sentence `fault` if they cannot be read.
void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::string& fault);

}  // namespace server_doors
