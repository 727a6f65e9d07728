// How clients come in through proxies and unix sockets, and how they are sent elsewhere.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "relay/server_test.h"
#include "rtmp/enhanced.h"
#include "support/process.h"

namespace relay {
namespace {

using namespace std::chrono_literals;
using namespace test;

// --- redirection

class RedirectTest : public ServerTest {
 protected:
  void SetUp() override { start(); }

  std::unique_ptr<SyncClient> modern(const std::string& stream = "cam") {
    rtmp::amf::Object reconnecting;
    rtmp::write_enhanced_capabilities({.caps_ex = rtmp::EnhancedCapabilities::reconnect},
                                      reconnecting);
    return std::make_unique<SyncClient>(server_->port(), Purpose::play, stream, reconnecting);
  }
};

TEST_F(RedirectTest, TellsAClientWhereToGo) {
  const auto client = modern();
  ASSERT_TRUE(client->start());
  EXPECT_TRUE(server_->redirect(1, "rtmp://elsewhere/live"));
  EXPECT_TRUE(client->run_until([&] { return client->redirected; }));
  EXPECT_EQ(client->target, "rtmp://elsewhere/live");
}

TEST_F(RedirectTest, LeavesAClientThatDoesNotUnderstandIt) {
  const auto legacy = player();
  ASSERT_TRUE(legacy->start());
  EXPECT_FALSE(server_->redirect(1, "rtmp://elsewhere/live"));
  EXPECT_EQ(server_->stats().players, 1u);
}

TEST_F(RedirectTest, CountsThoseOfAStreamThatWereTold) {
  const auto one = modern(), two = modern(), other = modern("other");
  const auto legacy = player();
  for (const auto* client : {&one, &two, &other, &legacy}) ASSERT_TRUE((*client)->start());
  EXPECT_EQ(server_->redirect_stream("live/cam", "rtmp://elsewhere/live"), 2u);
  EXPECT_TRUE(one->run_until([&] { return one->redirected; }));
  EXPECT_TRUE(two->run_until([&] { return two->redirected; }));
}

// --- proxies

class ProxyTest : public ServerTest {
 protected:
  static Server::Settings behind_proxies(const std::string& networks = "local") {
    Server::Settings settings = ServerTest::settings();
    settings.proxies = Networks::read(networks);
    return settings;
  }
  // A player whose proxy says this first.
  std::unique_ptr<SyncClient> player_after(const std::string& header) {
    auto client = player();
    client->send_bytes(rtmp::as_bytes(header));
    return client;
  }
  std::string only_address() {
    const auto clients = server_->stats().client_list;
    return clients.size() == 1 ? clients.front().address : "";
  }

  static constexpr char header_[] = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 1935\r\n";
};

TEST_F(ProxyTest, GivesClientsTheAddressThatTheProxyNames) {
  start(behind_proxies());
  const auto client = player_after(header_);
  ASSERT_TRUE(client->start());
  EXPECT_EQ(only_address(), "192.0.2.1:56324");
}

TEST_F(ProxyTest, ReadsAHeaderThatComesByteByByte) {
  start(behind_proxies());
  const auto client = player();
  for (const char letter : std::string(header_)) client->send_bytes(rtmp::as_bytes({&letter, 1}));
  ASSERT_TRUE(client->start());
  EXPECT_EQ(only_address(), "192.0.2.1:56324");
}

TEST_F(ProxyTest, KeepsTheProxysAddressWhereItSpeaksForItself) {
  start(behind_proxies());
  const auto client = player_after("PROXY UNKNOWN\r\n");
  ASSERT_TRUE(client->start());
  EXPECT_TRUE(only_address().starts_with("127.0.0.1:")) << only_address();
}

TEST_F(ProxyTest, AppliesRulesToTheClientAndNotToTheProxy) {
  Server::Settings guarded = behind_proxies();
  std::string fault;
  guarded.access = *AccessRules::read("deny play from 192.0.2.0/24", fault);
  start(guarded);
  const auto client = player_after(header_);
  EXPECT_FALSE(client->start());
  ASSERT_TRUE(client->refused);
}

TEST_F(ProxyTest, CountsConnectionsByTheClientsHost) {
  Server::Settings limited = behind_proxies();
  limited.max_connections_per_host = 1;
  start(limited);
  const auto first = player_after(header_);
  ASSERT_TRUE(first->start());
  const auto other = player_after("PROXY TCP4 192.0.2.2 198.51.100.7 56324 1935\r\n");
  EXPECT_TRUE(other->start());
  EXPECT_TRUE(player_after(header_)->run_until_closed());
  EXPECT_EQ(count(Limit::connections_per_host), 1u);
}

TEST_F(ProxyTest, RefusesAClientWithoutAHeaderFromAProxysNetwork) {
  start(behind_proxies());
  const auto client = player();
  client->send_bytes(rtmp::as_bytes("\3 and what follows"));
  EXPECT_TRUE(client->run_until_closed());
  EXPECT_EQ(count(Limit::proxy_header), 1u);
}

TEST_F(ProxyTest, DoesNotWaitForEverForAHeader) {
  Server::Settings impatient = behind_proxies();
  impatient.proxy_timeout = 1ms;
  start(impatient);
  const auto client = player_after("PROXY TCP4 ");
  EXPECT_TRUE(client->run_until_closed());
  EXPECT_EQ(count(Limit::proxy_header), 1u);
}

TEST_F(ProxyTest, StopsWhileItWaitsForAHeader) {
  Server::Settings patient = behind_proxies();
  patient.proxy_timeout = 1h;
  patient.drain_timeout = 1ms;
  start(patient);
  const auto silent = player();
  const auto witness = player_after(header_);
  ASSERT_TRUE(witness->start());
  server_->stop();
  EXPECT_TRUE(silent->run_until_closed());
}

// --- unix sockets

class UnixSocketTest : public ServerTest {
 protected:
  void TearDown() override { server_.reset(); }

