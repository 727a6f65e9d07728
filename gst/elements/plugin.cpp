// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include "elements/bridge.h"

static gboolean plugin_init(GstPlugin*) {
  bridge::init_log();
  return TRUE;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, rtmp3,
                  "RTMP clients and servers, and Enhanced RTMP in FLV", plugin_init, VERSION,
                  "LGPL", GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
