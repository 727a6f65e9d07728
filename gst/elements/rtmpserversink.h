// Serves what the pad gets to any number of RTMP players.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasesink.h>

G_BEGIN_DECLS

#define GST_TYPE_RTMP_SERVER_SINK (gst_rtmp_server_sink_get_type())
G_DECLARE_FINAL_TYPE(GstRtmpServerSink, gst_rtmp_server_sink, GST, RTMP_SERVER_SINK, GstBaseSink)

GST_ELEMENT_REGISTER_DECLARE(rtmpserversink);

G_END_DECLS
