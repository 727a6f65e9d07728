// A server's side of TLS: certificates for several names, fresh from their files.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/byte_stream.h"
#include "rtmp/clock.h"

namespace net {

struct TlsServerSettings {
  struct Certificate {
    std::string file = {},
                key_file = {};  // PEM, the chain in the first; no key file: it is there, too
  };
  // A client gets the one for the name that it asks for (SNI), else the first.
  std::vector<Certificate> certificates = {};
  std::string ca_file = {};  // PEM; if set, clients must show a certificate of it
  bool optional = false;     // clients may do without: their first byte says what they speak
  // Files have changed: they are in use from now on, or the sentence says why they cannot be and
  // the old ones stay. Called where wrap() is.
  std::function<void(const std::string& fault)> on_reload = [](const std::string&) {};
};

// From any thread.
class TlsServer {
 public:
  using FileTimes = std::vector<std::filesystem::file_time_type>;

  // On failure `error` says in a sentence which file is at fault.
  static std::shared_ptr<TlsServer> make(TlsServerSettings settings, std::string& error);

  // The handshake happens with the first reads and writes. Now and then it looks first whether the
  // files have changed, which leaves the connections alone that there are.
  std::unique_ptr<ByteStream> wrap(Socket socket, rtmp::Time now);

 private:
  struct Private {};
  struct Certificates;
  class SniffedStream;

 public:
  TlsServer(Private, TlsServerSettings settings, std::shared_ptr<const Certificates> certificates);

 private:
  std::shared_ptr<const Certificates> fresh(rtmp::Time now);
  static std::unique_ptr<ByteStream> tls_stream(
      Socket socket, const std::shared_ptr<const Certificates>& certificates);

  const TlsServerSettings settings_;
  std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Certificates> certificates_;
  FileTimes seen_;  // of the files, whether they could be used or not
  rtmp::Time next_look_ = {};
};

}  // namespace net
