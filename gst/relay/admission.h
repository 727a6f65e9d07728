// What a server's own settings say of a client's wish, before anybody is asked.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "relay/server.h"

namespace relay {

// "app/stream"; the app alone is a stream of that name.
std::string stream_name(const std::string& app, const std::string& stream);

// Why the wish is refused, for the client, or nothing. `now`: in seconds since 1970.
std::string refusal_of(const Request& request, const Server::Settings& settings, std::int64_t now);

}  // namespace relay
