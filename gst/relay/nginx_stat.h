// A server's figures as nginx-rtmp's /stat shows them, which many tools read.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "relay/stats.h"

namespace relay {

std::string nginx_stat_xml(const ServerStats& stats);

}  // namespace relay
