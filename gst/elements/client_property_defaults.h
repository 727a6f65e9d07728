// What the properties of the client elements are if nobody sets them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include "rtmp/auth.h"

namespace client_defaults {

constexpr auto location = "rtmp://localhost/live/myStream";
constexpr guint timeout = 5;
constexpr auto authmod = static_cast<gint>(rtmp::auth::Mode::automatic);
constexpr auto tls_validation_flags = G_TLS_CERTIFICATE_VALIDATE_ALL;
constexpr gboolean async_connect = TRUE;
constexpr gboolean enhanced = TRUE;
constexpr gboolean auto_reconnect = TRUE;
constexpr gint max_retries = -1;
constexpr guint64 retry_backoff_min = 500 * GST_MSECOND;
constexpr guint64 retry_backoff_max = 15 * GST_SECOND;

}  // namespace client_defaults
