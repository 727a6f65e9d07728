// Plays a stream from an RTMP server.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstpushsrc.h>

G_BEGIN_DECLS

#define GST_TYPE_RTMP_CLIENT_SRC (gst_rtmp_client_src_get_type())
G_DECLARE_FINAL_TYPE(GstRtmpClientSrc, gst_rtmp_client_src, GST, RTMP_CLIENT_SRC, GstPushSrc)

GST_ELEMENT_REGISTER_DECLARE(rtmpclientsrc);

G_END_DECLS
