// What a server's elements say of other servers that streams go to and come from.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/server_properties.h"

namespace server_routes {

// `add` installs a property.
void install(const std::function<void(GParamSpec*)>& add);

// What the properties say; the sentence `fault` if they cannot be read.
void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::string& fault);

// A route in `stats`, and, by another name, in an element message.
GstStructure* to_structure(const char* name, const relay::RouteStats& stats);

}  // namespace server_routes
