// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/bytes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support.h"

namespace rtmp {
namespace {

using test::from_hex;
using test::to_hex;

TEST(ByteReader, ReadsBigEndianNumbersOfEachSize) {
  const auto bytes = from_hex("01 0203 040506 0708090a 0b0c0d0e0f101112");
  ByteReader in(bytes);
  EXPECT_EQ(in.u8(), 0x01u);
  EXPECT_EQ(in.u16(), 0x0203u);
  EXPECT_EQ(in.u24(), 0x040506u);
  EXPECT_EQ(in.u32(), 0x0708090Au);
  EXPECT_EQ(in.u64(), 0x0B0C0D0E0F101112u);
  EXPECT_TRUE(in.at_end());
  EXPECT_TRUE(in.ok());
}

TEST(ByteReader, ReadsTheHighestValues) {
  const auto bytes = from_hex("ff ffff ffffff ffffffff ffffffffffffffff");
  ByteReader in(bytes);
  EXPECT_EQ(in.u8(), 0xFFu);
  EXPECT_EQ(in.u16(), 0xFFFFu);
  EXPECT_EQ(in.u24(), 0xFFFFFFu);
  EXPECT_EQ(in.u32(), 0xFFFFFFFFu);
  EXPECT_EQ(in.u64(), 0xFFFFFFFFFFFFFFFFu);
}

TEST(ByteReader, ReadsSigned24BitNumbers) {
  const auto bytes = from_hex("000000 000028 ffffd8 7fffff 800000 ffffff");
  ByteReader in(bytes);
  for (const std::int32_t expected : {0, 40, -40, 8388607, -8388608, -1})
    EXPECT_EQ(in.s24(), expected);
}

TEST(ByteReader, ReadsLittleEndianWhereTold) {
  const auto bytes = from_hex("01020384");
  EXPECT_EQ(ByteReader(bytes).u32_le(), 0x84030201u);
}

TEST(ByteReader, ReadsDoubles) {
  const auto bytes = from_hex("4008000000000000 fff0000000000000 7ff8000000000000");
  ByteReader in(bytes);
  EXPECT_EQ(in.f64(), 3.0);
  EXPECT_EQ(in.f64(), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(in.f64()));
}

TEST(ByteReader, BorrowsBytesAndText) {
  const auto bytes = from_hex("616263 6465");
  ByteReader in(bytes);
  EXPECT_EQ(in.text(3), "abc");
  const Bytes rest = in.rest();
  EXPECT_EQ(rest.data(), bytes.data() + 3);
  EXPECT_EQ(rest.size(), 2u);
}

TEST(ByteReader, YieldsZeroPastTheEndAndSaysSo) {
  const auto bytes = from_hex("0102");
  ByteReader in(bytes);
  EXPECT_EQ(in.u24(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_TRUE(in.at_end());
}

TEST(ByteReader, StaysBadAfterAReadPastTheEnd) {
  const auto bytes = from_hex("0102");
  ByteReader in(bytes);
  in.u32();
  EXPECT_EQ(in.u8(), 0u);
  EXPECT_TRUE(in.bytes(0).empty());
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, EveryFieldFailsOnACut) {
  const std::vector<std::uint8_t> bytes(7, 0xFF);
  const auto fails = [&](std::size_t size, auto read) {
    ByteReader in(Bytes(bytes).first(size));
    return read(in) == 0 && !in.ok();
  };
  EXPECT_TRUE(fails(0, [](ByteReader& in) { return in.u8(); }));
  EXPECT_TRUE(fails(1, [](ByteReader& in) { return in.u16(); }));
  EXPECT_TRUE(fails(2, [](ByteReader& in) { return in.u24(); }));
  EXPECT_TRUE(fails(2, [](ByteReader& in) { return in.s24(); }));
  EXPECT_TRUE(fails(3, [](ByteReader& in) { return in.u32(); }));
  EXPECT_TRUE(fails(3, [](ByteReader& in) { return in.u32_le(); }));
  EXPECT_TRUE(fails(7, [](ByteReader& in) { return in.u64(); }));
  EXPECT_TRUE(fails(7, [](ByteReader& in) { return in.f64(); }));
}

TEST(ByteReader, SurvivesTheLargestCount) {
  const auto bytes = from_hex("0102");
  ByteReader in(bytes);
  in.u8();
  EXPECT_TRUE(in.bytes(std::numeric_limits<std::size_t>::max()).empty());
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, IsOkAtTheEndUntilMoreIsAsked) {
  const auto bytes = from_hex("01");
  ByteReader in(bytes);
  in.skip(1);
  EXPECT_TRUE(in.rest().empty());
  EXPECT_TRUE(in.ok());
  in.skip(1);
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, PeeksWithoutMoving) {
  const auto bytes = from_hex("0a");
  ByteReader in(bytes);
  EXPECT_EQ(in.peek(), 0x0A);
  EXPECT_EQ(in.position(), 0u);
  in.u8();
  EXPECT_EQ(in.peek(), 0);
  EXPECT_TRUE(in.ok());
}

TEST(ByteReader, CountsWhatIsLeft) {
  const auto bytes = from_hex("010203");
  ByteReader in(bytes);
  in.u16();
  EXPECT_EQ(in.position(), 2u);
  EXPECT_EQ(in.remaining(), 1u);
}

TEST(ByteReader, ReadsNothingFromNothing) {
  ByteReader in({});
  EXPECT_TRUE(in.at_end());
  EXPECT_TRUE(in.ok());
}

TEST(ByteWriter, WritesBigEndianNumbersOfEachSize) {
  ByteWriter out;
  out.u8(0x01).u16(0x0203).u24(0x040506).u32(0x0708090A).u64(0x0B0C0D0E0F101112);
  EXPECT_EQ(to_hex(out.view()), "0102030405060708090a0b0c0d0e0f101112");
  EXPECT_EQ(out.size(), 18u);
}

TEST(ByteWriter, WritesTheLowBytesOfLargerNumbers) {
  ByteWriter out;
  out.u8(0x1FF).u16(0x12345).u24(0x12345678);
  EXPECT_EQ(to_hex(out.view()), "ff2345345678");
}

TEST(ByteWriter, WritesSigned24BitNumbers) {
  ByteWriter out;
  out.s24(40).s24(-40).s24(-8388608);
  EXPECT_EQ(to_hex(out.view()), "000028ffffd8800000");
}

TEST(ByteWriter, WritesLittleEndianWhereTold) {
  ByteWriter out;
  EXPECT_EQ(to_hex(out.u32_le(0x84030201).view()), "01020384");
}

TEST(ByteWriter, WritesDoubles) {
  ByteWriter out;
  EXPECT_EQ(to_hex(out.f64(3.0).view()), "4008000000000000");
}

TEST(ByteWriter, AppendsBytesAndText) {
  ByteWriter out;
  out.text("ab").bytes(from_hex("0102")).text("");
  EXPECT_EQ(to_hex(out.view()), "61620102");
}

TEST(ByteWriter, GivesItsBytesAway) {
  ByteWriter out;
  out.u8(7);
  EXPECT_EQ(out.take(), std::vector<std::uint8_t>{7});
}

TEST(Bytes, AreTextAndBack) {
  EXPECT_EQ(as_text(as_bytes("live")), "live");
  EXPECT_TRUE(as_bytes("").empty());
}

TEST(Bytes, ReadAsWritten) {
  ByteWriter out;
  out.f64(-0.5).s24(-7).u32_le(0xDEADBEEF).u64(1).text("x");
  ByteReader in(out.view());
  EXPECT_EQ(in.f64(), -0.5);
  EXPECT_EQ(in.s24(), -7);
  EXPECT_EQ(in.u32_le(), 0xDEADBEEFu);
  EXPECT_EQ(in.u64(), 1u);
  EXPECT_EQ(in.text(1), "x");
  EXPECT_TRUE(in.ok() && in.at_end());
}

}  // namespace
}  // namespace rtmp
