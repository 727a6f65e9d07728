// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/error.h"

#include <gtest/gtest.h>

#include <set>

namespace rtmp {
namespace {

std::string text_of(int value) {
  return boost::system::error_code(value, error_category()).message();
}

TEST(Error, HasATextOfItsOwnForEachFault) {
  const std::string unknown = text_of(0);
  std::set<std::string> texts;
  for (int value = 1; value <= static_cast<int>(Error::cancelled); ++value) {
    EXPECT_NE(text_of(value), unknown) << value;
    EXPECT_TRUE(texts.insert(text_of(value)).second) << text_of(value);
  }
}

TEST(Error, SaysThatItDoesNotKnowANumber) { EXPECT_EQ(text_of(9999), "unknown error"); }

TEST(Error, NamesItsCategory) {
  EXPECT_STREQ(make_error_code(Error::truncated).category().name(), "rtmp");
}

}  // namespace
}  // namespace rtmp
