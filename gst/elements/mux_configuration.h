// The decoder's configuration as Enhanced RTMP wants it: the bodies of SequenceStart and
// MultichannelConfig. SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "rtmp/media.h"

namespace mux {

// Whether nobody can decode the codec without it.
bool needs_configuration(rtmp::media::Codec codec);
// The body of SequenceStart; nothing if the caps do not tell or the codec knows none. Of VP6 the
// byte with the size adjustment.
std::optional<std::vector<std::uint8_t>> configuration(rtmp::media::Codec codec,
                                                       const GstStructure* caps);
// The body of MultichannelConfig, native where the positions are known.
std::vector<std::uint8_t> multichannel_config(int channels, const GstStructure* caps);

}  // namespace mux
