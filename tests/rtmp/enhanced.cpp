// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/enhanced.h"

#include <gtest/gtest.h>

namespace rtmp {
namespace {

using Capabilities = EnhancedCapabilities;

TEST(EnhancedCapabilities, AreNoneInALegacyConnect) {
  const Capabilities none = read_enhanced_capabilities({{"app", "live"}, {"videoCodecs", 252}});
  EXPECT_FALSE(none.announced());
  EXPECT_FALSE(none.takes_video("hvc1"));
}

TEST(EnhancedCapabilities, ComeBackAsTheyWereWritten) {
  const Capabilities said{.video = {{"*", Capabilities::can_forward}, {"hvc1", 3}},
                          .audio = {{"Opus", Capabilities::can_decode}},
                          .four_cc_list = {"av01", "hvc1"},
                          .caps_ex = Capabilities::multitrack | Capabilities::mod_ex};
  amf::Object object{{"app", "live"}};
  write_enhanced_capabilities(said, object);
  EXPECT_EQ(object.properties.front().first, "app");
  const Capabilities read = read_enhanced_capabilities(object);
  EXPECT_EQ(read.video, said.video);
  EXPECT_EQ(read.audio, said.audio);
  EXPECT_EQ(read.four_cc_list, said.four_cc_list);
  EXPECT_EQ(read.caps_ex, said.caps_ex);
}

TEST(EnhancedCapabilities, WriteNothingWhereThereIsNothing) {
  amf::Object object;
  write_enhanced_capabilities({}, object);
  EXPECT_TRUE(object.properties.empty());
}

TEST(EnhancedCapabilities, TakeWhatTheListNames) {
  const Capabilities listed{.four_cc_list = {"av01"}};
  EXPECT_TRUE(listed.takes_video("av01"));
  EXPECT_FALSE(listed.takes_video("hvc1"));
  const Capabilities every{.four_cc_list = {"*"}};
  EXPECT_TRUE(every.takes_audio("Opus"));
}

TEST(EnhancedCapabilities, PreferTheMapToTheList) {
  const Capabilities sender{.video = {{"av01", Capabilities::can_encode}},
                            .four_cc_list = {"av01"}};
  EXPECT_FALSE(sender.takes_video("av01")) << "it sends AV1 and does not take it";
}

TEST(EnhancedCapabilities, LetTheStarOverrideSingleCodecs) {
  const Capabilities relay{.video = {{"*", Capabilities::can_forward}, {"hvc1", 0}}};
  EXPECT_TRUE(relay.takes_video("hvc1"));
  EXPECT_FALSE(relay.takes_audio("Opus"));
}

TEST(EnhancedCapabilities, PassOverFieldsOfTheWrongType) {
  amf::StrictArray mixed;
  mixed.values = {1, "av01", amf::Null{}};
  const Capabilities read = read_enhanced_capabilities({{"fourCcList", mixed},
                                                        {"videoFourCcInfoMap", "hvc1"},
                                                        {"audioFourCcInfoMap", 7},
                                                        {"capsEx", -1.0}});
  EXPECT_EQ(read.four_cc_list, std::vector<std::string>{"av01"});
  EXPECT_TRUE(read.video.empty());
  EXPECT_TRUE(read.audio.empty());
  EXPECT_EQ(read.caps_ex, 0u);
}

}  // namespace
}  // namespace rtmp
