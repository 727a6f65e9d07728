// A server's figures in Prometheus' text format.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "relay/stats.h"

namespace relay {

// Series of the server and of each stream: clients come and go, and would make too many.
std::string prometheus_text(const ServerStats& stats);

}  // namespace relay
