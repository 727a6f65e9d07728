// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/proxy_header.h"

#include <gtest/gtest.h>

#include "rtmp/records.h"

namespace net {
namespace {

using rtmp::test::field;
using rtmp::test::Record;

std::vector<std::uint8_t> bytes_of(const Record& record) {
  if (record.contains("bytes")) return rtmp::test::from_hex(field(record, "bytes"));
  const std::string line = field(record, "line") + "\r\n";
  return {line.begin(), line.end()};
}

std::string name_of(const Record& record) { return field(record, "line") + field(record, "bytes"); }

// As the vectors say it.
std::string client_of(const ProxyHeader& header) { return header.client.value_or("none"); }

class ProxyHeaderTest : public testing::Test {
 protected:
  static std::vector<Record> good() { return records(false); }
  static std::vector<Record> bad() { return records(true); }

 private:
  static std::vector<Record> records(bool faulty) {
    auto records = rtmp::test::read_records("proxy/headers.txt");
    std::erase_if(records, [&](const Record& one) { return one.contains("fault") != faulty; });
    return records;
  }
};

TEST_F(ProxyHeaderTest, SaysWhoTheClientIs) {
  for (const Record& record : good()) {
    const auto header = read_proxy_header(bytes_of(record));
    ASSERT_TRUE(header && *header) << name_of(record);
    EXPECT_EQ(client_of(**header), field(record, "client")) << name_of(record);
  }
}

TEST_F(ProxyHeaderTest, LeavesWhatTheClientSaid) {
  for (const Record& record : good()) {
    auto bytes = bytes_of(record);
    const std::size_t size = bytes.size();
    bytes.insert(bytes.end(), {3, 0, 0, 0, 0, '\r', '\n'});
    const auto header = read_proxy_header(bytes);
    ASSERT_TRUE(header && *header) << name_of(record);
    EXPECT_EQ((*header)->size, size) << name_of(record);
  }
}

TEST_F(ProxyHeaderTest, WaitsForItsLastByte) {
  for (const Record& record : good()) {
    const auto bytes = bytes_of(record);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto header = read_proxy_header(rtmp::Bytes(bytes).first(size));
      ASSERT_TRUE(header.has_value()) << name_of(record) << size;
      EXPECT_FALSE(header->has_value()) << name_of(record) << size;
    }
  }
}

TEST_F(ProxyHeaderTest, RefusesWhatIsNone) {
  for (const Record& record : bad()) {
    const auto header = read_proxy_header(bytes_of(record));
    ASSERT_TRUE(header.has_error()) << name_of(record);
    EXPECT_EQ(header.error(), rtmp::Error::bad_proxy_header) << name_of(record);
  }
}

TEST_F(ProxyHeaderTest, WaitsForNoEndOfALineThatIsTooLong) {
  const std::string line = "PROXY UNKNOWN " + std::string(93, 'x');
  EXPECT_TRUE(read_proxy_header(rtmp::as_bytes(line.substr(0, 106))).has_value());
  EXPECT_TRUE(read_proxy_header(rtmp::as_bytes(line)).has_error());
}

TEST_F(ProxyHeaderTest, CallsAClientOfAUnixSocketSo) {
  auto bytes = rtmp::test::from_hex("0d0a0d0a000d0a515549540a 21 31 00d8");
  bytes.resize(bytes.size() + 216);
  const auto header = read_proxy_header(bytes);
  ASSERT_TRUE(header && *header);
  EXPECT_EQ((*header)->client, "unix");
}

}  // namespace
}  // namespace net
