// Muxes elementary streams to FLV, legacy and Enhanced RTMP v2.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstaggregator.h>

G_BEGIN_DECLS

#define GST_TYPE_RTMP_MUX (gst_rtmp_mux_get_type())
G_DECLARE_FINAL_TYPE(GstRtmpMux, gst_rtmp_mux, GST, RTMP_MUX, GstAggregator)

GST_ELEMENT_REGISTER_DECLARE(rtmpmux);

G_END_DECLS
