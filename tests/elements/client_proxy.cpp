// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/client_proxy.h"

#include <glib.h>
#include <gtest/gtest.h>

namespace client_proxy {
namespace {

using net::Proxy;
using net::ProxyTarget;

const Proxy web{Proxy::Kind::http, "web", 1}, secure{Proxy::Kind::http, "secure", 2},
    other{Proxy::Kind::socks5, "other", 3};
const ProxyTarget plain{"media.example", 1935}, in_http{"media.example", 80, false, true},
    in_https{"media.example", 443, true, true};

Environment full() { return {"http://web:1", "http://secure:2", "socks5://other:3", ""}; }

std::optional<Proxy> found(const Environment& environment, const ProxyTarget& target) {
  const auto choice = find(environment, target);
  const auto* proxy = std::get_if<std::optional<Proxy>>(&choice);
  if (!proxy) ADD_FAILURE() << std::get<std::string>(choice);
  return proxy ? *proxy : std::nullopt;
}

bool excepted(const std::string& none, const std::string& host, std::uint16_t port = 1935) {
  Environment environment = full();
  environment.none = none;
  return !found(environment, {host, port});
}

TEST(Environment, HasAProxyForEachProtocol) {
  EXPECT_EQ(found(full(), plain), other);
  EXPECT_EQ(found(full(), {"media.example", 443, true, false}), other);
  EXPECT_EQ(found(full(), in_http), web);
  EXPECT_EQ(found(full(), in_https), secure);
}

TEST(Environment, HasOneForAllWhereAProtocolHasNone) {
  Environment environment;
  environment.all = "socks5://other:3";
  EXPECT_EQ(found(environment, in_http), other);
  EXPECT_EQ(found(environment, in_https), other);
}

TEST(Environment, SendsRtmpToNoProxyForTheWeb) {
  Environment environment = full();
  environment.all.clear();
  EXPECT_EQ(found(environment, plain), std::nullopt);
}

TEST(Environment, ExceptsNamesAndTheirDomains) {
  for (const char* none :
       {"media.example", "example", ".example", "*.example", "MEDIA.example",
        "other.test, media.example", "a.test media.example", "*", "media.example:1935"})
    EXPECT_TRUE(excepted(none, "Media.example")) << none;
  for (const char* none : {"", ",", ".", "dia.example", "media.example:80", "media.example.org"})
    EXPECT_FALSE(excepted(none, "media.example")) << none;
}

TEST(Environment, ExceptsAddressesAndNetworks) {
  EXPECT_TRUE(excepted("10.1.2.3", "10.1.2.3"));
  EXPECT_TRUE(excepted("10.0.0.0/8", "10.1.2.3"));
  EXPECT_TRUE(excepted("10.1.2.3:1935", "10.1.2.3"));
  EXPECT_TRUE(excepted("2001:db8::/32", "2001:db8::5"));
  EXPECT_FALSE(excepted("10.0.0.0/8", "11.1.2.3"));
  EXPECT_FALSE(excepted("10.1.2.3:80", "10.1.2.3"));
}

TEST(Environment, NeverSendsThisMachineToAProxy) {
  for (const char* host : {"localhost", "127.0.0.1", "127.3.2.1", "::1"})
    EXPECT_EQ(found(full(), {host, 80, false, true}), std::nullopt) << host;
}

TEST(Environment, NamesTheVariableThatCannotBeRead) {
  Environment environment;
  environment.https = "socks4://me:secret@gate";
  const auto choice = find(environment, in_https);
  const auto* fault = std::get_if<std::string>(&choice);
  ASSERT_TRUE(fault);
  EXPECT_TRUE(fault->starts_with("https_proxy: The proxy cannot be used")) << *fault;
  EXPECT_EQ(fault->find("secret"), fault->npos);
}

class Variables : public testing::Test {
 protected:
  Variables() { unset_all(); }
  ~Variables() override { unset_all(); }

 private:
  static void unset_all() {
    for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY",
                             "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})
      g_unsetenv(name);
  }
};

TEST_F(Variables, AreReadInBothCases) {
  g_setenv("http_proxy", "http://web:1", TRUE);
  g_setenv("HTTPS_PROXY", "http://secure:2", TRUE);
  g_setenv("ALL_PROXY", "socks5://upper:3", TRUE);
  g_setenv("all_proxy", "socks5://other:3", TRUE);
  g_setenv("NO_PROXY", "example.org", TRUE);
  const Environment environment = Environment::read();
  EXPECT_EQ(environment.http, "http://web:1");
  EXPECT_EQ(environment.https, "http://secure:2");
  EXPECT_EQ(environment.all, "socks5://other:3");
  EXPECT_EQ(environment.none, "example.org");
}

// A program that serves the web has its clients' field Proxy there.
TEST_F(Variables, DoNotIncludeHttpProxyInCapitals) {
  g_setenv("HTTP_PROXY", "http://stranger:1", TRUE);
  EXPECT_FALSE(Environment::read().names_any());
}

TEST_F(Variables, GetTheUserThatTheyLack) {
  g_setenv("all_proxy", "socks5://other:3", TRUE);
  const auto choice = of_system("me", "secret")(plain, {});
  Proxy with_user = other;
  with_user.user = "me";
  with_user.password = "secret";
  EXPECT_EQ(std::get<std::optional<Proxy>>(choice), with_user);
}

TEST_F(Variables, KeepTheUserThatTheyHave) {
  g_setenv("all_proxy", "socks5://you:word@other:3", TRUE);
  const auto choice = of_system("me", "secret")(plain, {});
  EXPECT_EQ(std::get<std::optional<Proxy>>(choice)->user, "you");
}

// As GIO does where it has none of its modules.
TEST_F(Variables, LeaveItToGioWhereTheyAreNotSet) {
  g_setenv("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
  const auto choice = of_system("", "")(plain, {});
  EXPECT_EQ(std::get<std::optional<Proxy>>(choice), std::nullopt);
}

}  // namespace
}  // namespace client_proxy
