// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/url.h"

#include <gtest/gtest.h>

#include "records.h"

namespace rtmp {
namespace {

using test::field;
using test::Record;

std::vector<std::string> fields(const Record& record, const std::string& key) {
  std::vector<std::string> found;
  for (auto [at, end] = record.equal_range(key); at != end; ++at) found.push_back(at->second);
  return found;
}

Url expected_url(const Record& record) {
  Url url;
  if (record.contains("scheme")) url.scheme = scheme_from(field(record, "scheme")).value();
  url.user = field(record, "user");
  url.password = field(record, "password");
  url.host = field(record, "host");
  if (record.contains("port"))
    url.port = static_cast<std::uint16_t>(std::stoul(field(record, "port")));
  url.app = field(record, "app");
  url.stream = field(record, "stream");
  for (const std::string& word : fields(record, "word"))
    url.words[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  url.conn = fields(record, "conn");
  return url;
}

std::string text_of(const Url& url) {
  std::string text = std::string(to_string(url.scheme)) + " user=" + url.user +
                     " password=" + url.password + " host=" + url.host +
                     " port=" + std::to_string(url.port) + " app=" + url.app +
                     " stream=" + url.stream;
  for (const auto& [key, value] : url.words) text += " " + key + "=" + value;
  for (const std::string& item : url.conn) text += " conn=" + item;
  return text;
}

// What came of the text, in one line.
std::string parsed(std::string_view text) {
  const auto result = parse_url(text);
  if (const auto* error = std::get_if<UrlError>(&result)) return "fault: " + error->message;
  return text_of(std::get<Url>(result));
}

Url url_of(std::string_view text) {
  const auto result = parse_url(text);
  return std::holds_alternative<Url>(result) ? std::get<Url>(result) : Url();
}

TEST(Url, UnderstandsEveryLocation) {
  for (const Record& record : test::read_records("url/locations.txt"))
    EXPECT_EQ(parsed(field(record, "in")), text_of(expected_url(record))) << field(record, "in");
}

TEST(Url, ComesBackFromWhatItWrites) {
  for (const Record& record : test::read_records("url/locations.txt")) {
    const Url url = expected_url(record);
    EXPECT_EQ(parsed(write_url(url)), text_of(url)) << write_url(url);
  }
}

TEST(Url, TcUrlIsWithoutDefaultPortAndUser) {
  for (const Record& record : test::read_records("url/locations.txt"))
    if (record.contains("tc_url")) {
      EXPECT_EQ(expected_url(record).tc_url(), field(record, "tc_url")) << field(record, "in");
    }
}

TEST(Url, MasksWhatIsSecret) {
  for (const Record& record : test::read_records("url/locations.txt"))
    if (record.contains("masked")) {
      EXPECT_EQ(expected_url(record).masked(), field(record, "masked")) << field(record, "in");
    }
}

TEST(Url, NamesThePartAtFault) {
  for (const Record& record : test::read_records("url/faults.txt"))
    EXPECT_EQ(parsed(field(record, "in")), "fault: " + field(record, "fault"))
        << field(record, "in");
}

TEST(Url, FaultsTellNoSecret) {
  for (const Record& record : test::read_records("url/faults.txt"))
    EXPECT_EQ(parsed(field(record, "in")).find("cr3t"), std::string::npos) << field(record, "in");
}

TEST(Url, RefusesControlCharactersAndWhatIsNotUtf8) {
  const std::string fault = "fault: a control character, or bytes that are not UTF-8";
  EXPECT_EQ(parsed("rtmp://h/a/s\n"), fault);
  EXPECT_EQ(parsed("rtmp://h/a\r\nX: y/s"), fault);
  EXPECT_EQ(parsed(std::string_view("rtmp://h/a\0/s", 13)), fault);
  EXPECT_EQ(parsed("rtmp://h/a/\xff"), fault);
}

TEST(Url, WritesWordsWhereAPathWouldSplitElsewhere) {
  Url url = url_of("rtmp://h/a/s");
  url.stream = "mp4:films/one.mp4";
  EXPECT_EQ(write_url(url), "rtmp://h app=a playpath=mp4:films/one.mp4");
  url.stream = "with blank";
  EXPECT_EQ(write_url(url), "rtmp://h app=a playpath=with\\20blank");
}

// Apps and streams of every shape that the two properties of an element can give.
TEST(Url, AnyAppAndStreamComeBack) {
  const std::vector<std::string> parts = {"",      "a",   "a/b",    "a?x",       "a/b?x=1/2",
                                          "/",     "?",   "a?b?c/", "ondemand",  "ondemand/x",
                                          "a b\\", "a/",  "/a",     "a?slist=b", "slist=x",
                                          "mp4:x", "a=b", "100%",   "é"};
  for (const std::string& app : parts)
    for (const std::string& stream : parts) {
      Url url;
      url.host = "h";
      url.app = app;
      url.stream = stream;
      EXPECT_EQ(parsed(write_url(url)), text_of(url)) << write_url(url);
    }
}

TEST(Url, AnyUserAndPasswordComeBack) {
  for (const char* secret : {":", "@", "/", "%", "%41", "a b", "?", "[", "ü", "\\"}) {
    Url url = url_of("rtmp://h/a/s");
    url.user = secret;
    url.password = secret;
    EXPECT_EQ(parsed(write_url(url)), text_of(url)) << write_url(url);
  }
}

TEST(Url, TruncatedAnywhereItIsParsedOrRefused) {
  const std::string whole =
      "rtmps://al%40:p%2F@[2001:db8::1]:1936/a?x=1/s?y=/ token=\\20 live=1 conn=O:1 conn=O:0";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto result = parse_url(std::string_view(whole).substr(0, size));
    if (const auto* url = std::get_if<Url>(&result)) {
      EXPECT_EQ(parsed(write_url(*url)), text_of(*url)) << write_url(*url);
    }
  }
}

TEST(Scheme, KnowsWhichUseTls) {
  for (Scheme scheme : {Scheme::rtmps, Scheme::rtmpts}) EXPECT_TRUE(uses_tls(scheme));
  for (Scheme scheme : {Scheme::rtmp, Scheme::rtmpe, Scheme::rtmpt, Scheme::rtmpte, Scheme::rtmfp})
    EXPECT_FALSE(uses_tls(scheme));
}

TEST(ConnectArguments, AreWhatTheItemsSay) {
  for (const Record& record : test::read_records("url/conn.txt")) {
    const auto result = parse_connect_arguments(fields(record, "item"));
    std::vector<std::string> texts;
    if (const auto* values = std::get_if<std::vector<amf::Value>>(&result))
      for (const amf::Value& value : *values) texts.push_back(amf::to_text(value));
    EXPECT_EQ(texts, fields(record, "value")) << field(record, "item");
    const auto* error = std::get_if<UrlError>(&result);
    EXPECT_EQ(error ? error->message : "", field(record, "fault")) << field(record, "item");
  }
}

TEST(ConnectArguments, RefusesObjectsNestedTooDeep) {
  std::vector<std::string> items(1000, "O:1");
  const auto result = parse_connect_arguments(items);
  ASSERT_TRUE(std::holds_alternative<UrlError>(result));
  EXPECT_EQ(std::get<UrlError>(result).message, "conn objects nested too deep");
}

TEST(SplitQuery, PartsAtTheFirstQuestionMark) {
  const auto [name, query] = split_query("key?a=1?b/c");
  EXPECT_EQ(name, "key");
  EXPECT_EQ(query, "a=1?b/c");
  EXPECT_EQ(split_query("key").name, "key");
  EXPECT_EQ(split_query("key").query, "");
}

TEST(AcceptableName, IsTextOfAtMost512Bytes) {
  EXPECT_TRUE(is_acceptable_name(""));
  EXPECT_TRUE(is_acceptable_name("live/camera 1"));
  EXPECT_TRUE(is_acceptable_name("\u00fc\u20ac\U0001f3a5\u00a0"));
  EXPECT_TRUE(is_acceptable_name(std::string(512, 'a')));
  EXPECT_FALSE(is_acceptable_name(std::string(513, 'a')));
}

TEST(AcceptableName, HoldsNoControlCharacters) {
  for (std::string_view name : {"a\nb", "a\x1b[31m", "\x7f", "\xc2\x85"})
    EXPECT_FALSE(is_acceptable_name(name));
  EXPECT_FALSE(is_acceptable_name(std::string_view("a\0b", 3)));
}

TEST(AcceptableName, IsWellFormedUtf8) {
  for (std::string_view name :
       {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x28\xa1", "\xff"})
    EXPECT_FALSE(is_acceptable_name(name)) << test::to_hex(as_bytes(name));
}

TEST(MaskedName, ShowsAtMostFourCharactersAndHalf) {
  EXPECT_EQ(masked_name(""), "");
  EXPECT_EQ(masked_name("a"), "****");
  EXPECT_EQ(masked_name("abc"), "a****");
  EXPECT_EQ(masked_name("abcdef"), "abc****");
  EXPECT_EQ(masked_name("abcdefghijkl"), "abcd****");
}

TEST(MaskedName, CutsNoCharacterInTwo) {
  EXPECT_EQ(masked_name("a\u20ac\u20ac\u20ac"), "a\u20ac****");
  EXPECT_EQ(masked_name("ab\u20ac\u20ac"), "ab****");
}

}  // namespace
}  // namespace rtmp
