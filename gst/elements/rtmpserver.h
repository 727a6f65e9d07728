// Relays streams from publishers to players, without a pipeline.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_RTMP_SERVER (gst_rtmp_server_get_type())
G_DECLARE_FINAL_TYPE(GstRtmpServer, gst_rtmp_server, GST, RTMP_SERVER, GstElement)

GST_ELEMENT_REGISTER_DECLARE(rtmpserver);

G_END_DECLS
