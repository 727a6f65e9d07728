// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/color_info.h"

#include <cmath>

#include "rtmp/amf0.h"

namespace rtmp::media {
namespace {

constexpr std::string_view color_info_name = "colorInfo";

// The numbers of an object that may not be there.
class Fields {
 public:
  Fields(const amf::Object& parent, std::string_view name) {
    const amf::Value* value = parent.find(name);
    object_ = value ? value->object() : nullptr;
  }

  std::optional<double> number(std::string_view name) const {
    const amf::Value* value = object_ ? object_->find(name) : nullptr;
    const auto number = value ? value->number() : std::nullopt;
    return number && std::isfinite(*number) && *number >= 0 ? number : std::nullopt;
  }
  std::optional<std::uint32_t> code(std::string_view name) const {
    const auto value = number(name);
    constexpr double largest = 255;  // H.273 codes are bytes
    return value && *value <= largest ? std::optional(static_cast<std::uint32_t>(*value))
                                      : std::nullopt;
  }
  std::optional<ColorInfo::Chromaticity> chromaticity(const std::string& name) const {
    const auto x = number(name + "X");
    const auto y = number(name + "Y");
    if (!x || !y || *x > 1 || *y > 1) return std::nullopt;
    return ColorInfo::Chromaticity{*x, *y};
  }

 private:
  const amf::Object* object_;
};

ColorInfo::Config read_config(const Fields& fields) {
  return {fields.code("bitDepth"), fields.code("colorPrimaries"),
          fields.code("transferCharacteristics"), fields.code("matrixCoefficients")};
}

std::optional<ColorInfo::ContentLight> read_content_light(const Fields& fields) {
  const auto max_fall = fields.number("maxFall");
  const auto max_cll = fields.number("maxCLL");
  if (!max_fall && !max_cll) return std::nullopt;
  return ColorInfo::ContentLight{max_fall.value_or(0), max_cll.value_or(0)};
}

std::optional<ColorInfo::MasteringDisplay> read_mastering_display(const Fields& fields) {
  const auto red = fields.chromaticity("red");
  const auto green = fields.chromaticity("green");
  const auto blue = fields.chromaticity("blue");
  const auto white = fields.chromaticity("whitePoint");
  const auto max = fields.number("maxLuminance");
  const auto min = fields.number("minLuminance");
  if (!red || !green || !blue || !white || !max || !min) return std::nullopt;
  return ColorInfo::MasteringDisplay{*red, *green, *blue, *white, *max, *min};
}

ColorInfo from_value(const amf::Value& value) {
  const amf::Object* object = value.object();
  if (!object) return {};
  return {read_config(Fields(*object, "colorConfig")),
          read_content_light(Fields(*object, "hdrCll")),
          read_mastering_display(Fields(*object, "hdrMdcv"))};
}

amf::Object to_object(const ColorInfo::Config& config) {
  amf::Object object;
  const auto set = [&object](const char* name, const std::optional<std::uint32_t>& code) {
    if (code) object.set(name, *code);
  };
  set("bitDepth", config.bit_depth);
  set("colorPrimaries", config.color_primaries);
  set("transferCharacteristics", config.transfer_characteristics);
  set("matrixCoefficients", config.matrix_coefficients);
  return object;
}

amf::Object to_object(const ColorInfo::MasteringDisplay& display) {
  return {{"redX", display.red.x},
          {"redY", display.red.y},
          {"greenX", display.green.x},
          {"greenY", display.green.y},
          {"blueX", display.blue.x},
          {"blueY", display.blue.y},
          {"whitePointX", display.white_point.x},
          {"whitePointY", display.white_point.y},
          {"maxLuminance", display.max_luminance},
          {"minLuminance", display.min_luminance}};
}

}  // namespace

Result<std::optional<ColorInfo>> read_color_info(Bytes body) {
  auto values = amf0::Reader(body).rest(true);
  if (!values) return values.error();
  std::optional<ColorInfo> info;
  for (std::size_t i = 0; i + 1 < values->size(); i += 2)
    if ((*values)[i].string() == color_info_name) info = from_value((*values)[i + 1]);
  return info;
}

std::vector<std::uint8_t> write_color_info(const ColorInfo& info) {
  amf::Object object;
  if (!info.config.empty()) object.set("colorConfig", to_object(info.config));
  if (info.content_light)
    object.set("hdrCll", amf::Object{{"maxFall", info.content_light->max_fall},
                                     {"maxCLL", info.content_light->max_cll}});
  if (info.mastering_display) object.set("hdrMdcv", to_object(*info.mastering_display));
  return amf0::write_all({std::string(color_info_name), std::move(object)});
}

}  // namespace rtmp::media
