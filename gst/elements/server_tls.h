// What a server's elements say of TLS.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/server_properties.h"
#include "net/tls_server.h"
#include "relay/protocols.h"

namespace server_tls {

// `add` installs a property.
void install(const std::function<void(GParamSpec*)>& add);

bool has(std::string_view property);

// What the properties say; the sentence `fault` if something stands against it. `on_reload` as
// net::TlsServerSettings says. The settings' protocols are there before.
void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::function<void(const std::string&)> on_reload, std::string& fault);

}  // namespace server_tls
