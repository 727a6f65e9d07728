// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include "elements/bridge.h"
#include "elements/rtmpclientsink.h"
#include "elements/rtmpclientsrc.h"
#include "elements/rtmpmux.h"
#include "elements/rtmpdemux.h"
#include "elements/rtmpserver.h"
#include "elements/rtmpserversink.h"
#include "elements/rtmpserversrc.h"
#include "elements/shared_server.h"

static gboolean plugin_init(GstPlugin* plugin) {
  bridge::init_log();
  shared_server::init_log();
  gboolean any = FALSE;
  any |= GST_ELEMENT_REGISTER(rtmpclientsrc, plugin);
  any |= GST_ELEMENT_REGISTER(rtmpclientsink, plugin);
  any |= GST_ELEMENT_REGISTER(rtmpmux, plugin);
  any |= GST_ELEMENT_REGISTER(rtmpserver, plugin);
  any |= GST_ELEMENT_REGISTER(rtmpserversrc, plugin);
  any |= GST_ELEMENT_REGISTER(rtmpserversink, plugin);
  any |= GST_ELEMENT_REGISTER(rtmpdemux, plugin);
  return any;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, rtmp3,
                  "RTMP clients and servers, and Enhanced RTMP in FLV", plugin_init, VERSION,
                  "LGPL", GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
