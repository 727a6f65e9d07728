// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/timeline.h"

#include <algorithm>
#include <utility>

#include "rtmp/stream_headers.h"

namespace {

// Interleaving of tracks moves time back by less.
constexpr std::int64_t max_step_back_ms = 2000;
// A pause of the publisher is as long in its timestamps as on the clock; a jump is not.
constexpr std::int64_t max_step_ahead_ms = 10'000;
// A recording that is asked for from some place on begins at the key frame before. A server whose
// times are farther away counts from the place.
constexpr std::int64_t max_before_place_ms = 30'000;

}  // namespace

bool Timeline::jumps(std::int64_t time, std::int64_t expected) const {
  if (time < line_->last - max_step_back_ms) return true;
  return time > line_->last + max_step_ahead_ms && time > expected + max_step_ahead_ms;
}

void Timeline::begin(std::int64_t time, std::optional<std::int64_t> now_ms) {
  line_ = Line{time, now_ms.value_or(0), 0, time};
}

// What was received runs ahead of the clock where the server sends ahead: the line goes on behind
// it.
void Timeline::begin_again(std::int64_t position, std::int64_t time,
                           std::optional<std::int64_t> now_ms) {
  const std::int64_t end = line_->began + std::max<std::int64_t>(line_->last - line_->first, 0);
  const bool near = time >= position - max_before_place_ms && time <= position + max_step_ahead_ms;
  const std::int64_t offset = near ? 0 : position - time;
  line_ = Line{position, std::max(end, now_ms.value_or(0)), offset, time + offset};
}

Timeline::Place Timeline::place(const rtmp::Message& message, std::optional<std::int64_t> now_ms) {
  Place place;
  if (!rtmp::is_frame(message)) {
    place.timestamp = line_ ? line_->last : message.timestamp;
    return place;
  }
  if (!line_ || resume_at_) {
    const auto position = std::exchange(resume_at_, std::nullopt);
    if (line_) {
      begin_again(*position, message.timestamp, now_ms);
    } else {
      begin(message.timestamp, now_ms);
    }
    place.first = true;
    place.start = line_->first;
    place.running = line_->began;
  }
  const std::int64_t expected =
      line_->first + (now_ms ? *now_ms - line_->began : line_->last - line_->first);
  place.timestamp = message.timestamp + line_->offset;
  if (std::exchange(jump_expected_, false) || jumps(place.timestamp, expected)) {
    const std::int64_t target = std::max(line_->last, expected);
    line_->offset += target - place.timestamp;
    place.timestamp = target;
    place.jumped = true;
  }
  line_->last = std::max(line_->last, place.timestamp);
  return place;
}
