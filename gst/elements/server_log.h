// What a server's elements say of the log of clients that have gone.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/server_properties.h"

namespace server_log {

// `add` installs a property.
void install(const std::function<void(GParamSpec*)>& add);

bool has(std::string_view property);

// What the properties say; the sentence `fault` if they cannot be read, or the file not be written.
// `on_fault` as AccessLog says.
void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::function<void(const std::string&)> on_fault, std::string& fault);

}  // namespace server_log
