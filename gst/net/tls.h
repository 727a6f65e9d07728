// A client's side of TLS: what it checks and shows.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include "net/byte_stream.h"

struct ssl_ctx_st;

namespace net {

// What a client checks of the server's certificate; values as in GLib's GTlsCertificateFlags.
struct TlsChecks {
  static constexpr unsigned unknown_ca = 1, bad_identity = 2, not_activated = 4, expired = 8,
                            revoked = 16, insecure = 32, generic_error = 64, all = 127;
};

struct TlsClientSettings {
  std::string host = {};                             // for SNI and the identity check
  unsigned checks = TlsChecks::all;                  // TlsChecks
  std::string ca_file = {};                          // PEM; empty: the system's authorities
  std::string certificate_file = {}, key_file = {};  // PEM; empty: none
};

// Made once, used by any number of connections and threads.
class TlsContext {
 public:
  // On failure `error` says in a sentence which file or setting is at fault.
  static std::shared_ptr<TlsContext> client(const TlsClientSettings& settings, std::string& error);

  // The handshake happens with the first reads and writes.
  std::unique_ptr<ByteStream> wrap(Socket socket) const;

 private:
  struct Private {};

 public:
  TlsContext(Private, std::shared_ptr<ssl_ctx_st> context, TlsClientSettings settings);

 private:
  std::shared_ptr<ssl_ctx_st> context_;
  TlsClientSettings settings_;
};

}  // namespace net
