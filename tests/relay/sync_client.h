// A client that a test drives step by step over a real socket.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <string>

#include "net/worker.h"
#include "relay/frames.h"
#include "rtmp/client_session.h"
#include "rtmp/connection.h"

namespace relay::test {

class SyncClient {
 public:
  using Purpose = rtmp::ClientSession::Purpose;

  // `properties` are added to connect's object.
  SyncClient(std::uint16_t port, Purpose purpose, const std::string& stream = "cam",
             rtmp::amf::Object properties = {}, rtmp::Connection::Settings connection = {},
             std::optional<rtmp::swf::Player> swf = {})
      : SyncClient(::socket(AF_INET, SOCK_STREAM, 0), purpose, stream, std::move(properties),
                   connection, swf) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    open_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  // At a unix socket; "@name" is one without a file.
  SyncClient(const std::string& path, Purpose purpose, const std::string& stream)
      : SyncClient(::socket(AF_UNIX, SOCK_STREAM, 0), purpose, stream, {}, {}, {}) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (path.starts_with('@')) address.sun_path[0] = 0;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    open_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0;
  }
  ~SyncClient() { close(); }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  // Reads and writes until the condition holds; false if it does not within some seconds, or the
  // server closed before.
  bool run_until(const std::function<bool()>& condition) {
    const rtmp::Time give_up = net::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (!open_ || net::now() > give_up) return false;
      write();
      pollfd readable{socket_, POLLIN, 0};
      if (::poll(&readable, 1, 100) > 0) read();
    }
    write();
    return true;
  }
  bool start() {
    return run_until([this] { return session_.started() || refused; }) && !refused;
  }
  // Waits until everything so far has come back: a later answer comes after what was sent earlier.
  bool run_until_seen(const std::string& letters) {
    return run_until([&] { return seen == letters; });
  }
  bool run_until_closed() {
    run_until([this] { return !open_; });
    return !open_;
  }

  void send(std::vector<rtmp::Message> messages) {
    for (rtmp::Message& message : messages) connection_.send(session_.to_send(std::move(message)));
    write();
  }
  void send_raw(const rtmp::Message& message) {
    connection_.send(message);
    write();
  }
  // Bytes that no connection would write.
  void send_bytes(rtmp::Bytes bytes) {
    (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // Shakes hands, and says nothing more of its own.
  bool only_shake_hands() {
    begun_ = true;
    return run_until([this] { return connection_.established(); });
  }
  void stop() {
    session_.stop({});
    flush_session();
    write();
  }
  rtmp::ClientSession& session() { return session_; }
  void flush_session() {
    for (const rtmp::Message& message : session_.take_output()) connection_.send(message);
  }
  int socket() const { return socket_; }

  std::string seen;  // media, by frames.h's letters
  std::vector<rtmp::Message> media;
  std::vector<std::string> statuses;  // codes
  std::optional<rtmp::client_event::Refused> refused;
  std::vector<rtmp::client_event::StreamEnded::Reason> ends;
  bool resumed = false;
  bool redirected = false;  // asked to connect again
  std::string target;       // to that tcUrl
  rtmp::amf::Object server_properties;

 private:
  SyncClient(int socket, Purpose purpose, const std::string& stream, rtmp::amf::Object properties,
             rtmp::Connection::Settings connection, std::optional<rtmp::swf::Player> swf)
      : socket_(socket),
        proves_(connection.keep_swf_key),
        connection_(rtmp::Connection::client(connection, net::now(), net::secure_random())),
        session_(settings(purpose, stream, std::move(properties), swf), net::secure_random()) {}

  static rtmp::ClientSession::Settings settings(Purpose purpose, const std::string& stream,
                                                rtmp::amf::Object properties,
                                                std::optional<rtmp::swf::Player> swf) {
    rtmp::ClientSession::Settings settings;
    settings.purpose = purpose;
    settings.app = "live";
    settings.tc_url = "rtmp://localhost/live";
    settings.stream = stream;
    settings.connect_properties = std::move(properties);
    settings.swf = swf;
    return settings;
  }

  void write() {
    while (open_ && !connection_.output().empty()) {
      rtmp::Bytes span;
      connection_.gather({&span, 1});
      const ssize_t count = ::send(socket_, span.data(), span.size(), MSG_NOSIGNAL);
      if (count < 0) return;  // the reader finds out
      connection_.written(static_cast<std::size_t>(count));
    }
  }

  void start_session() {
    session_.start(net::now(), proves_ ? connection_.swf_key() : rtmp::swf::Key());
  }

  void read() {
    std::vector<std::uint8_t> bytes(65536);
    const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (count <= 0) {
      open_ = false;
      return;
    }
    connection_.receive(rtmp::Bytes(bytes).first(static_cast<std::size_t>(count)), net::now());
    while (auto message = connection_.next_message().value()) {
      (void)session_.receive(*message, net::now());
      take_events();
    }
    if (connection_.established() && !std::exchange(begun_, true)) start_session();
    flush_session();
  }

  void take_events() {
    while (auto event = session_.next_event()) {
      if (auto* got = std::get_if<rtmp::client_event::MediaReceived>(&*event)) {
        seen += letter(*make_frame(got->message, 0, 128));
        media.push_back(std::move(got->message));
      } else if (auto* status = std::get_if<rtmp::client_event::StatusReceived>(&*event)) {
        statuses.push_back(status->status.code);
      } else if (auto* refusal = std::get_if<rtmp::client_event::Refused>(&*event)) {
        refused = *refusal;
      } else if (auto* ended = std::get_if<rtmp::client_event::StreamEnded>(&*event)) {
        ends.push_back(ended->reason);
      } else if (auto* connected = std::get_if<rtmp::client_event::Connected>(&*event)) {
        server_properties = connected->properties;
      } else if (std::get_if<rtmp::client_event::StreamResumed>(&*event)) {
        resumed = true;
      } else if (auto* wanted = std::get_if<rtmp::client_event::ReconnectWanted>(&*event)) {
        redirected = true;
        target = wanted->tc_url;
      }
    }
  }

  int socket_;
  bool open_ = false;
  bool begun_ = false;
  bool proves_;  // SWF verification
  rtmp::Connection connection_;
  rtmp::ClientSession session_;
};

}  // namespace relay::test
