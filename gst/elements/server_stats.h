// The figures of a server as a GstStructure: the property `stats`.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "relay/stats.h"

namespace server_stats {

GParamSpec* make_property();

// `rtmp-server-stats`: totals, `streams` and `client-list`.
GstStructure* to_structure(const relay::ServerStats& stats);

}  // namespace server_stats
