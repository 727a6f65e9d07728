// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support.h"

namespace rtmp {
namespace {

using test::from_hex;
using test::to_hex;

std::vector<std::uint8_t> random_bytes(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  test::test_random()(bytes);
  return bytes;
}

TEST(Buffer, IsEmptyAtFirst) {
  const Buffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.size(), 0u);
  EXPECT_FALSE(buffer.owner());
}

TEST(Buffer, CopiesBytes) {
  auto bytes = from_hex("010203");
  const Buffer buffer = Buffer::copy_of(bytes);
  bytes[0] = 9;
  EXPECT_EQ(to_hex(buffer), "010203");
}

TEST(Buffer, CopiesNothing) { EXPECT_TRUE(Buffer::copy_of({}).empty()); }

TEST(Buffer, AdoptsAVectorWithoutACopy) {
  auto bytes = from_hex("010203");
  const std::uint8_t* data = bytes.data();
  const Buffer buffer = Buffer::adopt(std::move(bytes));
  EXPECT_EQ(buffer.data(), data);
  EXPECT_EQ(to_hex(buffer), "010203");
}

TEST(Buffer, BorrowsFromAnyOwnerAndKeepsItAlive) {
  static constexpr std::uint8_t foreign[] = {1, 2, 3};
  auto owner = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = owner;
  Buffer buffer(std::move(owner), foreign);
  EXPECT_FALSE(watch.expired());
  buffer = {};
  EXPECT_TRUE(watch.expired());
}

TEST(Buffer, SharesItsBytesWithCopies) {
  const Buffer buffer = Buffer::copy_of(from_hex("0102"));
  const Buffer copy = buffer;
  EXPECT_EQ(copy.data(), buffer.data());
}

TEST(Buffer, SharesItsBytesWithSlices) {
  const Buffer buffer = Buffer::copy_of(from_hex("0102030405"));
  const Buffer slice = buffer.slice(1, 3);
  EXPECT_EQ(to_hex(slice), "020304");
  EXPECT_EQ(slice.data(), buffer.data() + 1);
  EXPECT_EQ(to_hex(slice.slice(2)), "04");
}

TEST(Buffer, SlicesKeepTheOwnerAlive) {
  Buffer buffer = Buffer::copy_of(from_hex("0102030405"));
  const std::weak_ptr<const void> watch = buffer.owner();
  Buffer slice = buffer.slice(3).slice(1);
  buffer = {};
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(to_hex(slice), "05");
  slice = {};
  EXPECT_TRUE(watch.expired());
}

TEST(Buffer, SlicesToNothingAtBothEnds) {
  const Buffer buffer = Buffer::copy_of(from_hex("0102"));
  EXPECT_TRUE(buffer.slice(0, 0).empty());
  EXPECT_TRUE(buffer.slice(2).empty());
}

TEST(Buffer, PrependsInPlaceWhileNobodySharesIt) {
  Buffer buffer = Buffer::copy_of(from_hex("0405"));
  const std::uint8_t* data = buffer.data();
  ASSERT_TRUE(buffer.can_prepend(3));
  const Buffer whole = std::move(buffer).prepend(from_hex("010203"));
  EXPECT_EQ(to_hex(whole), "0102030405");
  EXPECT_EQ(whole.data(), data - 3);
}

TEST(Buffer, PrependsAsMuchAsTheHeadroomHolds) {
  Buffer buffer = Buffer::copy_of(from_hex("ff"));
  ASSERT_TRUE(buffer.can_prepend(BufferBuilder::headroom));
  EXPECT_FALSE(buffer.can_prepend(BufferBuilder::headroom + 1));
  const auto header = random_bytes(BufferBuilder::headroom);
  EXPECT_EQ(to_hex(std::move(buffer).prepend(header)), to_hex(header) + "ff");
}

TEST(Buffer, DoesNotPrependWhatACopyOrSliceShares) {
  const Buffer buffer = Buffer::copy_of(from_hex("0405"));
  {
    const Buffer copy = buffer;
    EXPECT_FALSE(buffer.can_prepend(1));
    EXPECT_FALSE(copy.can_prepend(1));
  }
  {
    const Buffer slice = buffer.slice(1);
    EXPECT_FALSE(buffer.can_prepend(1));
  }
  EXPECT_TRUE(buffer.can_prepend(1));
}

TEST(Buffer, DoesNotPrependInFrontOfASlice) {
  const Buffer slice = Buffer::copy_of(from_hex("0405")).slice(1);
  EXPECT_FALSE(slice.can_prepend(1));
}

TEST(Buffer, DoesNotPrependInFrontOfForeignMemory) {
  EXPECT_FALSE(Buffer::adopt(from_hex("0405")).can_prepend(1));
  EXPECT_FALSE(Buffer().can_prepend(1));
}

TEST(BufferBuilder, GathersPieces) {
  BufferBuilder builder(5);
  builder.append(from_hex("0102"));
  EXPECT_EQ(builder.size(), 2u);
  EXPECT_EQ(builder.missing(), 3u);
  EXPECT_FALSE(builder.complete());
  builder.append(from_hex("030405"));
  EXPECT_TRUE(builder.complete());
  EXPECT_EQ(to_hex(std::move(builder).take()), "0102030405");
}

TEST(BufferBuilder, OwnsNoMemoryBeforeTheFirstByte) {
  BufferBuilder builder(16 * 1024 * 1024);
  EXPECT_EQ(builder.capacity(), 0u);
  builder.append({});
  EXPECT_EQ(builder.capacity(), 0u);
}

TEST(BufferBuilder, DoesNotBelieveTheAnnouncedSize) {
  BufferBuilder builder(16 * 1024 * 1024);
  builder.append(from_hex("01"));
  EXPECT_LE(builder.capacity(), 16u * 1024);
}

TEST(BufferBuilder, GrowsWithWhatHasArrived) {
  const auto piece = random_bytes(1000);
  BufferBuilder builder(4'000'000);
  while (!builder.complete()) {
    builder.append(piece);
    ASSERT_LE(builder.capacity(), std::max<std::size_t>(2 * builder.size(), 16 * 1024));
  }
}

TEST(BufferBuilder, NeverReservesMoreThanTheFinalSize) {
  BufferBuilder small(3);
  small.append(from_hex("01"));
  EXPECT_EQ(small.capacity(), 3u);
  BufferBuilder large(20'000);
  large.append(random_bytes(17'000));
  large.append(random_bytes(1'000));
  EXPECT_EQ(large.capacity(), 20'000u);
}

TEST(BufferBuilder, KeepsItsBytesOverEveryGrowth) {
  const auto bytes = random_bytes(300'001);
  BufferBuilder builder(bytes.size());
  Bytes rest = bytes;
  for (std::size_t size = 1; !rest.empty(); size = size * 3 % 1021 + 1) {
    const std::size_t count = std::min(size, rest.size());
    builder.append(rest.first(count));
    rest = rest.subspan(count);
  }
  const Buffer buffer = std::move(builder).take();
  EXPECT_TRUE(std::ranges::equal(buffer.bytes(), bytes));
}

TEST(BufferBuilder, LeavesHeadroomAfterGrowth) {
  BufferBuilder builder(50'000);
  for (int i = 0; i < 50; ++i) builder.append(random_bytes(1000));
  Buffer buffer = std::move(builder).take();
  ASSERT_TRUE(buffer.can_prepend(BufferBuilder::headroom));
  const Buffer whole = std::move(buffer).prepend(from_hex("0102"));
  EXPECT_EQ(whole.size(), 50'002u);
  EXPECT_EQ(to_hex(whole.slice(0, 2)), "0102");
}

TEST(BufferBuilder, GivesWhatIsThereWhenItIsNotComplete) {
  BufferBuilder builder(10);
  builder.append(from_hex("0102"));
  EXPECT_EQ(to_hex(std::move(builder).take()), "0102");
}

TEST(BufferBuilder, OfNothingIsCompleteAtOnce) {
  BufferBuilder builder(0);
  EXPECT_TRUE(builder.complete());
  EXPECT_TRUE(std::move(builder).take().empty());
}

}  // namespace
}  // namespace rtmp
