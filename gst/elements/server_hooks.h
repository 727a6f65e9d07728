// What a server's elements say of web services that decide and are told.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/server_properties.h"
#include "relay/hooks.h"

namespace server_hooks {

// `add` installs a property.
void install(const std::function<void(GParamSpec*)>& add);

// As the properties say; null for none, or with the sentence `fault` if one of them cannot be used.
// `on_fault` as relay::Hooks says.
std::shared_ptr<relay::Hooks> make(const server_properties::Values& values,
                                   std::function<void(const std::string&)> on_fault,
                                   std::string& fault);

}  // namespace server_hooks
