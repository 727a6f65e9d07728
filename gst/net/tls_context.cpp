// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/tls_context.h"

#include <openssl/err.h>

#include <boost/system/error_code.hpp>

namespace net {
namespace {

std::string file_fault(const std::string& what, const std::string& path) {
  return "The " + what + " file " + path + " cannot be used: " + reason_of(take_ssl_error());
}

// A key that is protected by a password is an error: nobody is there to be asked.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

SslContext make_ssl_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method), SSL_CTX_free);
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

std::string load_certificate(SSL_CTX* context, const std::string& certificate,
                             const std::string& key) {
  ERR_clear_error();
  const std::string& key_file = key.empty() ? certificate : key;
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return file_fault("certificate", certificate);
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return file_fault("key", key_file);
  return {};
}

std::string load_authorities(SSL_CTX* context, const std::string& ca_file) {
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) return file_fault("CA", ca_file);
  return {};
}

// OpenSSL may keep several errors of one failure; the first is the cause.
unsigned long take_ssl_error() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  return error;
}

std::string reason_of(unsigned long ssl_error) {
  if (ERR_SYSTEM_ERROR(ssl_error))
    return boost::system::error_code(static_cast<int>(ERR_GET_REASON(ssl_error)),
                                     boost::system::system_category())
        .message();
  const char* reason = ERR_reason_error_string(ssl_error);
  return reason ? reason : "unknown error";
}

}  // namespace net
