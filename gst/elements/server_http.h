// What a server's elements say of its HTTP side.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/server_properties.h"
#include "relay/web.h"

namespace server_http {

// `add` installs a property.
void install(const std::function<void(GParamSpec*)>& add);
GParamSpec* make_current_port();

// Nothing if it is off.
std::optional<relay::Web::Settings> settings(const server_properties::Values& values);

// Posts that it cannot listen.
void post(GstElement* element, const relay::Web::Settings& wanted,
          const boost::system::error_code& error);

}  // namespace server_http
