// What a server's elements say of tokens (JWT).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/server_properties.h"

namespace server_token {

// `add` installs a property.
void install(const std::function<void(GParamSpec*)>& add);

bool has(std::string_view property);

// What the properties say; the sentence `fault` if something stands against it.
void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::string& fault);

}  // namespace server_token
