// One rising time line over whatever timestamps a server sends.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "rtmp/message.h"

// Frames carry the time; headers and metadata, which often have 0, are placed next to them. Where
// frames jump, because another publisher took over, say, the line goes on.
class Timeline {
 public:
  struct Place {
    std::int64_t timestamp = 0;  // ms
    bool first = false;          // the line begins here
    std::int64_t start = 0;      // with first: from where on the stream is shown
    std::int64_t running = 0;    // with first: the running time of that, ms
    bool jumped = false;         // what came before does not belong to it
  };

  // Another publisher's timestamps follow: wherever they are, the line goes on.
  void begin_publisher() { jump_expected_ = line_.has_value(); }

  // The same recording follows from there on, or from the key frame before it. Its line is another
  // one, as times of a recording are places in it. Not before there was a line.
  void resume(std::int64_t position_ms) {
    if (line_) resume_at_ = position_ms;
  }

  // `now_ms`: the running time, where there is a clock.
  Place place(const rtmp::Message& message, std::optional<std::int64_t> now_ms);

  // Whether there was a frame.
  bool begun() const { return line_.has_value(); }

 private:
  struct Line {
    std::int64_t first;       // ms
    std::int64_t began;       // running time, ms
    std::int64_t offset = 0;  // added to the server's timestamps
    std::int64_t last;        // that came out
  };
  bool jumps(std::int64_t time, std::int64_t expected) const;
  void begin(std::int64_t time, std::optional<std::int64_t> now_ms);
  void begin_again(std::int64_t position, std::int64_t time, std::optional<std::int64_t> now_ms);

  std::optional<Line> line_;
  std::optional<std::int64_t> resume_at_;
  bool jump_expected_ = false;
};
