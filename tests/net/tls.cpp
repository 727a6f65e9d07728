// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/tls.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/error.hpp>
#include <filesystem>
#include <fstream>

#include "net/certificate.h"
#include "net/tls_server.h"
#include "support/process.h"

namespace net {
namespace {

using rtmp::test::CertificateOptions;
using rtmp::test::TemporaryFolder;

// Two ends over a socket pair, moved on by turns on the test's thread.
class Tls : public testing::Test {
 protected:
  void SetUp() override { signal(SIGPIPE, SIG_IGN); }  // workers have it blocked

  void make_certificate(const CertificateOptions& options = {}) {
    rtmp::test::write_certificate(pem_, options);
  }

  void connect(TlsClientSettings settings, TlsServerSettings server_settings = {}) {
    std::string error;
    server_settings.certificates = {{pem_}};
    const auto server = TlsServer::make(server_settings, error);
    ASSERT_TRUE(server) << error;
    connect_to(*server, settings);
  }
  void connect_to(TlsServer& server, const TlsClientSettings& settings, rtmp::Time now = {}) {
    std::string error;
    const auto client_context = TlsContext::client(settings, error);
    ASSERT_TRUE(client_context) << error;
    boost::asio::local::stream_protocol::socket a(context_), b(context_);
    boost::asio::local::connect_pair(a, b);
    client_ = client_context->wrap(std::move(a));
    server_ = server.wrap(std::move(b), now);
  }

  TlsClientSettings trusting() const { return {.host = "localhost", .ca_file = pem_}; }

