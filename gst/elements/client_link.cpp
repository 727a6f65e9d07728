// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/client_link.h"

#include <algorithm>
#include <system_error>

namespace {

using namespace rtmp::client_event;

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

net::Failure no_thread(const std::system_error& error) {
  net::Failure failure;
  failure.stage = net::Failure::Stage::settings;
  failure.code = boost::system::error_code(error.code());
  failure.text = "The system gives no thread for the connection.";
  return failure;
}

}  // namespace

void ClientLink::open(const net::Client::Settings& settings, net::MessageQueue* outbox) {
  close();
  std::optional<net::Failure> failure;
  {
    const std::lock_guard lock(mutex_);
    started_ = false;
    try {
      worker_ = std::make_unique<net::Worker>("rtmp-client");
      net::Client::Observer& observer = *this;
      client_ = std::make_unique<net::Client>(*worker_, settings, outbox, observer);
      client_->start();
    } catch (const std::system_error& error) {
      failure = no_thread(error);
    }
  }
  if (failure) on_ended(std::move(failure));
}

void ClientLink::close() {
  std::unique_ptr<net::Worker> worker;
  std::unique_ptr<net::Client> client;
  {
    const std::lock_guard lock(mutex_);
    if (client_) last_ = client_->stats();
    client = std::move(client_);
    worker = std::move(worker_);
  }
  // Outside the lock: the client waits for a call of ours that may be under way. It goes first.
  client.reset();
  worker.reset();
}

bool ClientLink::is_open() const {
  const std::lock_guard lock(mutex_);
  return client_ != nullptr;
}

void ClientLink::finish(rtmp::ClientSession::StopCommands commands) {
  const std::lock_guard lock(mutex_);
  if (client_) client_->finish(commands);
}

void ClientLink::set_chunk_size(std::uint32_t size) {
  const std::lock_guard lock(mutex_);
  if (client_) client_->set_chunk_size(size);
}

void ClientLink::set_pacing(std::uint64_t bytes_per_second) {
  const std::lock_guard lock(mutex_);
  if (client_) client_->set_pacing(bytes_per_second);
}

void ClientLink::seek(double position_ms) {
  const std::lock_guard lock(mutex_);
  if (client_) client_->seek(position_ms);
}

void ClientLink::pause(bool pause, double position_ms) {
  const std::lock_guard lock(mutex_);
  if (client_) client_->pause(pause, position_ms);
}

void ClientLink::set_reconnect(const net::ReconnectPolicy::Settings& settings) {
  const std::lock_guard lock(mutex_);
  if (client_) client_->set_reconnect(settings);
}

// --- what the client says ---

void ClientLink::on_event(rtmp::ClientSession::Event event) {
  std::visit(Overloaded{
                 [this](Started& started) {
                   begin_stream(started.stream_id);
                   on_started();
                 },
                 [this](MediaReceived& media) { on_media(std::move(media.message)); },
                 [this](StreamEnded&) { on_stream_ended(); },
                 [this](Refused& refused) { bridge::post_status(element_, refused.status); },
                 [this](ReconnectWanted& wanted) { bridge::post_status(element_, wanted.status); },
                 [this](StatusReceived& received) {
                   on_status(received.status);
                   bridge::post_status(element_, received.status);
                 },
                 [](Connected&) {},
                 [](AuthenticationWanted&) {},  // the client connects again by itself
                 [](StreamResumed&) {},
             },
             event);
}

void ClientLink::on_lost(const net::Failure& failure) {
  on_interrupted(failure);
  end_stream(bridge::to_string(failure.stage), failure.text);
}

void ClientLink::on_reconnecting(const net::Client::Reconnection& reconnection) {
  using std::chrono::nanoseconds;
  const auto delay = std::chrono::duration_cast<nanoseconds>(reconnection.delay).count();
  GST_INFO_OBJECT(element_, "attempt %u in %" GST_TIME_FORMAT ": %s", reconnection.attempt,
                  GST_TIME_ARGS(static_cast<GstClockTime>(delay)), reconnection.reason.c_str());
  post(gst_structure_new("rtmp-reconnecting", "attempt", G_TYPE_UINT, reconnection.attempt, "delay",
                         G_TYPE_UINT64, static_cast<guint64>(delay), "reason", G_TYPE_STRING,
                         reconnection.reason.c_str(), nullptr));
}

