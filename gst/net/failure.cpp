// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/ssl/error.hpp>

#include "rtmp/url.h"

namespace net {
namespace {

using rtmp::Error;
using Stage = Failure::Stage;

std::string seconds(rtmp::Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

bool peer_left(error_code error) {
  return error == Error::closed || error == boost::asio::error::connection_reset ||
         error == boost::asio::error::broken_pipe;
}

// Ours that refuses the server's, or the server's word on ours.
bool is_about_a_certificate(error_code error) {
  if (error.category() != boost::asio::error::get_ssl_category()) return false;
  switch (ERR_GET_REASON(static_cast<unsigned long>(error.value()))) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

bool timed_out(error_code error) {
  return error == Error::handshake_timeout || error == Error::command_timeout ||
         error == Error::idle_timeout || error == Error::write_timeout ||
         error == Error::connect_timeout;
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  if (what.empty()) return;
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

}  // namespace

FailureTexts::FailureTexts(const Client::Settings& settings)
    : settings_(settings),
      peer_(place(settings.host, settings.port)),
      stream_(rtmp::masked_name(rtmp::split_query(settings.session.stream).name)) {}

Failure FailureTexts::settings(std::string text) const {
  return {Stage::settings, boost::asio::error::invalid_argument, std::move(text), {}, {}};
}

Failure FailureTexts::not_found(error_code error) const {
  const bool proxied = settings_.proxy.has_value();
  const std::string text =
      "Could not find the " +
      (proxied ? "proxy " + quoted(settings_.proxy->host) : "host " + quoted(settings_.host));
  if (error == Error::connect_timeout)
    return {Stage::resolve, error, text + " within " + seconds(settings_.connect_timeout), {}, {}};
  return {Stage::resolve, error, text + ": " + error.message(), {}, {}};
}

Failure FailureTexts::not_connected(error_code error) const {
  const std::string other = settings_.proxy ? "the " + proxy() : peer_;
  const std::string hint = settings_.proxy ? ": does it run there?" : "";
  std::string text = "Could not connect to " + other + ": " + error.message() + hint;
  if (error == Error::connect_timeout)
    text = "No answer from " + other + " within " + seconds(settings_.connect_timeout) + hint;
  return {Stage::connect, error, std::move(text), {}, {}};
}

Failure FailureTexts::no_proxy(error_code error) const {
  std::string text = "Could not find out which proxy leads to " + peer_ + ": " + error.message();
  if (error == Error::connect_timeout)
    text = "The system did not say within " + seconds(settings_.connect_timeout) +
           " which proxy leads to " + peer_ + ": name one, or say that there is none";
  return {Stage::resolve, error, std::move(text), {}, {}};
}

Failure FailureTexts::not_led(const ProxyFault& fault) const {
  if (fault.code != Error::connect_timeout)
    return {Stage::connect, fault.code, not_led_text(fault), {}, {}};
  return {Stage::connect,
          Error::connect_timeout,
          "No connection to " + peer_ + " from the " + proxy() + " within " +
              seconds(settings_.connect_timeout),
          {},
          {}};
}

std::string FailureTexts::not_led_text(const ProxyFault& fault) const {
  using Kind = ProxyFault::Kind;
  const bool socks = settings_.proxy->kind == Proxy::Kind::socks5;
  const std::string it = "The " + proxy();
  switch (fault.kind) {
    case Kind::other_protocol:
      return it + " does not speak " +
             (socks ? "SOCKS5: is it one for HTTP (http://)?" : "HTTP: is it SOCKS5 (socks5://)?");
    case Kind::login_wanted:
      return it + " wants a user name and a password: set them with its address";
    case Kind::login_unknown:
      return it + " wants another kind of login than a user name and a password";
    case Kind::login_refused:
      return it + " does not accept the user name and password";
    case Kind::refused:
      return it + " does not connect to " + peer_ + ": " + fault.words;
    case Kind::none:
    case Kind::broken:
      break;
  }
  if (fault.code == boost::asio::error::eof)
    return it + " closed the connection without an answer: is it a proxy of this kind?";
  return "The connection to the " + proxy() + " broke: " + fault.code.message();
}

std::string FailureTexts::proxy() const {
  const bool socks = settings_.proxy->kind == Proxy::Kind::socks5;
  return (socks ? "SOCKS5 proxy " : "HTTP proxy ") +
         place(settings_.proxy->host, settings_.proxy->port);
}

Failure FailureTexts::no_tls(error_code error, const std::string& fault) const {
  std::string text = "No TLS connection to " + peer_ + ": " + fault;
  if (timed_out(error)) {
    text = "No answer to the TLS handshake from " + peer_ + " within " +
           seconds(settings_.connection.handshake_timeout) + ": does it speak TLS?";
  } else if (peer_left(error)) {
    text = peer_ + " closed the connection during the TLS handshake: does it speak TLS?";
  }
  return {Stage::tls, error, std::move(text), {}, {}, is_about_a_certificate(error)};
}

Failure FailureTexts::no_tunnel(error_code error, const std::string& fault) const {
  return {Stage::handshake, error, "No RTMPT session with " + peer_ + ". " + fault + ".", {}, {}};
}

Failure FailureTexts::no_handshake(error_code error) const {
  const bool encrypted = settings_.connection.handshake == rtmp::ClientHandshake::Kind::encrypted;
  const std::string protocol = encrypted ? "RTMPE" : "RTMP";
  std::string text = "The " + protocol + " handshake with " + peer_ + " failed: " + error.message();
  if (timed_out(error)) {
    text = "No answer to the " + protocol + " handshake from " + peer_ + " within " +
           seconds(settings_.connection.handshake_timeout);
  } else if (peer_left(error)) {
    text = peer_ + " closed the connection during the " + protocol + " handshake: does it speak " +
           protocol + "?";
  }
  return {Stage::handshake, error, std::move(text), {}, {}};
}

Failure FailureTexts::not_answered(const std::string& command, error_code error) const {
  std::string text =
      "The connection to " + peer_ + " failed during " + command + ": " + error.message();
  if (error == Error::command_timeout) {
    text = peer_ + " did not answer " + quoted(command) + " within " +
           seconds(settings_.session.command_timeout);
  } else if (peer_left(error)) {
    text = peer_ + " closed the connection during " + command;
    if (command == "connect") text += ": does it know the application " + object_of(command) + "?";
  }
  return {Stage::command, error, std::move(text), command, {}};
}

Failure FailureTexts::refused(const std::string& command, const rtmp::Status& status) const {
  std::string text = authentication_fault(status);
  if (text.empty())
    text = "The server refused to " + command + " " + object_of(command) + said(status);
  return {Stage::command, Error::refused, std::move(text), command, status};
}

Failure FailureTexts::stopped(const rtmp::Status& status) const {
  return {Stage::streaming,
          Error::refused,
          "The server ended the stream " + quoted(stream_) + said(status),
          {},
          status};
}

Failure FailureTexts::redirected(const rtmp::Status& status) const {
  return {Stage::command, Error::refused,
          peer_ + " wants us to connect to another server" + said(status), "connect", status};
}

Failure FailureTexts::broken(error_code error) const {
  std::string text = "The connection to " + peer_ + " broke: " + error.message();
  if (error == Error::closed) {
    text = peer_ + " closed the connection";
  } else if (error == Error::write_timeout) {
    text = peer_ + " takes no data: nothing was written for " + seconds(settings_.write_timeout);
  } else if (error == Error::idle_timeout) {
    const rtmp::Duration pinged = 2 * settings_.connection.ping_interval;
    const bool by_ping = settings_.idle_timeout == rtmp::Duration::zero() ||
                         (pinged > rtmp::Duration::zero() && pinged < settings_.idle_timeout);
    text = "Nothing was heard from " + peer_ + " for " +
           seconds(by_ping ? pinged : settings_.idle_timeout);
  }
  return {Stage::streaming, error, std::move(text), {}, {}};
}

Failure FailureTexts::broken_at_once(const std::string& command, error_code error) const {
  if (!peer_left(error)) return broken(error);
  return {Stage::streaming,
          error,
          peer_ + " closed the connection right after " + quoted(command) +
              ": it may refuse the name " + quoted(stream_),
          {},
          {}};
}

Failure FailureTexts::not_drained() const {
  return {Stage::streaming,
          Error::write_timeout,
          peer_ + " did not take the rest of the stream within " + seconds(settings_.drain_timeout),
          {},
          {}};
}

// "connect 'live'", "publish 'abcd****'", "createStream".
std::string FailureTexts::object_of(const std::string& command) const {
  if (command == "connect") return quoted(rtmp::split_query(settings_.session.app).name);
  return command == "createStream" ? "for " + quoted(stream_) : quoted(stream_);
}

// Servers like to repeat the stream's name.
std::string FailureTexts::said(const rtmp::Status& status) const {
  if (!rtmp::is_acceptable_name(status.code) || status.code.empty()) return "";
  std::string text = ": " + status.code;
  if (!rtmp::is_acceptable_name(status.description) || status.description.empty()) return text;
  std::string description = status.description;
  replace_all(description, settings_.session.stream, stream_);
  replace_all(description, rtmp::split_query(settings_.session.stream).name, stream_);
  return text + " (" + description + ")";
}

std::string FailureTexts::authentication_fault(const rtmp::Status& status) const {
  using Kind = rtmp::auth::Challenge::Kind;
  const Kind kind = rtmp::auth::read_challenge(status.description).kind;
  if (kind == Kind::none) return {};
  if (settings_.session.credentials.user.empty())
    return peer_ + " wants a user name and a password";
  if (kind == Kind::failed || !settings_.session.auth_query.empty())
    return peer_ + " does not accept the user name and password";
  return peer_ + " wants another kind of authentication than the one that was set";
}

}  // namespace net
