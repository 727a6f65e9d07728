// One message on its way from a publisher to all its players: encoded once, shared by all.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "relay/budget.h"
#include "rtmp/chunk.h"
#include "rtmp/clock.h"
#include "rtmp/media.h"

namespace relay {

struct Frame;
using FramePtr = std::shared_ptr<const Frame>;

struct Frame {
  // Not media, but what happened between frames. A notice has no bytes.
  enum class Notice : std::uint8_t {
    none,
    published,    // a publisher has come; its headers follow
    unpublished,  // the publisher has gone
    replaced,     // another publisher goes on at once; its headers follow
    resumed,      // or after a pause
  };

  Notice notice = Notice::none;
  rtmp::MessageType type = rtmp::MessageType::data;
  bool metadata = false;  // onMetaData
  rtmp::media::Summary summary;
  std::int64_t timestamp = 0;    // ms, unwrapped
  std::uint64_t sequence = 0;    // of its stream, rising
  rtmp::Time arrived = {};       // nothing for what was made here
  rtmp::EncodedMessage encoded;  // for message stream 1 and the server's chunk size
  // Of an enhanced frame: what players get that know legacy FLV alone; null if it has no such form.
  FramePtr legacy;
  Budget::Share memory;

  bool is_video() const { return type == rtmp::MessageType::video; }
  bool is_audio() const { return type == rtmp::MessageType::audio; }
  // Kept for those who come later: sequence headers and what describes a track.
  bool is_header() const {
    using Kind = rtmp::media::Summary::Kind;
    return summary.kind == Kind::sequence_start || summary.kind == Kind::description;
  }
  bool is_key() const { return summary.kind == rtmp::media::Summary::Kind::key_frame; }
  bool is_inter() const {
    using Kind = rtmp::media::Summary::Kind;
    return summary.kind == Kind::inter_frame || summary.kind == Kind::disposable_frame;
  }
  bool is_disposable() const {
    return summary.kind == rtmp::media::Summary::Kind::disposable_frame;
  }
  // onMetaData, the only data that is kept for those who come later.
  bool is_metadata() const { return metadata; }
  bool is_enhanced() const { return summary.enhanced; }
  std::size_t size() const { return encoded.size; }
  // As a message again, on that message stream.
  rtmp::Message message(std::uint32_t stream_id) const {
    return {type, stream_id, timestamp, encoded.payload};
  }
};

constexpr std::uint32_t shared_stream_id = 1;

// Takes the message's payload.
FramePtr make_frame(rtmp::Message message, std::uint64_t sequence, std::uint32_t chunk_size);
FramePtr make_frame(rtmp::Message message, const rtmp::media::Summary& summary,
                    std::uint64_t sequence, std::uint32_t chunk_size,
                    const std::shared_ptr<Budget>& budget, rtmp::Time arrived = {});
FramePtr make_notice(Frame::Notice notice, std::uint64_t sequence);

}  // namespace relay
