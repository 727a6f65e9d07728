// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/enhanced.h"

#include <algorithm>

namespace rtmp {
namespace {

using Codecs = std::map<std::string, unsigned>;

constexpr const char* list_key = "fourCcList";
constexpr const char* video_key = "videoFourCcInfoMap";
constexpr const char* audio_key = "audioFourCcInfoMap";
constexpr const char* caps_ex_key = "capsEx";
constexpr const char* any = "*";

unsigned bits(const amf::Value* value) {
  const double number = value ? value->number().value_or(0) : 0;
  return number >= 0 && number <= 0xFFFF ? static_cast<unsigned>(number) : 0;
}

Codecs read_codecs(const amf::Object& object, const char* key) {
  Codecs codecs;
  const amf::Value* value = object.find(key);
  const amf::Object* map = value ? value->object() : nullptr;
  if (!map) return codecs;
  for (const auto& [four_cc, can] : map->properties) codecs[four_cc] = bits(&can);
  return codecs;
}

void write_codecs(const Codecs& codecs, const char* key, amf::Object& object) {
  if (codecs.empty()) return;
  amf::Object map;
  for (const auto& [four_cc, can] : codecs) map.set(four_cc, can);
  object.set(key, std::move(map));
}

// "*" overrides what is said of single codecs; the maps override the list.
bool takes(const Codecs& codecs, const std::vector<std::string>& list, const std::string& four_cc) {
  constexpr unsigned wanted = EnhancedCapabilities::can_decode | EnhancedCapabilities::can_forward;
  if (const auto every = codecs.find(any); every != codecs.end() && (every->second & wanted))
    return true;
  if (const auto known = codecs.find(four_cc); known != codecs.end()) return known->second & wanted;
  return std::any_of(list.begin(), list.end(),
                     [&](const std::string& listed) { return listed == any || listed == four_cc; });
}

}  // namespace

bool EnhancedCapabilities::announced() const {
  return !video.empty() || !audio.empty() || !four_cc_list.empty() || caps_ex != 0;
}

bool EnhancedCapabilities::takes_video(const std::string& four_cc) const {
  return takes(video, four_cc_list, four_cc);
}

bool EnhancedCapabilities::takes_audio(const std::string& four_cc) const {
  return takes(audio, four_cc_list, four_cc);
}

EnhancedCapabilities read_enhanced_capabilities(const amf::Object& object) {
  EnhancedCapabilities capabilities;
  capabilities.video = read_codecs(object, video_key);
  capabilities.audio = read_codecs(object, audio_key);
  capabilities.caps_ex = bits(object.find(caps_ex_key));
  const amf::Value* value = object.find(list_key);
  if (const auto* list = value ? value->get_if<amf::StrictArray>() : nullptr)
    for (const amf::Value& entry : list->values)
      if (const auto four_cc = entry.string()) capabilities.four_cc_list.emplace_back(*four_cc);
  return capabilities;
}

void write_enhanced_capabilities(const EnhancedCapabilities& capabilities, amf::Object& object) {
  if (!capabilities.four_cc_list.empty()) {
    amf::StrictArray list;
    for (const std::string& four_cc : capabilities.four_cc_list) list.values.emplace_back(four_cc);
    object.set(list_key, std::move(list));
  }
  write_codecs(capabilities.video, video_key, object);
  write_codecs(capabilities.audio, audio_key, object);
  if (capabilities.caps_ex != 0) object.set(caps_ex_key, capabilities.caps_ex);
}

}  // namespace rtmp
