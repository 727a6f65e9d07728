// GstURIHandler for rtmpclientsrc and rtmpclientsink.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/client_properties.h"

namespace uri_handler {

const gchar* const* protocols(GType type);
gboolean set(GstElement* element, ClientProperties& properties, const gchar* uri, GError** error);

}  // namespace uri_handler
