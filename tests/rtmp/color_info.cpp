// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/color_info.h"

#include <gtest/gtest.h>

#include "rtmp/amf0.h"
#include "support.h"

namespace rtmp::media {
namespace {

using test::from_hex;

ColorInfo hdr10() {
  ColorInfo info;
  info.config = {10, 9, 16, 9};
  info.content_light = ColorInfo::ContentLight{400, 1000};
  info.mastering_display = ColorInfo::MasteringDisplay{
      {0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}, {0.3127, 0.329}, 1000, 0.005};
  return info;
}

TEST(ColorInfo, ReadsWhatItWrites) {
  EXPECT_EQ(read_color_info(write_color_info(hdr10())).value(), hdr10());
}

TEST(ColorInfo, ReadsUndefinedAsNothingKnown) {
  const auto info = read_color_info(from_hex("020009636f6c6f72496e666f06"));
  EXPECT_EQ(info.value(), ColorInfo());
}

TEST(ColorInfo, ReadsEmptyPartsAsNothingKnown) {
  const auto body = amf0::write_all(
      {"colorInfo", amf::Object{{"colorConfig", amf::Object()}, {"hdrMdcv", amf::Object()}}});
  EXPECT_EQ(read_color_info(body).value(), ColorInfo());
}

TEST(ColorInfo, PassesOtherNamesOver) {
  EXPECT_EQ(read_color_info(amf0::write_all({"other", 1})).value(), std::nullopt);
}

TEST(ColorInfo, LeavesOutWhatIsNoNumber) {
  const auto body = amf0::write_all(
      {"colorInfo",
       amf::Object{{"colorConfig", amf::Object{{"colorPrimaries", "bt2020"}, {"bitDepth", 1e30}}},
                   {"hdrMdcv", amf::Object{{"redX", 0.7}}}}});
  EXPECT_EQ(read_color_info(body).value(), ColorInfo());
}

TEST(ColorInfo, RefusesWhatIsNoAmf) { EXPECT_TRUE(read_color_info(from_hex("ff")).has_error()); }

}  // namespace
}  // namespace rtmp::media
