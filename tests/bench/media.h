// FLV of any length out of a short file, for muxers and demuxers.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

#include "rtmp/message.h"

namespace rtmp::bench {

// The file's messages, its frames again and again with rising times, up to `bytes` of FLV.
std::vector<Message> repeat(const std::string& path, std::size_t bytes);

// The same as FLV, in portions that a processor's cache holds: copied into buffers when they are
// asked for, as a source does just before it pushes them.
class Flv {
 public:
  explicit Flv(const std::vector<Message>& messages);

  std::size_t size() const { return bytes_.size(); }
  // The portion that begins with a tag or a byte, which moves on; empty at the end.
  std::vector<GstBuffer*> tags(std::size_t& tag) const;  // one per buffer
  std::vector<GstBuffer*> blocks(std::size_t& byte, std::size_t size) const;

 private:
  GstBuffer* buffer(std::size_t from, std::size_t to) const;

  std::vector<std::uint8_t> bytes_;
  std::vector<std::size_t> ends_;  // of the file header and of each tag
};

// What a parser would give a muxer of it. The messages have to live longer.
struct Track {
  const char* pad;  // its name at the muxer; null: the media has none
  std::string caps;
  std::vector<GstBuffer*> packets;
};
Track to_track(const std::vector<Message>& messages, MessageType type);

}  // namespace rtmp::bench
