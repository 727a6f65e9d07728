// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/tracks.h"

#include <gtest/gtest.h>

#include "rtmp/support.h"

namespace rtmp {
namespace {

// The ids of a kind's tracks: "0 2", "all" or "error".
std::string tracks(std::string_view query, MessageType type) {
  const Result<TrackChoice> choice = read_track_choice(query);
  if (!choice) return "error";
  const TrackSet* const chosen = choice->of(type);
  if (!chosen) return "all";
  std::string ids;
  for (std::size_t id = 0; id < chosen->size(); ++id)
    if (chosen->test(id)) ids += (ids.empty() ? "" : " ") + std::to_string(id);
  return ids;
}
std::string video(std::string_view query) { return tracks(query, MessageType::video); }
std::string audio(std::string_view query) { return tracks(query, MessageType::audio); }

TEST(TrackChoice, TakesEveryTrackOfWhatIsNotNamed) {
  EXPECT_EQ(video(""), "all");
  EXPECT_EQ(video("token=a&audio=1&&x"), "all");
  EXPECT_EQ(tracks("video=1&audio=1", MessageType::data), "all");
}

TEST(TrackChoice, TakesTheTracksThatAreNamed) {
  EXPECT_EQ(video("video=1&audio=2"), "1");
  EXPECT_EQ(audio("video=1&audio=2"), "2");
  EXPECT_EQ(audio("audio=255,0"), "0 255");
  EXPECT_EQ(audio("audio=none"), "");
}

TEST(TrackChoice, RefusesWhatIsNoTrack) {
  EXPECT_EQ(video("video="), "error");
  EXPECT_EQ(video("video=256"), "error");
  EXPECT_EQ(video("video=-1"), "error");
  EXPECT_EQ(audio("audio=1,,2"), "error");
  EXPECT_EQ(audio("audio=first"), "error");
}

std::vector<std::string> chosen(MessageType type, std::string_view hex,
                                std::initializer_list<std::size_t> ids) {
  TrackSet wanted;
  for (const std::size_t id : ids) wanted.set(id);
  std::vector<std::string> payloads;
  const Message message{type, 1, 5000, Buffer::adopt(test::from_hex(hex))};
  for (const Message& part : chosen_tracks(message, wanted)) {
    EXPECT_EQ(part.timestamp, 5000);
    payloads.push_back(test::to_hex(part.payload));
  }
  return payloads;
}

TEST(ChosenTracks, AreMessagesOfOneTrackEach) {
  const std::string_view many = "95 11 6d703461 01 000001 62 00 000002 2100 07 000001 63";
  EXPECT_EQ(chosen(MessageType::audio, many, {1, 7}),
            (std::vector<std::string>{"95016d7034610162", "95016d7034610763"}));
}

TEST(ChosenTracks, KeepTimesAndCodecs) {
  // ManyTracksManyCodecs with a composition time and nanoseconds.
  const std::string_view many =
      "97 02 000064 06 21 61766331 00 000005 000028 aabb 68766331 01 000004 ffffd8 cc";
  EXPECT_EQ(chosen(MessageType::video, many, {1}), (std::vector<std::string>{"970200006406"
                                                                             "01"
                                                                             "68766331"
                                                                             "01"
                                                                             "ffffd8cc"}));
}

TEST(ChosenTracks, KeepMetadataThatCameInACommandFrame) {
  EXPECT_EQ(chosen(MessageType::video, "d4 61763031 0200016105", {0}),
            (std::vector<std::string>{"960461763031000200016105"}));
}

TEST(ChosenTracks, AreNoneOfWhatCannotBeRead) {
  EXPECT_TRUE(chosen(MessageType::audio, "95 11 6d70", {0}).empty());
}

}  // namespace
}  // namespace rtmp
