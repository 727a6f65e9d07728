// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

namespace net {
namespace {

constexpr std::size_t record_size = 16 * 1024;  // of TLS, at most

bool is_address(const std::string& host) {
  error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

unsigned check_of(int x509_error) {
  switch (x509_error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      return TlsChecks::unknown_ca;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return TlsChecks::bad_identity;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return TlsChecks::not_activated;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return TlsChecks::expired;
    case X509_V_ERR_CERT_REVOKED:
      return TlsChecks::revoked;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return TlsChecks::insecure;
    default:
      return TlsChecks::generic_error;
  }
}

// OpenSSL may keep several errors of one failure; the first is the cause.
unsigned long take_ssl_error() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  return error;
}

std::string reason_of(unsigned long ssl_error) {
  if (ERR_SYSTEM_ERROR(ssl_error))
    return error_code(static_cast<int>(ERR_GET_REASON(ssl_error)), boost::system::system_category())
        .message();
  const char* reason = ERR_reason_error_string(ssl_error);
  return reason ? reason : "unknown error";
}

class TlsStream final : public ByteStream {
 public:
  TlsStream(Socket socket, SSL_CTX* context, const TlsClientSettings* client);

  std::size_t read_some(std::span<std::uint8_t> into, error_code& error) override;
  std::size_t write_some(std::span<const rtmp::Bytes> spans, error_code& error) override;
  Wait read_wait() const override { return read_wait_; }
  Wait write_wait() const override { return write_wait_; }
  void shutdown_write() override;
  std::string fault() const override;

 private:
  void set_up_client(const TlsClientSettings& settings);
  error_code result_of(int result, Wait& wait);
  void give_up(error_code error);
  rtmp::Bytes next_record(std::span<const rtmp::Bytes> spans, std::size_t skip);
  static int on_certificate(int accepted, X509_STORE_CTX* store);
  bool passes_over(X509_STORE_CTX* store);

  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  std::string host_;
  unsigned checks_ = 0;
  Wait read_wait_ = Wait::wait_read;
  Wait write_wait_ = Wait::wait_write;
  error_code ended_;  // nothing more can be read, and after an error nothing written
  std::string fault_;
  std::vector<std::uint8_t> record_;  // small spans put together
};

// The socket's own write() is what OpenSSL calls, which raises SIGPIPE where the peer is gone:
// workers have all signals blocked.
TlsStream::TlsStream(Socket socket, SSL_CTX* context, const TlsClientSettings* client)
    : ByteStream(std::move(socket)), ssl_(SSL_new(context), SSL_free) {
  error_code ignored;
  socket_.native_non_blocking(true, ignored);
  SSL_set_fd(ssl_.get(), socket_.native_handle());
  SSL_set_app_data(ssl_.get(), this);
  if (client) {
    set_up_client(*client);
  } else {
    SSL_set_accept_state(ssl_.get());
  }
}

void TlsStream::set_up_client(const TlsClientSettings& settings) {
  host_ = settings.host;
  checks_ = settings.checks;
  SSL_set_connect_state(ssl_.get());
  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // A scoped address (fe80::1%eth0) is none for OpenSSL; as a name it matches no certificate.
  if (!is_address(host_)) {
    SSL_set_tlsext_host_name(ssl_.get(), host_.c_str());
    X509_VERIFY_PARAM_set1_host(verify, host_.data(), host_.size());
  } else if (X509_VERIFY_PARAM_set1_ip_asc(verify, host_.c_str()) != 1) {
    X509_VERIFY_PARAM_set1_host(verify, host_.data(), host_.size());
  }
  SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, &TlsStream::on_certificate);
}

// --- the peer's certificate

int TlsStream::on_certificate(int accepted, X509_STORE_CTX* store) {
  if (accepted) return 1;
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  return static_cast<TlsStream*>(SSL_get_app_data(ssl))->passes_over(store) ? 1 : 0;
}

bool TlsStream::passes_over(X509_STORE_CTX* store) {
  const int error = X509_STORE_CTX_get_error(store);
  const unsigned check = check_of(error);
  if ((check & checks_) == 0) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return true;
  }
  const char* wrong = check == TlsChecks::bad_identity ? " is for another host: "
                      : check == TlsChecks::unknown_ca ? " is not trusted: "
                                                       : " is not valid: ";
  fault_ = "the certificate of " + host_ + wrong + X509_verify_cert_error_string(error);
  return false;
}

// --- bytes

std::size_t TlsStream::read_some(std::span<std::uint8_t> into, error_code& error) {
  std::size_t total = 0;
  error = ended_;
  // Several records, for OpenSSL may hold more than the socket shows as readable.
  while (!error && total < into.size()) {
    ERR_clear_error();
    std::size_t count = 0;
    const auto room = into.subspan(total);
    const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &count);
    error = result_of(result, read_wait_);
    total += count;
  }
  if (total > 0) error = {};
  return total;
}

// After would_block OpenSSL wants to be given the same bytes again, and maybe more: so it is, for
// what was not written is still in front.
std::size_t TlsStream::write_some(std::span<const rtmp::Bytes> spans, error_code& error) {
  std::size_t total = 0;
  error = ended_ == boost::asio::error::eof ? error_code() : ended_;
  while (!error) {
    const rtmp::Bytes record = next_record(spans, total);
    if (record.empty()) break;
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), record.data(), record.size(), &count);
    error = result_of(result, write_wait_);
    total += count;
  }
  if (total > 0) error = {};
  return total;
}

