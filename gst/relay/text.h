// Texts of peers in figures: nothing in them must break a format.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

#include "rtmp/media.h"

namespace relay {

// In elements and attributes of XML.
std::string xml_escaped(std::string_view text);
// In a label's value of Prometheus' text format.
std::string label_escaped(std::string_view text);

// "app/instance/stream" apart, at the last '/'.
std::string app_of(const std::string& stream);
std::string name_of(const std::string& stream);

// "127.0.0.1:4711" apart; the port of what has none is empty.
std::string host_of(const std::string& address);
std::string port_of(const std::string& address);

// "H264" for "H.264", as RTMP servers' figures have it; empty for unknown.
std::string codec_name(rtmp::media::Codec codec);

}  // namespace relay
