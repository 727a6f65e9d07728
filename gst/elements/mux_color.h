// HDR and colours: from caps to Enhanced RTMP's colorInfo.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>

#include "rtmp/color_info.h"

namespace mux {

// Nothing if the caps know nothing.
std::optional<rtmp::media::ColorInfo> color_info(const GstCaps* caps);

}  // namespace mux