  std::string path() const { return folder_ / "rtmp"; }
  Server::Settings at(const std::string& address) {
    Server::Settings settings = ServerTest::settings();
    settings.address = address;
    return settings;
  }
  static std::unique_ptr<SyncClient> player_at(const std::string& path) {
    return std::make_unique<SyncClient>(path, Purpose::play, "cam");
  }
  // 0 if there is no file.
  mode_t mode() const {
    struct stat found = {};
    return ::lstat(path().c_str(), &found) == 0 ? found.st_mode : 0;
  }
  // A file that nobody listens behind.
  void leave_behind() {
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path().c_str(), sizeof name.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    ::close(socket);
  }

  rtmp::test::TemporaryFolder folder_;
};

TEST_F(UnixSocketTest, ServesClients) {
  start(at("unix:" + path()));
  const auto client = player_at(path());
  ASSERT_TRUE(client->start());
  EXPECT_EQ(server_->stats().client_list.at(0).address, "unix");
  EXPECT_EQ(server_->addresses(), "unix:" + path());
}

TEST_F(UnixSocketTest, HasTheModeOfTheSettings) {
  Server::Settings open = at("unix:" + path());
  open.unix_mode = 0606;
  start(open);
  EXPECT_EQ(mode(), mode_t{S_IFSOCK | 0606});
}

TEST_F(UnixSocketTest, LeavesNoFile) {
  start(at("unix:" + path()));
  server_->stop();
  EXPECT_EQ(mode(), 0u);
}

TEST_F(UnixSocketTest, LeavesAFileThatIsAnothers) {
  start(at("unix:" + path()));
  ::unlink(path().c_str());
  leave_behind();
  server_->stop();
  EXPECT_NE(mode(), 0u);
}

TEST_F(UnixSocketTest, TakesThePlaceOfAFileThatNobodyListensBehind) {
  leave_behind();
  start(at("unix:" + path()));
  EXPECT_TRUE(player_at(path())->start());
}

TEST_F(UnixSocketTest, DoesNotTakeThePlaceOfAnother) {
  start(at("unix:" + path()));
  Server second(at("unix:" + path()), observer_);
  EXPECT_EQ(second.start(), boost::system::errc::address_in_use);
  EXPECT_TRUE(player_at(path())->start());
}

TEST_F(UnixSocketTest, DoesNotTakeThePlaceOfAFileThatIsNoSocket) {
  ::close(::creat(path().c_str(), 0600));
  Server server(at("unix:" + path()), observer_);
  EXPECT_EQ(server.start(), boost::system::errc::address_in_use);
  EXPECT_EQ(mode(), mode_t{S_IFREG | 0600});
}

TEST_F(UnixSocketTest, CanDoWithoutAFile) {
  const std::string name = "@" + path();
  start(at("unix:" + name));
  EXPECT_TRUE(player_at(name)->start());
  EXPECT_EQ(mode(), 0u);
}

TEST_F(UnixSocketTest, RefusesAPathThatIsTooLong) {
  Server server(at("unix:/tmp/" + std::string(200, 'x')), observer_);
  EXPECT_EQ(server.start(), boost::system::errc::filename_too_long);
}

TEST_F(UnixSocketTest, IsLocalForProxiesAndRules) {
  Server::Settings settings = at("unix:" + path());
  settings.proxies = Networks::read("local");
  start(settings);
  const auto client = player_at(path());
  client->send_bytes(rtmp::as_bytes("PROXY TCP6 2001:db8::1 2001:db8::2 56324 1935\r\n"));
  ASSERT_TRUE(client->start());
  EXPECT_EQ(server_->stats().client_list.at(0).address, "[2001:db8::1]:56324");
}

TEST_F(UnixSocketTest, IsNoSocketOfSystemdWhereThereIsNone) {
  Server server(at("systemd"), observer_);
  EXPECT_EQ(server.start(), boost::system::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace relay
