// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/amf.h"

#include <gtest/gtest.h>

#include <cmath>

#include "amf_vectors.h"
#include "rtmp/amf0.h"
#include "rtmp/amf3.h"

namespace rtmp {
namespace {

using amf::to_text;
using amf::Value;
using test::from_hex;
using test::to_hex;
using Octets = std::vector<std::uint8_t>;

Result<Value> read_amf0(const Octets& bytes, const amf::Limits& limits = {}) {
  return amf0::Reader(bytes, limits).next();
}

Result<Value> read_amf3(const Octets& bytes, const amf::Limits& limits = {}) {
  amf::Usage usage(limits, bytes.size());
  ByteReader in(bytes);
  return amf3::read(in, usage);
}

std::string written_amf0(const Value& value) { return to_hex(amf0::write_all({value})); }

std::string written_amf3(const Value& value) {
  ByteWriter out;
  amf3::write(out, value);
  return to_hex(out.view());
}

// Names the value or the error, for messages of failed expectations.
std::string outcome(const Result<Value>& result) {
  return result ? to_text(*result) : result.error().message();
}

template <typename T>
boost::system::error_code error_of(const Result<T>& result) {
  return result ? boost::system::error_code() : result.error();
}

struct Format {
  const char* vectors;
  const char* bad;
  Result<Value> (*read)(const Octets&, const amf::Limits&);
  std::string (*written)(const Value&);
};

class Amf : public testing::TestWithParam<Format> {
 protected:
  Result<Value> read(const Octets& bytes) { return GetParam().read(bytes, {}); }
};

INSTANTIATE_TEST_SUITE_P(
    Vectors, Amf,
    testing::Values(Format{"amf0.txt", "amf0_bad.txt", read_amf0, written_amf0},
                    Format{"amf3.txt", "amf3_bad.txt", read_amf3, written_amf3}),
    [](const auto& param) { return param.index == 0 ? "Amf0" : "Amf3"; });

TEST_P(Amf, ReadsEachVector) {
  for (const auto& line : test::vectors(GetParam().vectors))
    EXPECT_EQ(outcome(read(from_hex(line[0]))), line[1]) << line[0];
}

TEST_P(Amf, WritesEachVectorBack) {
  for (const auto& line : test::vectors(GetParam().vectors)) {
    const auto value = read(from_hex(line[0]));
    ASSERT_TRUE(value) << line[0];
    EXPECT_EQ(GetParam().written(*value), to_hex(from_hex(line.size() > 2 ? line[2] : line[0])));
  }
}

TEST_P(Amf, ReadsWhatItWroteAsTheSame) {
  for (const auto& line : test::vectors(GetParam().vectors)) {
    const auto value = read(from_hex(line[0]));
    ASSERT_TRUE(value) << line[0];
    const auto again = read(from_hex(GetParam().written(*value)));
    EXPECT_EQ(outcome(again), line[1]);
  }
}

TEST_P(Amf, RefusesEachVectorThatEndsEarly) {
  for (const auto& line : test::vectors(GetParam().vectors)) {
    const Octets bytes = from_hex(line[0]);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_TRUE(read(test::prefix(bytes, size)).has_error()) << line[0] << " up to " << size;
  }
}

TEST_P(Amf, RefusesWhatIsNoValue) {
  for (const auto& line : test::vectors(GetParam().bad)) {
    const auto value = read(from_hex(line[0]));
    ASSERT_TRUE(value.has_error()) << line[0];
    EXPECT_EQ(value.error(), test::error_named(line[1])) << line[0];
  }
}

TEST_P(Amf, SurvivesAnyChangedByte) {
  for (const auto& line : test::vectors(GetParam().vectors)) {
    const Octets bytes = from_hex(line[0]);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (unsigned changed = 0; changed < 256; ++changed) {
        Octets other = bytes;
        other[i] = static_cast<std::uint8_t>(changed);
        const auto value = read(other);
        if (!value) continue;
        const std::string once = GetParam().written(*value);
        const auto again = read(from_hex(once));
        ASSERT_TRUE(again) << to_hex(other);
        EXPECT_EQ(GetParam().written(*again), once) << to_hex(other);
      }
    }
  }
}

TEST(Amf0Reader, LeavesTheBytesBehindAValueAlone) {
  for (const auto& line : test::vectors("amf0.txt")) {
    const Octets bytes = from_hex(line[0] + " 01 00");
    amf0::Reader reader(bytes);
    EXPECT_EQ(outcome(reader.next()), line[1]);
    EXPECT_FALSE(reader.at_end());
    EXPECT_EQ(outcome(reader.next()), "false") << line[0];
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(Amf3Reader, LeavesTheBytesBehindAValueAlone) {
  for (const auto& line : test::vectors("amf3.txt")) {
    const Octets bytes = from_hex(line[0] + " 03 03");
    ByteReader in(bytes);
    amf::Usage usage({}, bytes.size());
    EXPECT_EQ(outcome(amf3::read(in, usage)), line[1]);
    EXPECT_EQ(in.remaining(), 2u) << line[0];
  }
}

TEST(Amf0Reader, ReadsAllValuesOfAMessage) {
  const auto values = amf0::Reader(from_hex("05 01 01 11 04 07")).rest();
  ASSERT_TRUE(values);
  ASSERT_EQ(values->size(), 3u);
  EXPECT_EQ((*values)[2], Value::integer(7));
}

TEST(Amf0Reader, SharesReferencesAmongTheValuesOfAMessage) {
  const auto values = amf0::Reader(from_hex("03 0001 61 05 000009  05  07 0000")).rest();
  ASSERT_TRUE(values);
  EXPECT_EQ((*values)[2], Value(amf::Object{{"a", amf::Null{}}}));
}

TEST(Amf0Reader, TakesAMissingEndMarkOnlyIfAskedTo) {
  const Octets bytes = from_hex("08 00000000 0001 61 05");
  EXPECT_EQ(error_of(amf0::Reader(bytes).rest()), Error::truncated);
  const auto values = amf0::Reader(bytes).rest(true);
  ASSERT_TRUE(values);
  EXPECT_EQ(to_text(values->at(0)), "[a: null]");
}

TEST(Amf0Writer, TurnsToLongStringsAbove65535Bytes) {
  const std::string text(65536, 'x');
  EXPECT_EQ(written_amf0(std::string_view(text).substr(1)).substr(0, 8), "02ffff78");
  EXPECT_EQ(written_amf0(text).substr(0, 12), "0c0001000078");
  EXPECT_EQ(read_amf0(amf0::write_all({text})).value(), Value(text));
}

TEST(Amf0Writer, PutsNamesThatAreTooLongForItIntoAmf3) {
  amf::Object object;
  object.set(std::string(65536, 'n'), true);
  const Octets bytes = amf0::write_all({object});
  EXPECT_EQ(bytes[0], 0x11);
  EXPECT_EQ(read_amf0(bytes).value(), Value(object));
}

TEST(Amf3Writer, WritesIntegersThatAreTooLargeForItAsDoubles) {
  EXPECT_EQ(written_amf3(Value::integer(1 << 28)), "0541b0000000000000");
  EXPECT_EQ(written_amf3(Value::integer(-(1 << 28) - 1)), "05c1b0000001000000");
}

TEST(Amf3Writer, LeavesOutEmptyNamesAndWhatAmf3HasNoWordFor) {
  amf::Object object{{"", 1}, {"a", amf::Unsupported{}}};
  EXPECT_EQ(written_amf3(object),
            "0a0b010361"
            "00"
            "01");
}

TEST(Amf3Writer, WritesPropertiesAddedToASealedObject) {
  auto value = read_amf3(from_hex("0a 13 07 466f6f 03 78 04 01")).value();
  value.get_if<amf::Object>()->set("y", amf::Null{});
  EXPECT_EQ(written_amf3(value), to_hex(from_hex("0a 1b 07 466f6f 03 78 04 01 03 79 01 01")));
}

TEST(U29, HasOneToFourBytes) {
  const std::pair<std::uint32_t, const char*> cases[] = {
      {0, "00"},         {127, "7f"},         {128, "8100"},         {16383, "ff7f"},
      {16384, "818000"}, {2097151, "ffff7f"}, {2097152, "80c08000"}, {0x1fffffff, "ffffffff"}};
  for (const auto& [number, hex] : cases) {
    ByteWriter out;
    amf3::write_u29(out, number);
    EXPECT_EQ(to_hex(out.view()), hex);
    ByteReader in(out.view());
    EXPECT_EQ(amf3::read_u29(in), number);
    EXPECT_TRUE(in.at_end());
  }
}

// Limits: at each and one over.

Octets nested(const char* open, std::size_t depth, const char* core) {
  std::string hex;
  for (std::size_t i = 0; i < depth; ++i) hex += open;
  return from_hex(hex + core);
}

TEST(AmfLimits, NestsSixteenArraysAndNotOneMore) {
  EXPECT_TRUE(read_amf0(nested("0a00000001", 16, "05")));
  EXPECT_EQ(error_of(read_amf0(nested("0a00000001", 17, "05"))), Error::amf_too_deep);
  EXPECT_TRUE(read_amf3(nested("090301", 16, "01")));
  EXPECT_EQ(error_of(read_amf3(nested("090301", 17, "01"))), Error::amf_too_deep);
}

TEST(AmfLimits, CountsTheDepthOfEachKindOfContainer) {
  for (const char* open : {"03000161", "08000000000001 61", "10000146000161", "0a00000001"})
    EXPECT_EQ(error_of(read_amf0(nested(open, 100'000, "05"))), Error::amf_too_deep) << open;
  for (const char* open : {"090301", "0a0b010361", "10030001", "11030001", "1103000400",
                           "0a073b666c65782e6d6573736167696e672e696f2e4f626a65637450726f7879"})
    EXPECT_EQ(error_of(read_amf3(nested(open, 1000, "01"))), Error::amf_too_deep) << open;
}

TEST(AmfLimits, CountsTheDepthOverAmf0AndAmf3Together) {
  const auto mixed = [](std::size_t inner) {
    return from_hex("0a00000001 0a00000001 11" + to_hex(nested("090301", inner, "01")));
  };
  EXPECT_TRUE(read_amf0(mixed(14)));
  EXPECT_EQ(error_of(read_amf0(mixed(15))), Error::amf_too_deep);
}

TEST(AmfLimits, CountsTheDepthOfCopies) {
  // Each object holds a reference to the one before, so that copies nest deeper than the bytes do.
  const auto chain = [](std::size_t length) {
    ByteWriter out;
    out.u8(0x0a).u32(static_cast<std::uint32_t>(length));
    for (std::size_t i = 0; i < length; ++i) {
      out.u8(0x0a).u32(1);
      if (i == 0)
        out.u8(0x05);
      else
        out.u8(0x07).u16(static_cast<std::uint32_t>(i));
    }
    return out.take();
  };
  EXPECT_TRUE(read_amf0(chain(15)));
  EXPECT_EQ(error_of(read_amf0(chain(16))), Error::amf_too_deep);
}

TEST(AmfLimits, HoldsSoManyValuesAndNotOneMore) {
  const amf::Limits limits{.nodes = 4};
  EXPECT_TRUE(read_amf0(from_hex("0a00000003 05 05 05"), limits));
  EXPECT_EQ(error_of(read_amf0(from_hex("0a00000004 05 05 05 05"), limits)), Error::amf_too_large);
  EXPECT_TRUE(read_amf3(from_hex("09 07 01 01 01 01"), limits));
  EXPECT_EQ(error_of(read_amf3(from_hex("09 09 01 01 01 01 01"), limits)), Error::amf_too_large);
}

TEST(AmfLimits, CountsTheValuesOfAWholeMessage) {
  const amf::Limits limits{.nodes = 4};
  EXPECT_TRUE(amf0::Reader(from_hex("05 05 11 01 05"), limits).rest());
  EXPECT_EQ(error_of(amf0::Reader(from_hex("05 05 11 01 05 05"), limits).rest()),
            Error::amf_too_large);
}

TEST(AmfLimits, CountsSealedMembersBeforeTheyAreNamed) {
  const amf::Limits limits{.nodes = 3};
  EXPECT_TRUE(read_amf3(from_hex("0a 23 01 03 78 03 79 01 01"), limits));
  EXPECT_EQ(error_of(read_amf3(from_hex("0a 33 01 03 78 03 79 03 7a 01 01 01"), limits)),
            Error::amf_too_large);
}

TEST(AmfLimits, CountsTheValuesOfCopies) {
  const amf::Limits limits{.nodes = 7};  // the outer array, the inner one of two values, its copy
  EXPECT_TRUE(read_amf0(from_hex("0a00000002 0a00000002 05 05 07 0001"), limits));
  EXPECT_EQ(error_of(read_amf0(from_hex("0a00000003 0a00000002 05 05 07 0001 07 0001"), limits)),
            Error::amf_too_large);
  EXPECT_TRUE(read_amf3(from_hex("09 05 01 09 05 01 01 01 09 02"), limits));
  EXPECT_EQ(error_of(read_amf3(from_hex("09 07 01 09 05 01 01 01 09 02 09 02"), limits)),
            Error::amf_too_large);
}

TEST(AmfLimits, StopsReferencesThatDoubleTheirValuesAtEachStep) {
  std::string bomb = "0a00000010 0a00000000";
  for (int i = 1; i < 15; ++i) {
    const std::string before = to_hex(ByteWriter().u16(static_cast<std::uint32_t>(i)).view());
    bomb += "0a00000002 07" + before + "07" + before;
  }
  EXPECT_EQ(error_of(read_amf0(from_hex(bomb + "05"))), Error::amf_too_large);
}

TEST(AmfLimits, BoundsTheBytesThatReferencesCopy) {
  // Four bytes of text in seventeen, and as often again as there are references to it.
  const std::string message = "09 0b 01 06 09 61626364";
  const Octets bytes = from_hex(message + "0600 0600 0600 0600");
  EXPECT_TRUE(read_amf3(bytes, {.copied_bytes = 4 * 5 - bytes.size()}));
  EXPECT_EQ(error_of(read_amf3(bytes, {.copied_bytes = 4 * 5 - bytes.size() - 1})),
            Error::amf_too_large);
}

TEST(AmfLimits, BoundsTheBytesOfCopiedStrings) {
  const std::string text = to_hex(Octets(1000, 'x'));
  std::string bomb = "09 a0 01 01 06 8f51" + text;  // 2048 values, all of them the same string
  for (int i = 1; i < 2048; ++i) bomb += "0600";
  EXPECT_EQ(error_of(read_amf3(from_hex(bomb))), Error::amf_too_large);
}

TEST(AmfLimits, BoundsTheBytesOfCopiedObjects) {
  ByteWriter bomb;
  bomb.u8(0x0a).u32(100).u8(0x03).u16(1).text("a").u8(0x02).u16(60'000);
  bomb.bytes(Octets(60'000, 'x')).u24(9);
  for (int i = 1; i < 100; ++i) bomb.u8(0x07).u16(1);
  EXPECT_EQ(error_of(read_amf0(bomb.take())), Error::amf_too_large);
}

TEST(AmfLimits, BoundsTheBytesOfSharedTraits) {
  ByteWriter bomb;
  bomb.u8(0x09);
  amf3::write_u29(bomb, 100 << 1 | 1);
  bomb.u8(0x01).u8(0x0a).u8(0x03);
  amf3::write_u29(bomb, 60'000 << 1 | 1);
  bomb.bytes(Octets(60'000, 'C'));
  for (int i = 1; i < 100; ++i) bomb.u8(0x0a).u8(0x01);
  EXPECT_EQ(error_of(read_amf3(bomb.take())), Error::amf_too_large);
}

TEST(AmfLimits, HoldsStringsAndNamesOfSoManyBytes) {
  const amf::Limits limits{.string_bytes = 3};
  EXPECT_TRUE(read_amf0(from_hex("02 0003 616263"), limits));
  EXPECT_EQ(error_of(read_amf0(from_hex("02 0004 61626364"), limits)), Error::amf_too_large);
  EXPECT_TRUE(read_amf0(from_hex("03 0003 616263 05 000009"), limits));
  EXPECT_EQ(error_of(read_amf0(from_hex("03 0004 61626364 05 000009"), limits)),
            Error::amf_too_large);
  EXPECT_EQ(error_of(read_amf0(from_hex("10 0004 61626364 000009"), limits)), Error::amf_too_large);
  EXPECT_TRUE(read_amf3(from_hex("0a 0b 01 07 616263 01 01"), limits));
  EXPECT_EQ(error_of(read_amf3(from_hex("0a 0b 01 09 61626364 01 01"), limits)),
            Error::amf_too_large);
  EXPECT_EQ(error_of(read_amf3(from_hex("0a 0b 09 61626364 01"), limits)), Error::amf_too_large);
}

TEST(AmfLimits, HoldsLongTextOfSoManyBytes) {
  const amf::Limits limits{.long_string_bytes = 3};
  for (const char* three : {"0c 00000003 616263", "0f 00000003 616263", "11 06 07 616263",
                            "11 0c 07 616263", "11 0b 07 616263"})
    EXPECT_TRUE(read_amf0(from_hex(three), limits)) << three;
  for (const char* four : {"0c 00000004 61626364", "0f 00000004 61626364", "11 06 09 61626364",
                           "11 0c 09 61626364", "11 0b 09 61626364", "11 0d 03 00 00000001"})
    EXPECT_EQ(error_of(read_amf0(from_hex(four), limits)), Error::amf_too_large) << four;
}

TEST(AmfLimits, ReadsAnObjectOfVeryManyPropertiesInTime) {
  constexpr std::uint32_t count = 65'000;
  ByteWriter out;
  out.u8(0x03);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string name = "property" + std::to_string(i / 2);
    out.u16(static_cast<std::uint32_t>(name.size())).text(name).u8(0x01).u8(i & 1);
  }
  const auto value = read_amf0(out.u24(9).take(), {.nodes = 65'536});
  ASSERT_TRUE(value);
  const amf::Object& object = *value->object();
  EXPECT_EQ(object.properties.size(), count / 2);
  EXPECT_EQ(object.properties[7], amf::Property("property7", true));
}

// Values by themselves.

TEST(AmfValue, AnswersWhatItHolds) {
  EXPECT_EQ(Value(3).number(), 3.0);
  EXPECT_EQ(Value::integer(-3).number(), -3.0);
  EXPECT_EQ(Value("3").number(), std::nullopt);
  EXPECT_EQ(Value(true).boolean(), true);
  EXPECT_EQ(Value(2).boolean(), true);
  EXPECT_EQ(Value(0).boolean(), false);
  EXPECT_EQ(Value("").boolean(), std::nullopt);
  EXPECT_EQ(Value("text").string(), "text");
  EXPECT_EQ(Value(amf::Xml{"<a/>"}).string(), "<a/>");
  EXPECT_EQ(Value(1).string(), std::nullopt);
  EXPECT_TRUE(Value().is_null());
  EXPECT_TRUE(Value(amf::Undefined{}).is_null());
  EXPECT_FALSE(Value(0).is_null());
}

TEST(AmfValue, ShowsAnEcmaArrayAsAnObject) {
  const Value array = amf::EcmaArray{{{"a", 1}}, {}};
  ASSERT_NE(array.object(), nullptr);
  EXPECT_EQ(*array.object()->find("a"), Value(1));
  EXPECT_EQ(Value(amf::StrictArray{}).object(), nullptr);
}

TEST(AmfObject, SetsFindsAndErases) {
  amf::Object object{{"a", 1}, {"b", 2}};
  object.set("a", "x").set("c", 3);
  EXPECT_EQ(to_text(object), R"({a: "x", b: 2, c: 3})");
  EXPECT_TRUE(object.erase("a"));
  EXPECT_FALSE(object.erase("a"));
  EXPECT_EQ(object.find("a"), nullptr);
  EXPECT_EQ(to_text(object), "{b: 2, c: 3}");
}

TEST(AmfObject, KeepsFirstPlaceAndLastValueOfARepeatedName) {
  const amf::Object object{{"b", 1}, {"a", 2}, {"b", 3}, {"c", 4}, {"b", 5}, {"a", 6}};
  EXPECT_EQ(to_text(object), "{b: 5, a: 6, c: 4}");
}

TEST(AmfObject, HasOneSealedMemberLessAfterErasingOne) {
  auto value = read_amf3(from_hex("0a 1b 01 03 78 04 01 03 79 04 02 01")).value();
  value.get_if<amf::Object>()->erase("x");
  EXPECT_EQ(written_amf3(value), to_hex(from_hex("0a 0b 01 03 79 04 02 01")));
}

TEST(AmfText, NeverShowsAllOfALongValue) {
  const std::string text = to_text(std::string(1'000'000, 'x'));
  EXPECT_LT(text.size(), 300u);
  EXPECT_EQ(text.substr(text.size() - 4), "...\"");
  EXPECT_EQ(to_text(amf::ByteArray{Octets(17, 0xab)}),
            "bytes(abababababababababababababababab..., 17)");
  amf::StrictArray many;
  many.values.assign(100'000, amf::StrictArray{{1, 2, 3}});
  EXPECT_LT(to_text(many).size(), 3000u);
}

TEST(AmfText, CutsNoCharacterInTwo) {
  const std::string text = "x" + std::string(199, '.');
  EXPECT_EQ(to_text(text.substr(0, 199) + "éé"), "\"" + text.substr(0, 199) + "...\"");
}

TEST(AmfText, SpellsControlCharactersAndQuotes) {
  EXPECT_EQ(to_text("a\n\"b\\\x7f"), R"("a\x0a\"b\\\x7f")");
  EXPECT_EQ(to_text(amf::Object{{"a b", 1}, {"\n", 2}}), R"({"a b": 1, "\x0a": 2})");
}

TEST(AmfText, SpellsNumbersWithoutExponentWhereTheyAreIntegers) {
  EXPECT_EQ(to_text(9007199254740992.0), "9007199254740992");
  EXPECT_EQ(to_text(29.97), "29.97");
  EXPECT_EQ(to_text(1e300), "1e+300");
  EXPECT_EQ(to_text(std::nan("")), "nan");
}

}  // namespace
}  // namespace rtmp