  // Moves `sent` from one to the other; what arrived.
  std::string transfer(ByteStream& from, ByteStream& to, std::vector<rtmp::Bytes> sent) {
    std::string arrived;
    while (true) {
      error_code write_error, read_error;
      std::size_t written = sent.empty() ? 0 : from.write_some(sent, write_error);
      while (written > 0) {
        const std::size_t part = std::min(written, sent.front().size());
        sent.front() = sent.front().subspan(part);
        written -= part;
        if (sent.front().empty()) sent.erase(sent.begin());
      }
      std::uint8_t bytes[10'000];
      const std::size_t count = to.read_some(bytes, read_error);
      arrived += rtmp::as_text({bytes, count});
      if (sent.empty() && read_error == boost::asio::error::would_block) return arrived;
      if (failed(write_error) || failed(read_error)) return arrived;
    }
  }
  // Whether the client accepts the server.
  bool shake_hands() {
    const bool to_server = transfer(*client_, *server_, {rtmp::as_bytes("hello")}) == "hello";
    return to_server && transfer(*server_, *client_, {rtmp::as_bytes("welcome")}) == "welcome";
  }

  static bool failed(error_code error) { return error && error != boost::asio::error::would_block; }

  TemporaryFolder folder_;
  const std::string pem_ = folder_ / "certificate.pem";
  boost::asio::io_context context_;
  std::unique_ptr<ByteStream> client_, server_;
};

TEST_F(Tls, CarriesBytesBothWays) {
  make_certificate();
  connect(trusting());
  EXPECT_TRUE(shake_hands());
  EXPECT_EQ(client_->fault(), "");
}

TEST_F(Tls, JoinsSpansOfAllSizes) {
  make_certificate();
  connect(trusting());
  ASSERT_TRUE(shake_hands());
  std::vector<std::string> parts;
  std::string expected;
  for (std::size_t size : {1u, 0u, 300u, 16'383u, 2u, 16'384u, 100'000u, 5u, 40'000u}) {
    parts.emplace_back(size, static_cast<char>('a' + parts.size()));
    expected += parts.back();
  }
  std::vector<rtmp::Bytes> spans;
  for (const std::string& part : parts) spans.push_back(rtmp::as_bytes(part));
  EXPECT_EQ(transfer(*client_, *server_, spans), expected);
}

TEST_F(Tls, WritesOnAfterThePeerHadNoRoom) {
  make_certificate();
  connect(trusting());
  ASSERT_TRUE(shake_hands());
  std::string text(3'000'000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  std::size_t written = 0;
  error_code error;
  while (!error) {
    const auto rest = rtmp::as_bytes(std::string_view(text).substr(written));
    written += client_->write_some({{rest.first(std::min<std::size_t>(rest.size(), 7000))}}, error);
  }
  EXPECT_EQ(error, boost::asio::error::would_block);
  EXPECT_EQ(client_->write_wait(), ByteStream::Wait::wait_write);
  // The same bytes again, but more of them, in other pieces.
  const std::string_view rest = std::string_view(text).substr(written);
  EXPECT_EQ(transfer(*client_, *server_,
                     {rtmp::as_bytes(rest.substr(0, 10)), rtmp::as_bytes(rest.substr(10))}),
            text);
}

TEST_F(Tls, RefusesASelfSignedCertificate) {
  make_certificate();
  connect({.host = "localhost"});
  EXPECT_FALSE(shake_hands());
  EXPECT_EQ(client_->fault(),
            "the certificate of localhost is not trusted: self-signed certificate");
}

TEST_F(Tls, AcceptsASelfSignedCertificateIfItIsNotToLookAtTheAuthority) {
  make_certificate();
  connect({.host = "localhost", .checks = TlsChecks::all & ~TlsChecks::unknown_ca});
  EXPECT_TRUE(shake_hands());
}

TEST_F(Tls, RefusesACertificateOfAnotherHost) {
  make_certificate({.names = "DNS:elsewhere"});
  connect(trusting());
  EXPECT_FALSE(shake_hands());
  EXPECT_EQ(client_->fault(),
            "the certificate of localhost is for another host: hostname mismatch");
}

TEST_F(Tls, AcceptsACertificateOfAnotherHostIfItIsNotToLookAtTheIdentity) {
  make_certificate({.names = "DNS:elsewhere"});
  TlsClientSettings settings = trusting();
  settings.checks &= ~TlsChecks::bad_identity;
  connect(settings);
  EXPECT_TRUE(shake_hands());
}

TEST_F(Tls, ComparesAddressesWithAddresses) {
  make_certificate();
  TlsClientSettings settings = trusting();
  settings.host = "127.0.0.1";
  connect(settings);
  EXPECT_TRUE(shake_hands());
  settings.host = "127.0.0.2";
  connect(settings);
  EXPECT_FALSE(shake_hands());
  EXPECT_EQ(client_->fault(),
            "the certificate of 127.0.0.2 is for another host: IP address mismatch");
}

TEST_F(Tls, RefusesAnExpiredCertificateUnlessToldOtherwise) {
  make_certificate({.valid_from_s = -7200, .valid_to_s = -3600});
  TlsClientSettings settings = trusting();
  connect(settings);
  EXPECT_FALSE(shake_hands());
  EXPECT_EQ(client_->fault(), "the certificate of localhost is not valid: certificate has expired");
  settings.checks &= ~TlsChecks::expired;
  connect(settings);
  EXPECT_TRUE(shake_hands());
}

TEST_F(Tls, RefusesACertificateOfTomorrow) {
  make_certificate({.valid_from_s = 3600, .valid_to_s = 7200});
  connect(trusting());
  EXPECT_FALSE(shake_hands());
}

TEST_F(Tls, AsksClientsForACertificateIfItIsTold) {
  make_certificate();
  connect(trusting(), {.ca_file = pem_});
  EXPECT_FALSE(shake_hands());
  TlsClientSettings settings = trusting();
  settings.certificate_file = pem_;
  connect(settings, {.ca_file = pem_});
  EXPECT_TRUE(shake_hands());
}

TEST_F(Tls, EndsWithCloseNotify) {
  make_certificate();
  connect(trusting());
  ASSERT_TRUE(shake_hands());
  const std::string last = "goodbye";
  error_code error;
  client_->write_some({{rtmp::as_bytes(last)}}, error);
  client_->shutdown_write();
  std::uint8_t bytes[100];
  EXPECT_EQ(server_->read_some(bytes, error), last.size());
  EXPECT_FALSE(error);
  // The end has come already; who waits for it to be readable must not wait for ever.
  pollfd poll = {server_->socket().native_handle(), POLLIN, 0};
  EXPECT_EQ(::poll(&poll, 1, 0), 1);
  EXPECT_EQ(server_->read_some(bytes, error), 0u);
  EXPECT_EQ(error, boost::asio::error::eof);
  // The other direction still works.
  EXPECT_EQ(transfer(*server_, *client_, {rtmp::as_bytes("bye")}), "bye");
}

TEST_F(Tls, TakesAnEndWithoutCloseNotifyAsTheEnd) {
  make_certificate();
  connect(trusting());
  ASSERT_TRUE(shake_hands());
  client_->close();
  std::uint8_t bytes[100];
  error_code error;
  EXPECT_EQ(server_->read_some(bytes, error), 0u);
  EXPECT_EQ(error, boost::asio::error::eof);
}

TEST_F(Tls, SaysThatThePeerSpeaksNoTls) {
  make_certificate();
  connect(trusting());
  error_code error;
  auto plain = make_plain_stream(std::move(server_->socket()));
  const std::string noise = "HTTP/1.0 400 Bad Request\r\n\r\n";
  plain->write_some({{rtmp::as_bytes(noise)}}, error);
  std::uint8_t bytes[100];
  EXPECT_EQ(client_->read_some(bytes, error), 0u);
  EXPECT_EQ(error.category(), boost::asio::error::get_ssl_category());
  EXPECT_EQ(client_->fault(), "wrong version number");
}

TEST_F(Tls, SaysThatTheHandshakeIsNotComplete) {
  make_certificate();
  connect(trusting());
  EXPECT_EQ(client_->fault(), "the TLS handshake was not completed");
}

TEST(TlsContext, NamesTheFileThatCannotBeRead) {
  std::string error;
  EXPECT_FALSE(TlsContext::client({.ca_file = "/nowhere/ca.pem"}, error));
  EXPECT_EQ(error, "The CA file /nowhere/ca.pem cannot be used: No such file or directory");
}

TEST(TlsServer, NamesTheFileThatCannotBeRead) {
  std::string error;
  EXPECT_FALSE(TlsServer::make({.certificates = {{"/nowhere/cert.pem"}}}, error));
  EXPECT_EQ(error,
            "The certificate file /nowhere/cert.pem cannot be used: No such file or directory");
}

TEST(TlsServer, RefusesAKeyOfAnotherCertificate) {
  const TemporaryFolder folder;
  rtmp::test::write_certificate(folder / "a.pem");
  rtmp::test::write_certificate(folder / "b.pem");
  std::string error;
  EXPECT_FALSE(TlsServer::make({.certificates = {{folder / "a.pem", folder / "b.pem"}}}, error));
  EXPECT_EQ(error, "The key file " + (folder / "b.pem") + " cannot be used: key values mismatch");
}

// --- names

class NamedTls : public Tls {
 protected:
  void SetUp() override {
    Tls::SetUp();
    rtmp::test::write_certificate(first_, {.names = "DNS:first.example"});
    rtmp::test::write_certificate(second_, {.names = "DNS:second.example, DNS:*.third.example"});
    std::string error;
    server_settings_ = TlsServer::make({.certificates = {{first_}, {second_}}}, error);
    ASSERT_TRUE(server_settings_) << error;
  }
  bool offers(const std::string& host, const std::string& authority) {
    connect_to(*server_settings_, {.host = host, .ca_file = authority});
    return shake_hands();
  }

  const std::string first_ = folder_ / "first.pem", second_ = folder_ / "second.pem";
  std::shared_ptr<TlsServer> server_settings_;
};

TEST_F(NamedTls, ShowsTheCertificateOfTheNameThatTheClientAsksFor) {
  EXPECT_TRUE(offers("first.example", first_));
  EXPECT_TRUE(offers("second.example", second_));
  EXPECT_TRUE(offers("any.third.example", second_));
}

TEST_F(NamedTls, ShowsTheFirstToWhoAsksForNoneOfTheirs) {
  connect_to(*server_settings_, {.host = "elsewhere",
                                 .checks = TlsChecks::all & ~TlsChecks::bad_identity,
                                 .ca_file = first_});
  EXPECT_TRUE(shake_hands());
}

// --- new files

class RenewedTls : public Tls {
 protected:
  void SetUp() override {
    Tls::SetUp();
    make_certificate();
    age_certificate();
    std::string error;
    TlsServerSettings settings{.certificates = {{pem_}}};
    settings.on_reload = [this](const std::string& fault) { reloads_.push_back(fault); };
    tls_ = TlsServer::make(settings, error);
    ASSERT_TRUE(tls_) << error;
  }
  // So that what is written next is newer, whatever the clock of the file system.
  void age_certificate() {
    namespace fs = std::filesystem;
    fs::last_write_time(pem_, fs::last_write_time(pem_) - std::chrono::hours(1));
  }
  bool trusts(rtmp::Time now) {
    connect_to(*tls_, trusting(), now);
    return shake_hands();
  }

  const rtmp::Time start_ = rtmp::Time(std::chrono::hours(1));
  std::vector<std::string> reloads_;
  std::shared_ptr<TlsServer> tls_;
};

TEST_F(RenewedTls, ShowsACertificateThatCameLater) {
  EXPECT_TRUE(trusts(start_));
  make_certificate();
  EXPECT_TRUE(trusts(start_ + std::chrono::seconds(1)));
  EXPECT_EQ(reloads_, std::vector<std::string>{""});
}

TEST_F(RenewedTls, LeavesTheConnectionsAlone) {
  ASSERT_TRUE(trusts(start_));
  const auto client = std::move(client_), server = std::move(server_);
  make_certificate();
  ASSERT_TRUE(trusts(start_ + std::chrono::seconds(1)));
  EXPECT_EQ(transfer(*client, *server, {rtmp::as_bytes("still here")}), "still here");
}

TEST_F(RenewedTls, DoesNotLookForEveryConnection) {
  ASSERT_TRUE(trusts(start_));
  make_certificate();
  EXPECT_FALSE(trusts(start_ + std::chrono::milliseconds(999)));
  EXPECT_EQ(reloads_.size(), 0u);
}

TEST_F(RenewedTls, KeepsTheOldWhereTheNewIsBrokenAndSaysSoOnce) {
  std::string error;
  const auto client = TlsContext::client(trusting(), error);
  std::ofstream(pem_) << "no certificate";
  for (int second = 1; second < 3; ++second) {
    const auto unused = tls_->wrap(boost::asio::local::stream_protocol::socket(context_),
                                   start_ + std::chrono::seconds(second));
  }
  EXPECT_EQ(reloads_, std::vector<std::string>{"The certificate file " + pem_ +
                                               " cannot be used: no start line"});
}

// --- TLS or not

class OptionalTls : public Tls {
 protected:
  void connect_plainly() {
    make_certificate();
    connect(trusting(), {.optional = true});
    client_ = make_plain_stream(std::move(client_->socket()));
  }
};

TEST_F(OptionalTls, IsSpokenWithWhoSpeaksIt) {
  make_certificate();
  connect(trusting(), {.optional = true});
  EXPECT_TRUE(shake_hands());
}

TEST_F(OptionalTls, IsNotSpokenWithWhoDoesNot) {
  connect_plainly();
  EXPECT_TRUE(shake_hands());
}

TEST_F(OptionalTls, WaitsForTheFirstByte) {
  connect_plainly();
  error_code error;
  std::uint8_t bytes[10];
  EXPECT_EQ(server_->read_some(bytes, error), 0u);
  EXPECT_EQ(error, boost::asio::error::would_block);
}

TEST_F(OptionalTls, SeesWhoLeavesWithoutAWord) {
  connect_plainly();
  client_->close();
  error_code error;
  std::uint8_t bytes[10];
  EXPECT_EQ(server_->read_some(bytes, error), 0u);
  EXPECT_EQ(error, boost::asio::error::eof);
}

TEST_F(Tls, RefusesWhoDoesNotSpeakItWhereItIsNotOptional) {
  make_certificate();
  connect(trusting());
  client_ = make_plain_stream(std::move(client_->socket()));
  EXPECT_FALSE(shake_hands());
}

}  // namespace
}  // namespace net
