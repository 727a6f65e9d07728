// What a server's elements say of who may publish and play.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/server_properties.h"
#include "relay/access.h"

namespace server_access {

// all, publish, play
GType wishes_type();

// `add` installs a property.
void install(const std::function<void(GParamSpec*)>& add);

bool has(std::string_view property);

// What the properties say, the file's rules first; the sentence `fault` if they cannot be read.
void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::string& fault);

}  // namespace server_access
