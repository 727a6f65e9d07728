// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/tls_stream.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

#include "net/tls_context.h"

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

}  // namespace

// The socket's own write() is what OpenSSL calls, which raises SIGPIPE where the peer is gone:
// workers have all signals blocked.
TlsStream::TlsStream(Socket socket, SSL_CTX* context, std::shared_ptr<const void> keeps)
    : ByteStream(std::move(socket)), keeps_(std::move(keeps)), ssl_(SSL_new(context), SSL_free) {
  error_code ignored;
  socket_.native_non_blocking(true, ignored);
  SSL_set_fd(ssl_.get(), socket_.native_handle());
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_accept_state(ssl_.get());
}

TlsStream::TlsStream(Socket socket, SSL_CTX* context, const TlsClientSettings& settings)
    : TlsStream(std::move(socket), context, nullptr) {
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

}  // namespace net
