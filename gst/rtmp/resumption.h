// How a publisher's stream goes on at a server that has not seen its beginning.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "rtmp/stream_headers.h"

namespace rtmp {

// Sees every message of the stream in order.
class Resumption {
 public:
  // A new connection: it begins with the headers and a key frame; with sound only if the stream has
  // no pictures.
  void begin() { waiting_ = true; }
  bool waiting() const { return waiting_; }

  // Whether a new connection may begin with this frame.
  bool may_begin_with(const Message& message) const;
  enum class Verdict {
    send,      // before the first one after begin() go headers()
    withhold,  // a header, which is remembered, or data
    lose,      // a frame
  };
  Verdict judge(const Message& message);
  std::vector<Message> headers(std::int64_t timestamp) const { return headers_.before(timestamp); }

 private:
  StreamHeaders headers_;
  bool waiting_ = false;
  bool has_video_ = false;
};

}  // namespace rtmp
