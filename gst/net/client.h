// A client: finds the server, connects, and publishes or plays one stream; connects again when the
// connection is lost, and goes where the server sends it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "net/driver.h"
#include "net/message_queue.h"
#include "net/proxy.h"
#include "net/reconnect.h"
#include "net/tls.h"
#include "rtmp/client_session.h"

namespace net {

// Where a client's attempt ended, and in which words.
struct Failure {
  enum class Stage {
    settings,   // a certificate file that cannot be read, say
    resolve,    // no such host
    connect,    // nobody listens, no route, or no answer in time; also a proxy that leads nowhere
    tls,        // no TLS, or a certificate that we do not accept
    handshake,  // no RTMP, or no answer in time
    command,    // connect, createStream, publish or play: refused, or no answer in time
    streaming,  // later: the peer left, stalled or broke the protocol
  };
  Stage stage = Stage::connect;
  boost::system::error_code code;  // Error::refused has `status` filled in
  std::string text;                // a sentence for people
  std::string command;             // Stage::command: which
  rtmp::Status status;
  bool certificate = false;  // Stage::tls: the server's certificate, or ours, was not accepted
};

// Made and destroyed on any thread; on its worker's own not from within the observer's calls, and
// on no other worker's.
class Client {
 public:
  struct Settings {
    std::string host;
    std::uint16_t port = 1935;
    bool tls = false;
    TlsClientSettings tls_settings;
    bool tunnel = false;  // in HTTP requests (RTMPT), over TLS if that is set too
    // Leads to the server, wherever that is. Without one `find_proxy` is asked before each
    // connection, if it is set, but never for a server on this machine's loopback.
    std::optional<Proxy> proxy;
    FindProxy find_proxy;
    // Of finding the host, or the proxy, and connecting to any of its addresses, together, and of
    // the proxy's connection to the server; 0: for ever.
    rtmp::Duration connect_timeout = std::chrono::seconds(5);
    rtmp::Connection::Settings connection;  // with the handshake's timeout
    rtmp::ClientSession::Settings session;  // with the commands' timeout
    rtmp::Duration write_timeout = std::chrono::seconds(5);
    rtmp::Duration idle_timeout = {};  // play: 0: for ever
    rtmp::Duration drain_timeout = std::chrono::seconds(5);
    std::uint64_t pacing_bytes_per_second = 0;
    // Of a stream that was there once: without `from_start` a first connection that fails is the
    // end.
    ReconnectPolicy::Settings reconnect;
  };
  // What reconnecting cost.
  struct Losses {
    unsigned reconnects = 0;
    // Publishing: what did not reach a server, without what the outbox lost.
    std::uint64_t frames = 0, bytes = 0;
    rtmp::Duration time = {};  // without a connection
  };
  struct Stats {
    rtmp::Connection::Stats connection;
    std::string peer;                 // address and port, once connected; with a proxy, its own
    std::uint64_t output_bytes = 0;   // waiting to be written, without the queue
    std::uint64_t taken_bytes = 0;    // that left the system's own buffer as well
    std::uint32_t round_trip_us = 0;  // TCP's own estimate
    std::uint32_t retransmits = 0;
    Losses losses;  // of all connections; all else is the last one's
  };
  // What comes before another connection.
  struct Reconnection {
    unsigned attempt = 1;
    rtmp::Duration delay = {};
    std::string reason;  // a sentence
  };
  // Called on the client's thread; must not block, and must not destroy the client.
  class Observer {
   public:
    virtual ~Observer() = default;
    // All but AuthenticationWanted, which is obeyed. Refused is followed by on_closed() with a
    // failure, and so is ReconnectWanted before the start where it is not obeyed. Started comes for
    // each connection.
    virtual void on_event(rtmp::ClientSession::Event event) = 0;
    // Once a second while the stream is there, also while the peer takes nothing.
    virtual void on_second(rtmp::Time time) { static_cast<void>(time); }
    // The stream's connection is over; on_reconnecting() follows, and Started one day, or
    // on_closed().
    virtual void on_lost(const Failure& failure) { static_cast<void>(failure); }
    virtual void on_reconnecting(const Reconnection& reconnection) {
      static_cast<void>(reconnection);
    }
    // Publishing: a new connection waits for a key frame.
    virtual void on_key_frame_wanted() {}
    // Before each connection but the first: what is asked for may change.
    virtual void prepare(rtmp::ClientSession::Settings& session) { static_cast<void>(session); }
    // Whether there is more of the stream to connect for.
    virtual bool wants_more() { return true; }
    // The last call. Without failure the end was ours (finish() or cancel()).
    virtual void on_closed(std::optional<Failure> failure) = 0;
  };

  // `outbox`: what is published; messages are taken from it once the stream has started and as the
  // connection has room. Its wake function is the client's. May be null for playing. All three must
  // outlive the client.
  Client(Worker& worker, Settings settings, MessageQueue* outbox, Observer& observer);
  // Cancels; when it returns no call of the observer is under way or will come.
  ~Client();

  // All of these from any thread; they return at once.
  void start();
  // Publishing: sends what is in the outbox, then the stop commands, then closes in an orderly way;
  // before the start it waits for it, if there is anything to send. What the peer does not take
  // within drain_timeout is a failure. A lost connection is given some seconds to come back if
  // there is anything to send; what is left then counts as lost.
  void finish(rtmp::ClientSession::StopCommands commands);
  void cancel();
  void pause(bool pause, double position_ms);
  void seek(double position_ms);
  void set_chunk_size(std::uint32_t size);
  void set_pacing(std::uint64_t bytes_per_second);
  void set_reconnect(const ReconnectPolicy::Settings& settings);
  // What it was last, after the end as well.
  Stats stats() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace net