void ClientLink::on_closed(std::optional<net::Failure> failure) {
  if (failure) {
    end_stream(bridge::to_string(failure->stage), failure->text);
  } else {
    end_stream("finished", "The stream is over.");
  }
  on_ended(std::move(failure));
}

void ClientLink::post(GstStructure* structure) {
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), structure));
}

void ClientLink::begin_stream(std::uint32_t stream_id) {
  end_stream("finished", "The stream goes on at another connection.");
  started_ = true;
  peer_ = current().peer;
  GST_INFO_OBJECT(element_, "connected to %s, stream %u", peer_.c_str(), stream_id);
  post(gst_structure_new("rtmp-connected", "peer", G_TYPE_STRING, peer_.c_str(), "stream-id",
                         G_TYPE_UINT, stream_id, nullptr));
}

void ClientLink::end_stream(const char* stage, const std::string& reason) {
  if (!std::exchange(started_, false)) return;
  GST_INFO_OBJECT(element_, "disconnected from %s: %s", peer_.c_str(), reason.c_str());
  post(gst_structure_new("rtmp-disconnected", "peer", G_TYPE_STRING, peer_.c_str(), "stage",
                         G_TYPE_STRING, stage, "reason", G_TYPE_STRING, reason.c_str(), nullptr));
}

// --- statistics ---

net::Client::Stats ClientLink::current() const {
  const std::lock_guard lock(mutex_);
  return client_ ? client_->stats() : last_;
}

GstStructure* ClientLink::stats(const net::MessageQueue::Level& queue) const {
  const net::Client::Stats now = current();
  const rtmp::Connection::Stats& connection = now.connection;
  const auto u64 = [](std::uint64_t value) { return static_cast<guint64>(value); };
  GstStructure* structure = gst_structure_new(
      "GstRtmpConnectionStats", "in-chunk-size", G_TYPE_UINT, connection.chunk_size_in,
      "out-chunk-size", G_TYPE_UINT, connection.chunk_size_out, "in-window-ack-size", G_TYPE_UINT,
      connection.window_in, "out-window-ack-size", G_TYPE_UINT, connection.window_out,
      "in-bytes-total", G_TYPE_UINT64, u64(connection.bytes_in), "out-bytes-total", G_TYPE_UINT64,
      u64(connection.bytes_out), "in-bytes-acked", G_TYPE_UINT64, u64(connection.acknowledged_in),
      "out-bytes-acked", G_TYPE_UINT64, u64(connection.acknowledged_out), nullptr);
  gst_structure_set(
      structure, "peer", G_TYPE_STRING, now.peer.c_str(), "round-trip-time", G_TYPE_UINT64,
      u64(now.round_trip_us) * 1000, "retransmits", G_TYPE_UINT, now.retransmits, "unsent-bytes",
      G_TYPE_UINT64, u64(now.output_bytes), "queued-messages", G_TYPE_UINT64, u64(queue.messages),
      "queued-bytes", G_TYPE_UINT64, u64(queue.bytes), "queued-time", G_TYPE_UINT64,
      u64(static_cast<std::uint64_t>(std::max<std::int64_t>(queue.ms, 0))) * GST_MSECOND,
      "dropped-messages", G_TYPE_UINT64, u64(queue.dropped), nullptr);
  const auto lost = std::chrono::duration_cast<std::chrono::nanoseconds>(now.losses.time);
  gst_structure_set(structure, "reconnects", G_TYPE_UINT, now.losses.reconnects, "frames-lost",
                    G_TYPE_UINT64, u64(now.losses.frames + queue.dropped), "bytes-lost",
                    G_TYPE_UINT64, u64(now.losses.bytes + queue.dropped_bytes), "time-lost",
                    G_TYPE_UINT64, static_cast<guint64>(lost.count()), nullptr);
  return structure;
}
