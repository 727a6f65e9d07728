// Publishes a stream to an RTMP server.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasesink.h>

G_BEGIN_DECLS

#define GST_TYPE_RTMP_CLIENT_SINK (gst_rtmp_client_sink_get_type())
G_DECLARE_FINAL_TYPE(GstRtmpClientSink, gst_rtmp_client_sink, GST, RTMP_CLIENT_SINK, GstBaseSink)

GST_ELEMENT_REGISTER_DECLARE(rtmpclientsink);

G_END_DECLS
