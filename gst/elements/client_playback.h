// What a player has received and not yet given on, and its place in a recorded stream.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>
#include <optional>

#include "net/message_queue.h"
#include "rtmp/command.h"

// All calls from any thread; none blocks but the inbox's pop().
class Playback {
 public:
  // `patience`: how long a server may take to answer a seek before what comes counts as its answer.
  Playback(net::MessageQueue::Limits limits, rtmp::amf::Limits amf, rtmp::Duration patience);

  net::MessageQueue& inbox() { return inbox_; }

  // A new stream, of which nothing is known.
  void reset();

  // --- connections

  // The connection is lost, and another may follow.
  void interrupt();
  // Whether another one would bring anything: the stream has not ended.
  bool wants_more() const;
  // Where the next one is to go on with a recording: at the last key frame, as servers begin with
  // one, be it before the place or behind it. What is known of it is lost then.
  std::optional<std::int64_t> resume_ms();
  // The next one is there. A border stands in the inbox before its messages, and frames of a
  // recording that came before are lost. Gives a place to seek if one was sought meanwhile.
  std::optional<std::int64_t> reconnect(rtmp::Time now);
  static bool is_border(const rtmp::Message& message);
  // Where the recording goes on behind it; nothing in a live stream.
  static std::optional<std::int64_t> resumed_at(const rtmp::Message& border);

  // --- what the server says

  // True if the duration is known now, or another.
  bool receive(rtmp::Message message);
  void on_status(const rtmp::Status& status);
  // The stream is over. A seek that is under way, or comes later, goes on with it.
  void end();
  void close();
  void tick(rtmp::Time now);

  // --- what the pipeline wants

  // Frames of before are lost from here on, up to the server's answer. False if it cannot be.
  bool begin_seek(std::int64_t position_ms, rtmp::Time now);
  // A stream that is recorded, as far as one can tell, and still there.
  bool seekable() const;
  // Of a recorded stream.
  std::optional<std::int64_t> duration_ms() const;
  // Up to where the stream has come.
  std::int64_t received_ms() const;

 private:
  // The last frames that were received.
  struct Received {
    std::optional<std::int64_t> audio, video, key;
    std::optional<std::int64_t>& of(const rtmp::Message& message) {
      return message.type == rtmp::MessageType::video ? video : audio;
    }
  };

  bool recorded() const { return duration_ms_ && !live_; }
  bool seekable_now() const { return recorded() && !closed_; }
  bool is_repeated(const rtmp::Message& message);
  void close_inbox();
  bool learn_duration(const rtmp::Message& message);
  void on_answer(bool moved);

  const rtmp::amf::Limits amf_;
  const rtmp::Duration patience_;
  net::MessageQueue inbox_;

  mutable std::mutex mutex_;  // guards everything below; the inbox's own is taken under it
  std::optional<std::int64_t> duration_ms_;
  std::int64_t received_ms_ = 0;
  Received received_;
  Received repeated_;  // up to there frames of this connection came with the one before
  int seeks_ = 0;      // that the server has not answered
  rtmp::Time answer_by_ = rtmp::never;
  bool ended_ = false;  // while a seek was under way
  bool over_ = false;   // the stream, up to a seek
  bool interrupted_ = false;
  bool sought_ = false;  // since the place for the next connection was said
  bool live_ = false;
  bool closed_ = false;
};
