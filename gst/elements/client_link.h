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

  // The fields that rtmp2 has, and ours; after the end what it was last. `queue` is the element's.
  GstStructure* stats(const net::MessageQueue::Level& queue) const;

 protected:
  // On the client's thread; they must not block.
  virtual void on_started() {}
  virtual void on_media(rtmp::Message message) { static_cast<void>(message); }
  virtual void on_stream_ended() {}
  // Of a stream that goes on.
  virtual void on_status(const rtmp::Status& status) { static_cast<void>(status); }
  // Once a second while the stream is there.
  virtual void on_second(rtmp::Time time) override { static_cast<void>(time); }
  // The last call of a connection. Without failure the end was asked for.
  virtual void on_ended(std::optional<net::Failure> failure) = 0;

  void post(GstStructure* structure);
  // Of the connection, or of the one before.
  net::Client::Stats current() const;

 private:
  void on_event(rtmp::ClientSession::Event event) final;
  void on_closed(std::optional<net::Failure> failure) final;
  void post_connected(std::uint32_t stream_id);
  void post_disconnected(const std::optional<net::Failure>& failure);

  GstElement* element_;
  bool started_ = false;      // owned by the client's thread
  mutable std::mutex mutex_;  // guards everything below
  std::unique_ptr<net::Worker> worker_;
  std::unique_ptr<net::Client> client_;
  net::Client::Stats last_;  // of the client before
};
