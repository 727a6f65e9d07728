// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/tls_server.h"

#include <sys/socket.h>

#include <boost/asio/error.hpp>

#include "net/tls_context.h"
#include "net/tls_stream.h"

namespace net {
namespace {

// How often the files are looked at, at most.
constexpr auto look_interval = std::chrono::seconds(1);

constexpr std::uint8_t tls_handshake_record = 0x16;

// Forward secrecy for everyone. CBC is what some hardware encoders still have.
constexpr char tls_1_2_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES256:ECDHE+AES128:!aNULL";

std::vector<std::string> files_of(const TlsServerSettings& settings) {
  std::vector<std::string> files;
  for (const auto& certificate : settings.certificates) {
    files.push_back(certificate.file);
    if (!certificate.key_file.empty()) files.push_back(certificate.key_file);
  }
  if (!settings.ca_file.empty()) files.push_back(settings.ca_file);
  return files;
}

TlsServer::FileTimes times_of(const TlsServerSettings& settings) {
  TlsServer::FileTimes times;
  for (const std::string& file : files_of(settings)) {
    std::error_code missing;  // the time is the least one then
    times.push_back(std::filesystem::last_write_time(file, missing));
  }
  return times;
}

std::string demand_client_certificates(SSL_CTX* context, const std::string& ca_file) {
  std::string fault = load_authorities(context, ca_file);
  if (!fault.empty()) return fault;
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(ca_file.c_str()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  constexpr unsigned char session_scope[] = "rtmp";  // without one no session is resumed
  SSL_CTX_set_session_id_context(context, session_scope, sizeof session_scope - 1);
  return {};
}

}  // namespace

// The contexts' callback has a pointer to it, so it stays where it is.
struct TlsServer::Certificates {
  std::vector<SslContext> contexts;
  FileTimes times;  // of the files that it was loaded from

  // Why that cannot be, or nothing.
  std::string load(const TlsServerSettings& settings);
  SSL_CTX* find(const char* host) const;
  static int on_name(SSL* ssl, int* alert, void* self);
};

std::string TlsServer::Certificates::load(const TlsServerSettings& settings) {
  times = times_of(settings);
  for (const auto& certificate : settings.certificates) {
    const SslContext context = make_ssl_context(TLS_server_method());
    SSL_CTX_set_cipher_list(context.get(), tls_1_2_ciphers);
    SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
    // librtmp with GnuTLS takes a ticket of TLS 1.3 for an error. Connections are long, so resuming
    // one would save little.
    SSL_CTX_set_num_tickets(context.get(), 0);
    SSL_CTX_set_tlsext_servername_callback(context.get(), &Certificates::on_name);
    SSL_CTX_set_tlsext_servername_arg(context.get(), this);
    std::string fault = load_certificate(context.get(), certificate.file, certificate.key_file);
    if (fault.empty() && !settings.ca_file.empty())
      fault = demand_client_certificates(context.get(), settings.ca_file);
    if (!fault.empty()) return fault;
    contexts.push_back(context);
  }
  return {};
}

SSL_CTX* TlsServer::Certificates::find(const char* host) const {
  for (const SslContext& context : contexts)
    if (X509_check_host(SSL_CTX_get0_certificate(context.get()), host, 0, 0, nullptr) == 1)
      return context.get();
  return contexts.front().get();
}

int TlsServer::Certificates::on_name(SSL* ssl, int*, void* self) {
  const char* host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (host) SSL_set_SSL_CTX(ssl, static_cast<Certificates*>(self)->find(host));
  return SSL_TLSEXT_ERR_OK;
}

// --- connections

// TLS or not, as the client's first byte says, which stays where it is.
class TlsServer::SniffedStream final : public ByteStream {
 public:
  SniffedStream(Socket socket, std::shared_ptr<const Certificates> certificates)
      : ByteStream(std::move(socket)), certificates_(std::move(certificates)) {
    error_code ignored;
    socket_.native_non_blocking(true, ignored);
  }

  std::size_t read_some(std::span<std::uint8_t> into, error_code& error) override {
    if (!stream_ && !look(error)) return 0;
    return stream_->read_some(into, error);
  }
  // A server has nothing to say before it was spoken to.
  std::size_t write_some(std::span<const rtmp::Bytes> spans, error_code& error) override {
    error = boost::asio::error::would_block;
    return stream_ ? stream_->write_some(spans, error) : 0;
  }
  Wait read_wait() const override { return stream_ ? stream_->read_wait() : Wait::wait_read; }
  Wait write_wait() const override { return stream_ ? stream_->write_wait() : Wait::wait_write; }
  void shutdown_write() override {
    stream_ ? stream_->shutdown_write() : ByteStream::shutdown_write();
  }
  bool is_secure() const override { return stream_ && stream_->is_secure(); }
  std::string fault() const override { return stream_ ? stream_->fault() : std::string(); }
  Socket& socket() override { return stream_ ? stream_->socket() : socket_; }

 private:
  bool look(error_code& error);

  std::shared_ptr<const Certificates> certificates_;
  std::unique_ptr<ByteStream> stream_;  // once it is known which; it has the socket then
};

bool TlsServer::SniffedStream::look(error_code& error) {
  std::uint8_t first = 0;
  const ssize_t count = ::recv(socket_.native_handle(), &first, 1, MSG_PEEK);
  if (count == 1) {
    stream_ = first == tls_handshake_record ? tls_stream(std::move(socket_), certificates_)
                                            : make_plain_stream(std::move(socket_));
    return true;
  }
  const int code = errno == EAGAIN ? EWOULDBLOCK : errno;
  error = count == 0 ? error_code(boost::asio::error::eof)
                     : error_code(code, boost::system::system_category());
  return false;
}

std::unique_ptr<ByteStream> TlsServer::tls_stream(
    Socket socket, const std::shared_ptr<const Certificates>& certificates) {
  return std::make_unique<TlsStream>(std::move(socket), certificates->contexts.front().get(),
                                     certificates);
}

// --- the server

TlsServer::TlsServer(Private, TlsServerSettings settings,
                     std::shared_ptr<const Certificates> certificates)
    : settings_(std::move(settings)),
      certificates_(std::move(certificates)),
      seen_(certificates_->times) {}

std::shared_ptr<TlsServer> TlsServer::make(TlsServerSettings settings, std::string& error) {
  assert(!settings.certificates.empty());
  const auto certificates = std::make_shared<Certificates>();
  error = certificates->load(settings);
  if (!error.empty()) return nullptr;
  return std::make_shared<TlsServer>(Private{}, std::move(settings), certificates);
}

std::unique_ptr<ByteStream> TlsServer::wrap(Socket socket, rtmp::Time now) {
  const auto certificates = fresh(now);
  if (settings_.optional) return std::make_unique<SniffedStream>(std::move(socket), certificates);
  return tls_stream(std::move(socket), certificates);
}

std::shared_ptr<const TlsServer::Certificates> TlsServer::fresh(rtmp::Time now) {
  const std::lock_guard lock(mutex_);
  if (now < next_look_) return certificates_;
  next_look_ = now + look_interval;
  if (times_of(settings_) == seen_) return certificates_;
  const auto loaded = std::make_shared<Certificates>();
  const std::string fault = loaded->load(settings_);
  seen_ = loaded->times;
  if (fault.empty()) certificates_ = loaded;
  settings_.on_reload(fault);
  return certificates_;
}

}  // namespace net
