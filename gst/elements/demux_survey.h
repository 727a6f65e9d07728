// What has been seen of a file: its key frames and its sequence headers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <vector>

#include "elements/demux_index.h"
#include "rtmp/media.h"

// Owned by the streaming thread, or by a seek while that rests.
class DemuxSurvey {
 public:
  // A sequence header, or a description of colours or channels.
  struct Header {
    rtmp::MessageType type = rtmp::MessageType::video;
    std::uint64_t position = 0;
    std::vector<std::uint8_t> payload;
  };

  explicit DemuxSurvey(DemuxIndex& index) : index_(index) {}

  void clear();
  // False of frames that note() has no use for.
  bool may_learn_of(const rtmp::media::Packet& packet, std::int64_t ms) const;
  // A tag of audio or video; of a frame, the front of its payload is enough.
  void note(const rtmp::Message& tag, std::int64_t ms, std::uint64_t position);

  // The last tag up to which all have been noted, and its time.
  std::uint64_t seen_to() const { return seen_to_; }
  std::int64_t seen_to_ms() const { return seen_to_ms_; }
  void set_seen_to(std::uint64_t position, std::int64_t ms);

  bool any_video() const { return any_video_; }

  // Whether it is known what is in force at a place of the file.
  bool knows_headers_at(std::uint64_t position) const;
  // Every change of them before that place, in order.
  std::span<const Header> headers_before(std::uint64_t position) const;

 private:
  void note_header(const rtmp::Message& tag, std::uint64_t position);

  DemuxIndex& index_;
  std::vector<Header> headers_;
  bool headers_lost_ = false;  // there were too many
  bool any_video_ = false;
  std::optional<std::int64_t> last_audio_ms_;  // that is in the index
  std::uint64_t seen_to_ = 0;
  std::int64_t seen_to_ms_ = 0;
};
