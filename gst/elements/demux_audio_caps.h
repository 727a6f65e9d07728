// The audio half of demux_caps.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/demux_caps.h"

// Null for codecs that are none of audio, too.
GstCaps* audio_caps_for(const TrackFormat& format, rtmp::Bytes frame);
