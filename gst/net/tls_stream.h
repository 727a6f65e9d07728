// TLS over a socket, by OpenSSL directly: it reads and writes without blocking, and may use the
// kernel's own TLS.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

#include "net/byte_stream.h"
#include "net/tls.h"

namespace net {

class TlsStream final : public ByteStream {
 public:
  // Of a server; the handshake happens with the first reads and writes. `keeps` is what the
  // context's callbacks look at.
  TlsStream(Socket socket, SSL_CTX* context, std::shared_ptr<const void> keeps);
  // Of a client.
  TlsStream(Socket socket, SSL_CTX* context, const TlsClientSettings& settings);

  std::size_t read_some(std::span<std::uint8_t> into, error_code& error) override;
  std::size_t write_some(std::span<const rtmp::Bytes> spans, error_code& error) override;
  Wait read_wait() const override { return read_wait_; }
  Wait write_wait() const override { return write_wait_; }
  void shutdown_write() override;
  bool is_secure() const override { return true; }
  std::string fault() const override;

 private:
  error_code result_of(int result, Wait& wait);
  void give_up(error_code error);
  rtmp::Bytes next_record(std::span<const rtmp::Bytes> spans, std::size_t skip);
  static int on_certificate(int accepted, X509_STORE_CTX* store);
  bool passes_over(X509_STORE_CTX* store);

  std::shared_ptr<const void> keeps_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;  // has a reference to the context
  std::string host_;
  unsigned checks_ = 0;
  Wait read_wait_ = Wait::wait_read;
  Wait write_wait_ = Wait::wait_write;
  error_code ended_;  // nothing more can be read, and after an error nothing written
  std::string fault_;
  std::vector<std::uint8_t> record_;  // small spans put together
};

}  // namespace net
