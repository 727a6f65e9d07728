// What a source in this process gets of one stream of a server.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "elements/shared_server.h"
#include "net/message_queue.h"

// A subscriber that never holds up the server: it queues, and loses frames when its reader is far
// behind.
class Reception final : public shared_server::Party,
                        public relay::Subscriber,
                        public std::enable_shared_from_this<Reception> {
 public:
  // `wanted`: "app/stream"; empty: the first stream that is published.
  explicit Reception(std::string wanted);

  struct Published {};
  struct Unpublished {};
  struct Resumed {};  // a publisher goes on where one had stopped
  struct Flushing {};
  struct TimedOut {};
  using Event = std::variant<Published, Unpublished, Resumed, rtmp::Message, Flushing, TimedOut>;
  // The next event, in order, waiting for it until `deadline`.
  Event next(rtmp::Time deadline);
  void set_flushing(bool flushing);
  // The stream's name, empty as long as none is chosen.
  std::string name() const;
  // How much of the stream waits, from the first message to the last.
  std::int64_t waiting_ms() const { return queue_.level().ms; }
  std::uint64_t dropped() const { return queue_.level().dropped; }

  // Before the element leaves its server. Nothing comes afterwards.
  void end();

  void on_joined(relay::Server& server) override;
  void on_stream_published(const std::string& name) override;
  void on_frames(std::span<const relay::FramePtr> frames) override;

 private:
  void subscribe(const std::string& name);
  void accept(const relay::Frame& frame);
  void accept(relay::Frame::Notice notice);
  std::optional<Event> take();

  const std::string wanted_;

  mutable std::mutex choice_mutex_;  // guards these; taken before the stream's lock
  relay::Server* server_ = nullptr;
  std::shared_ptr<relay::Stream> stream_;

  std::mutex mutex_;  // guards these; taken after the stream's lock
  std::condition_variable changed_;
  std::vector<relay::FramePtr> early_;  // frames that came before the snapshot was in the queue
  bool ready_ = false;
  bool published_ = false;
  bool waiting_for_key_ = false;
  bool flushing_ = false;

  net::MessageQueue queue_;  // has its own lock
};
