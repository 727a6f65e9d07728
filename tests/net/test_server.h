// A server that goes as far with its clients as a test wants, on the test's own thread.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <poll.h>

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "net/byte_stream.h"
#include "net/tls_server.h"
#include "rtmp/connection.h"
#include "rtmp/server_session.h"
#include "rtmp/support.h"
#include "support/process.h"

namespace rtmp::test {

class TestServer {
 public:
  using Tcp = boost::asio::ip::tcp;
  static constexpr auto patience = std::chrono::seconds(10);

  explicit TestServer(int receive_buffer = 0) : acceptor_(context_) {
    acceptor_.open(Tcp::v4());
    if (receive_buffer > 0)
      acceptor_.set_option(boost::asio::socket_base::receive_buffer_size(receive_buffer));
    acceptor_.bind({boost::asio::ip::address_v4::loopback(), 0});
    acceptor_.listen();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  // Takes the next client; with `tls` in TLS.
  bool accept(net::TlsServer* tls = nullptr) {
    pollfd poll = {acceptor_.native_handle(), POLLIN, 0};
    if (::poll(&poll, 1, milliseconds(patience)) != 1) return false;
    take(net::Socket(acceptor_.accept()), tls);
    return true;
  }
  // Serves a client who has come by another way.
  void take(net::Socket socket, net::TlsServer* tls = nullptr) {
    const Time now = std::chrono::steady_clock::now();
    stream_ = tls ? tls->wrap(std::move(socket), now) : net::make_plain_stream(std::move(socket));
    Connection::Settings settings;
    settings.accepts = {true, true};
    connection_.emplace(Connection::server(settings, now, test_random()));
    session_.emplace(ServerSession::Settings{}, now);
    client_left = false;
    error.clear();
    media.clear();
    connects.clear();
  }

  // Serves the client until `done`, it leaves, or patience is over: false then.
  bool serve_until(const std::function<bool()>& done) {
    const Time end = std::chrono::steady_clock::now() + patience;
    while (!done()) {
      if (client_left) return false;
      write();
      if (!wait(end) || !read()) return done();
    }
    write();
    return true;
  }
  bool shake_hands() {
    return serve_until([this] { return connection_->established(); });
  }
  bool start_stream() {
    return serve_until([this] { return stream_id != 0; });
  }
  // Waits until the client has closed.
  bool serve_to_the_end() {
    return serve_until([this] { return client_left; });
  }

  void send(const Message& message) {
    connection_->send(message);
    write();
  }
  bool encrypted() const { return connection_->encrypted(); }
  ServerSession& session() { return *session_; }
  void flush_session() {
    send_session_output();
    write();
  }
  void close() { stream_.reset(); }
  // The client sees a reset.
  void abort() {
    stream_->socket().set_option(boost::asio::socket_base::linger(true, 0));
    close();
  }
  // Of the stream, as an onStatus.
  void send_status(const std::string& code, const std::string& level = "status") {
    send(write_command({"onStatus", 0, amf::Null{}, {write_status({level, code, code})}},
                       stream_id));
  }

  // How the requests are answered; by default with yes.
  std::function<void(TestServer&, const server_event::ConnectRequest&)> on_connect =
      [](TestServer& self, const server_event::ConnectRequest&) {
        self.session().accept_connect();
      };
  std::function<void(TestServer&, const server_event::PublishRequest&)> on_publish =
      [](TestServer& self, const server_event::PublishRequest& request) {
        self.session().accept_publish(request.stream_id);
        self.stream_id = request.stream_id;
      };
  std::function<void(TestServer&, const server_event::PlayRequest&)> on_play =
      [](TestServer& self, const server_event::PlayRequest& request) {
        self.session().accept_play(request.stream_id);
        self.stream_id = request.stream_id;
      };
  std::size_t read_size = 64 * 1024;  // at once

  // What has happened with the client.
  std::vector<server_event::ConnectRequest> connects;
  std::vector<Message> media;
  std::vector<server_event::PauseRequest> pauses;
  std::vector<server_event::SeekRequest> seeks;
  std::uint32_t stream_id = 0;
  bool stream_closed = false;
  bool client_left = false;
  net::error_code error;

 private:
  static int milliseconds(Duration duration) {
    return static_cast<int>(
        std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
  }

  bool wait(Time end) {
    const Duration left = end - std::chrono::steady_clock::now();
    if (left <= Duration::zero()) return false;
    const bool blocked = !connection_->output().empty();
    pollfd poll = {stream_->socket().native_handle(),
                   static_cast<short>(blocked && wants_write_ ? POLLIN | POLLOUT : POLLIN), 0};
    return ::poll(&poll, 1, milliseconds(left) + 1) == 1;
  }

  bool read() {
    std::vector<std::uint8_t> bytes(read_size);
    const std::size_t count = stream_->read_some(bytes, error);
    if (error == boost::asio::error::would_block) return true;
    if (error) {
      client_left = true;
      close();
      return false;
    }
    const Time now = std::chrono::steady_clock::now();
    connection_->receive(Bytes(bytes).first(count), now);
    while (true) {
      auto message = connection_->next_message();
      if (!message) {
        error = message.error();
        return false;
      }
      if (!*message) break;
      if (!session_->receive(**message, now)) return false;
      while (auto event = session_->next_event()) on_event(*event);
      send_session_output();
    }
    return true;
  }

  void on_event(const server_event::Event& event) {
    if (const auto* connect = std::get_if<server_event::ConnectRequest>(&event)) {
      connects.push_back(*connect);
      on_connect(*this, *connect);
    } else if (const auto* publish = std::get_if<server_event::PublishRequest>(&event)) {
      on_publish(*this, *publish);
    } else if (const auto* play = std::get_if<server_event::PlayRequest>(&event)) {
      on_play(*this, *play);
    } else if (const auto* received = std::get_if<server_event::MediaReceived>(&event)) {
      media.push_back(received->message);
    } else if (const auto* pause = std::get_if<server_event::PauseRequest>(&event)) {
      pauses.push_back(*pause);
    } else if (const auto* seek = std::get_if<server_event::SeekRequest>(&event)) {
      seeks.push_back(*seek);
    } else if (std::holds_alternative<server_event::StreamClosed>(event)) {
      stream_closed = true;
    }
  }

  void send_session_output() {
    for (const Message& message : session_->take_output()) connection_->send(message);
  }

  void write() {
    wants_write_ = false;
    while (stream_ && !connection_->output().empty()) {
      std::array<Bytes, 64> spans;
      const std::size_t filled = connection_->gather(spans);
      net::error_code failed;
      const std::size_t count = stream_->write_some(std::span(spans).first(filled), failed);
      if (failed) {
        wants_write_ = stream_->write_wait() == net::ByteStream::Wait::wait_write;
        return;
      }
      connection_->written(count);
    }
  }

  boost::asio::io_context context_;
  Tcp::acceptor acceptor_;
  std::unique_ptr<net::ByteStream> stream_;
  std::optional<Connection> connection_;
  std::optional<ServerSession> session_;
  bool wants_write_ = false;
};

}  // namespace rtmp::test
