// What a server's elements say of SWF verification.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/server_properties.h"
#include "rtmp/swf.h"

namespace server_swf {

// `add` installs a property.
void install(const std::function<void(GParamSpec*)>& add);

// The file that clients must prove to have, if they must; the sentence `fault` if that cannot be
// done.
std::optional<rtmp::swf::Player> read(const server_properties::Values& values, std::string& fault);

}  // namespace server_swf