// What comes `skip` bytes into the spans: as it is where it fills a record, else put together.
rtmp::Bytes TlsStream::next_record(std::span<const rtmp::Bytes> spans, std::size_t skip) {
  while (!spans.empty() && skip >= spans.front().size()) {
    skip -= spans.front().size();
    spans = spans.subspan(1);
  }
  if (spans.empty()) return {};
  const rtmp::Bytes first = spans.front().subspan(skip);
  if (first.size() >= record_size) return first.first(record_size);
  if (spans.size() == 1) return first;
  record_.assign(first.begin(), first.end());
  for (const rtmp::Bytes& span : spans.subspan(1)) {
    const rtmp::Bytes part = span.first(std::min(span.size(), record_size - record_.size()));
    record_.insert(record_.end(), part.begin(), part.end());
  }
  return record_;
}

// What an operation came to. One that failed for good stays so.
error_code TlsStream::result_of(int result, Wait& wait) {
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
      return {};
    case SSL_ERROR_WANT_READ:
      wait = Wait::wait_read;
      return boost::asio::error::would_block;
    case SSL_ERROR_WANT_WRITE:
      wait = Wait::wait_write;
      return boost::asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN:
      give_up(boost::asio::error::eof);
      return ended_;
    case SSL_ERROR_SYSCALL:
      // Of a failed write as well: what the peer said before it left can still be read.
      return {saved_errno ? saved_errno : ECONNRESET, boost::system::system_category()};
    default: {
      const unsigned long error = take_ssl_error();
      if (fault_.empty()) fault_ = reason_of(error);
      give_up({static_cast<int>(error), boost::asio::error::get_ssl_category()});
      return ended_;
    }
  }
}

// Makes the socket readable for whoever waits for it: the end may have come with the last bytes, or
// been found in writing.
void TlsStream::give_up(error_code error) {
  ended_ = error;
  ::shutdown(socket_.native_handle(), SHUT_RD);
}

// If the kernel has no room for close_notify the peer sees the end without it, as with many others.
void TlsStream::shutdown_write() {
  ERR_clear_error();
  const bool usable = !ended_ || ended_ == boost::asio::error::eof;
  if (usable && SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  ByteStream::shutdown_write();
}

std::string TlsStream::fault() const {
  if (!fault_.empty()) return fault_;
  if (!SSL_is_init_finished(ssl_.get())) return "the TLS handshake was not completed";
  return {};
}

// --- contexts

using Context = std::shared_ptr<SSL_CTX>;

std::string file_fault(const std::string& what, const std::string& path) {
  return "The " + what + " file " + path + " cannot be used: " + reason_of(take_ssl_error());
}

// A key that is protected by a password is an error: nobody is there to be asked.
int no_password(char*, int, int, void*) { return -1; }

Context make_context(const SSL_METHOD* method) {
  Context context(SSL_CTX_new(method), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  // Many peers close without close_notify. RTMP knows itself where a message ends.
  SSL_CTX_set_options(context.get(),
                      SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ENABLE_KTLS | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_default_passwd_cb(context.get(), no_password);
  return context;
}

bool load_certificate(SSL_CTX* context, const std::string& certificate, const std::string& key,
                      std::string& error) {
  const std::string& key_file = key.empty() ? certificate : key;
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    error = file_fault("certificate", certificate);
  } else if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    error = file_fault("key", key_file);
  }
  return error.empty();
}

bool load_authorities(SSL_CTX* context, const std::string& ca_file, std::string& error) {
  if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) error = file_fault("CA", ca_file);
  return error.empty();
}

}  // namespace

TlsContext::TlsContext(Private, std::shared_ptr<ssl_ctx_st> context,
                       std::optional<TlsClientSettings> client)
    : context_(std::move(context)), client_(std::move(client)) {}

std::shared_ptr<TlsContext> TlsContext::client(const TlsClientSettings& settings,
                                               std::string& error) {
  ERR_clear_error();
  error.clear();
  const Context context = make_context(TLS_client_method());
  if (settings.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
  } else if (!load_authorities(context.get(), settings.ca_file, error)) {
    return nullptr;
  }
  if (!settings.certificate_file.empty() &&
      !load_certificate(context.get(), settings.certificate_file, settings.key_file, error))
    return nullptr;
  // OpenSSL refuses weak keys in places where no callback is asked.
  if ((settings.checks & TlsChecks::insecure) == 0) SSL_CTX_set_security_level(context.get(), 0);
  return std::make_shared<TlsContext>(Private{}, context, settings);
}

std::shared_ptr<TlsContext> TlsContext::server(const TlsServerSettings& settings,
                                               std::string& error) {
  ERR_clear_error();
  error.clear();
  const Context context = make_context(TLS_server_method());
  if (!load_certificate(context.get(), settings.certificate_file, settings.key_file, error))
    return nullptr;
  if (!settings.ca_file.empty()) {
    if (!load_authorities(context.get(), settings.ca_file, error)) return nullptr;
    SSL_CTX_set_client_CA_list(context.get(), SSL_load_client_CA_file(settings.ca_file.c_str()));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return std::make_shared<TlsContext>(Private{}, context, std::nullopt);
}

std::unique_ptr<ByteStream> TlsContext::wrap(Socket socket) const {
  return std::make_unique<TlsStream>(std::move(socket), context_.get(),
                                     client_ ? &*client_ : nullptr);
}

}  // namespace net
