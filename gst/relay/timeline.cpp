// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/timeline.h"

#include <algorithm>

namespace relay {
namespace {

using Kind = rtmp::media::Summary::Kind;

bool is_inter(Kind kind) { return kind == Kind::inter_frame || kind == Kind::disposable_frame; }

bool is_frame(Kind kind) {
  return kind == Kind::key_frame || kind == Kind::audio || is_inter(kind);
}

}  // namespace

void Timeline::begin_publisher() {
  if (!begun_) return;
  continued_ = joining_ = true;
  waiting_for_key_.set();
}

bool Timeline::place(rtmp::Message& message, const rtmp::media::Summary& summary, rtmp::Time now) {
  if (summary.kind == Kind::key_frame) waiting_for_key_.reset(summary.track_id);
  if (is_inter(summary.kind) && waiting_for_key_.test(summary.track_id)) return false;
  const bool frame = is_frame(summary.kind);
  if (joining_ && frame) join(message.timestamp, now);
  if (continued_) message.timestamp = place_of(message);
  if (!frame) return true;
  last_ = begun_ ? std::max(last_, message.timestamp) : message.timestamp;
  last_at_ = now;
  begun_ = true;
  return true;
}

void Timeline::join(std::int64_t first, rtmp::Time now) {
  const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(now - last_at_);
  floor_ = last_ + std::max<std::int64_t>(pause.count(), 1);
  offset_ = floor_ - first;
  joining_ = false;
}

// Metadata comes at 0: at any other time FFmpeg takes it for subtitles.
std::int64_t Timeline::place_of(const rtmp::Message& message) const {
  if (!rtmp::is_media(message.type) && message.timestamp == 0) return 0;
  if (joining_) return last_;
  return std::max(message.timestamp + offset_, floor_);
}

}  // namespace relay
