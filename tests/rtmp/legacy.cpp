// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/legacy.h"

#include <gtest/gtest.h>

#include "rtmp/support.h"

namespace rtmp {
namespace {

// The legacy form in hexadecimal, or "none".
std::string legacy(MessageType type, std::string_view hex) {
  const Message message{type, 1, 5000, Buffer::adopt(test::from_hex(hex))};
  const std::optional<Message> form = legacy_form(message);
  if (!form) return "none";
  EXPECT_EQ(form->timestamp, 5000);
  EXPECT_EQ(form->type, type);
  return test::to_hex(form->payload);
}
std::string video(std::string_view hex) { return legacy(MessageType::video, hex); }
std::string audio(std::string_view hex) { return legacy(MessageType::audio, hex); }

TEST(LegacyForm, LeavesLegacyMessagesAsTheyAre) {
  EXPECT_EQ(video("17 01 000028 00000002 65b8"), "17010000280000000265b8");
  EXPECT_EQ(audio("af 01 2100"), "af012100");
  EXPECT_EQ(audio(""), "");
}

TEST(LegacyForm, SaysH264InFull) {
  EXPECT_EQ(video("90 61766331 0142c01e"), "17000000000142c01e");
  EXPECT_EQ(video("91 61766331 000028 00000002 65b8"), "17010000280000000265b8");
  EXPECT_EQ(video("a1 61766331 ffffd8 00000002 419a"), "2701ffffd800000002419a");
  EXPECT_EQ(video("a3 61766331 00000002 419a"), "270100000000000002419a");
  EXPECT_EQ(video("92 61766331"), "1702000000");
}

TEST(LegacyForm, SaysAacAndMp3) {
  EXPECT_EQ(audio("90 6d703461 1210"), "af001210");
  EXPECT_EQ(audio("91 6d703461 2100"), "af012100");
  EXPECT_EQ(audio("91 2e6d7033 fffb9064"), "2ffffb9064");
}

TEST(LegacyForm, TakesTrackZeroOutOfMany) {
  EXPECT_EQ(audio("95 11 6d703461 01 000001 62 00 000002 2100"), "af012100");
  EXPECT_EQ(video("96 01 61766331 00 000021 4e414c"), "17010000214e414c");
  EXPECT_EQ(video("96 01 61766331 01 000021 4e414c"), "none") << "track 1 alone";
}

TEST(LegacyForm, IsNothingForWhatLegacyPlayersCannotParse) {
  EXPECT_EQ(video("91 68766331 000028 00000002 2601"), "none");
  EXPECT_EQ(video("91 61763031 0a01aa"), "none");
  EXPECT_EQ(video("d4 61766331 020009636f6c6f72496e666f06"), "none");
  EXPECT_EQ(audio("91 4f707573 fc"), "none");
  EXPECT_EQ(audio("94 6d703461 01 06 0000003f"), "none");
  EXPECT_EQ(video("90 61"), "none");
}

}  // namespace
}  // namespace rtmp
