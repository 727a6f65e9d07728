// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/data.h"

#include <gtest/gtest.h>

#include "relay/frames.h"

namespace relay {
namespace {

TEST(Data, GoesOnIfItCanBeRead) {
  EXPECT_TRUE(clean_data(rtmp::write_data({"onTextData", {"text"}}, 1, 40)));
  EXPECT_FALSE(clean_data(test::message(rtmp::MessageType::data, 0, {2, 0, 9, 'o'})));
}

TEST(Data, ThatServersSayForThemselvesDoesNotGoOn) {
  EXPECT_FALSE(clean_data(rtmp::write_data({"|RtmpSampleAccess", {true, true}}, 1, 0)));
}

}  // namespace
}  // namespace relay
