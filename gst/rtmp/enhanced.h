// What peers tell each other of Enhanced RTMP in connect and its answer (E-RTMP v2, NetConnection).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "rtmp/amf.h"

namespace rtmp {

struct EnhancedCapabilities {
  // Bits of a codec's number.
  static constexpr unsigned can_decode = 1, can_encode = 2, can_forward = 4;
  // Bits of capsEx.
  static constexpr unsigned reconnect = 1, multitrack = 2, mod_ex = 4, timestamp_nano_offset = 8;

  // By FourCC; "*" stands for every codec.
  std::map<std::string, unsigned> video = {}, audio = {};
  // The older form: what the peer takes, of either kind.
  std::vector<std::string> four_cc_list = {};
  unsigned caps_ex = 0;

  // Whether the peer said anything at all. If not it may still send enhanced frames, as OBS does.
  bool announced() const;
  // Whether it wants frames of that codec.
  bool takes_video(const std::string& four_cc) const;
  bool takes_audio(const std::string& four_cc) const;
};

// From the object of connect, or from one of the two of its _result. What is of the wrong type
// counts as not said.
EnhancedCapabilities read_enhanced_capabilities(const amf::Object& object);
// Behind what the object has already: old servers read the first keys only.
void write_enhanced_capabilities(const EnhancedCapabilities& capabilities, amf::Object& object);

}  // namespace rtmp
