// What clients and servers of TLS have in common: settings of OpenSSL, and files that it reads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace net {

using SslContext = std::shared_ptr<SSL_CTX>;

SslContext make_ssl_context(const SSL_METHOD* method);

// These answer why a file cannot be used, in a sentence that names it; empty: it is loaded.
// `key`: PEM; empty: it is in the certificate's file.
std::string load_certificate(SSL_CTX* context, const std::string& certificate,
                             const std::string& key);
std::string load_authorities(SSL_CTX* context, const std::string& ca_file);

// The cause of the thread's last failure. Forgets the others.
unsigned long take_ssl_error();
std::string reason_of(unsigned long ssl_error);

}  // namespace net
