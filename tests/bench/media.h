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

// The same as FLV, in one piece, so that buffers cost no more than themselves. It has to live
// longer than they.
class Flv {
 public:
  explicit Flv(const std::vector<Message>& messages);

  std::size_t size() const { return bytes_.size(); }
  std::vector<GstBuffer*> tags() const;  // one per buffer
  std::vector<GstBuffer*> blocks(std::size_t size) const;

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
