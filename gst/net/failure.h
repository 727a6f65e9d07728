// What went wrong with a client, in sentences for people. They name no stream key in full, no
// password and no authentication query.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "net/client.h"
#include "net/proxy_dialogue.h"

namespace net {

class FailureTexts {
 public:
  explicit FailureTexts(const Client::Settings& settings);

  Failure settings(std::string text) const;
  Failure not_found(error_code error) const;
  Failure not_connected(error_code error) const;
  // Which one leads to the server.
  Failure no_proxy(error_code error) const;
  // By the proxy.
  Failure not_led(const ProxyFault& fault) const;
  // `fault`: of the byte stream.
  Failure no_tls(error_code error, const std::string& fault) const;
  Failure no_tunnel(error_code error, const std::string& fault) const;
  Failure no_handshake(error_code error) const;
  // The connection ended while `command` waited for its answer.
  Failure not_answered(const std::string& command, error_code error) const;
  Failure refused(const std::string& command, const rtmp::Status& status) const;
  // The status came after the start.
  Failure stopped(const rtmp::Status& status) const;
  Failure redirected(const rtmp::Status& status) const;
  // Later.
  Failure broken(error_code error) const;
  // Right after the server had accepted `command`.
  Failure broken_at_once(const std::string& command, error_code error) const;
  Failure not_drained() const;

 private:
  std::string proxy() const;
  std::string not_led_text(const ProxyFault& fault) const;
  std::string object_of(const std::string& command) const;
  std::string said(const rtmp::Status& status) const;
  std::string authentication_fault(const rtmp::Status& status) const;

  const Client::Settings& settings_;
  std::string peer_;    // host and port
  std::string stream_;  // masked
};

}  // namespace net
