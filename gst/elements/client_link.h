// A running client of an element: its thread, its connection, its messages on the bus, its
// statistics.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <mutex>
#include <optional>

#include "elements/bridge.h"
#include "net/client.h"

class ClientLink : private net::Client::Observer {
 public:
  explicit ClientLink(GstElement* element) : element_(element) {}
  ~ClientLink() override { close(); }
  ClientLink(const ClientLink&) = delete;
  ClientLink& operator=(const ClientLink&) = delete;

  // Begins to connect and returns at once. `outbox` as for net::Client.
  void open(const net::Client::Settings& settings, net::MessageQueue* outbox);
  // Cancels whatever is under way and waits for the client's thread, which waits for nobody. Not
  // from on_*().
  void close();
  bool is_open() const;

  // Of the client, if there is one; they return at once.
  void finish(rtmp::ClientSession::StopCommands commands);
  void set_chunk_size(std::uint32_t size);
  void set_pacing(std::uint64_t bytes_per_second);
  void seek(double position_ms);
  void pause(bool pause, double position_ms);
  void set_reconnect(const net::ReconnectPolicy::Settings& settings);

  // The fields that rtmp2 has, and ours; after the end what it was last. `queue` is the element's.
  GstStructure* stats(const net::MessageQueue::Level& queue) const;

 protected:
  // On the client's thread; they must not block.
  // For each connection.
  virtual void on_started() {}
  // The connection is over, and will be made again.
  virtual void on_interrupted(const net::Failure& failure) = 0;
  virtual void on_media(rtmp::Message message) { static_cast<void>(message); }
  virtual void on_stream_ended() {}
  // Of a stream that goes on.
  virtual void on_status(const rtmp::Status& status) { static_cast<void>(status); }
  // Once a second while the stream is there.
  virtual void on_second(rtmp::Time time) override { static_cast<void>(time); }
  virtual void on_key_frame_wanted() override {}
  virtual void prepare(rtmp::ClientSession::Settings& session) override {
    static_cast<void>(session);
  }
  virtual bool wants_more() override { return true; }
  // The last call. Without failure the end was asked for.
  virtual void on_ended(std::optional<net::Failure> failure) = 0;

  void post(GstStructure* structure);
  // Of the connection, or of the one before.
  net::Client::Stats current() const;

 private:
  void on_event(rtmp::ClientSession::Event event) final;
  void on_lost(const net::Failure& failure) final;
  void on_reconnecting(const net::Client::Reconnection& reconnection) final;
  void on_closed(std::optional<net::Failure> failure) final;
  void begin_stream(std::uint32_t stream_id);
  void end_stream(const char* stage, const std::string& reason);

  GstElement* element_;
  // Owned by the client's thread.
  bool started_ = false;  // and told so
  std::string peer_;      // of the stream

  mutable std::mutex mutex_;  // guards everything below
  std::unique_ptr<net::Worker> worker_;
  std::unique_ptr<net::Client> client_;
  net::Client::Stats last_;  // of the client before
};
