// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/tls.h"

#include "net/tls_context.h"
#include "net/tls_stream.h"

namespace net {

TlsContext::TlsContext(Private, std::shared_ptr<ssl_ctx_st> context, TlsClientSettings settings)
    : context_(std::move(context)), settings_(std::move(settings)) {}

std::shared_ptr<TlsContext> TlsContext::client(const TlsClientSettings& settings,
                                               std::string& error) {
  const SslContext context = make_ssl_context(TLS_client_method());
  if (settings.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context.get());
    error.clear();
  } else {
    error = load_authorities(context.get(), settings.ca_file);
  }
  if (error.empty() && !settings.certificate_file.empty())
    error = load_certificate(context.get(), settings.certificate_file, settings.key_file);
  if (!error.empty()) return nullptr;
  // OpenSSL refuses weak keys in places where no callback is asked.
  if ((settings.checks & TlsChecks::insecure) == 0) SSL_CTX_set_security_level(context.get(), 0);
  return std::make_shared<TlsContext>(Private{}, context, settings);
}

std::unique_ptr<ByteStream> TlsContext::wrap(Socket socket) const {
  return std::make_unique<TlsStream>(std::move(socket), context_.get(), settings_);
}

}  // namespace net
