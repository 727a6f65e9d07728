// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/stream_headers.h"

#include <algorithm>

namespace rtmp {
namespace {

// AMF0's String in front, as encoders and files have it.
bool is_metadata(const Message& message) {
  constexpr std::string_view plain("\x02\x00\x0aonMetaData", 13);
  constexpr std::string_view wrapped("\x02\x00\x0d@setDataFrame", 16);
  const std::string_view text = as_text(message.payload);
  return message.type == MessageType::data &&
         (text.starts_with(plain) || text.starts_with(wrapped));
}

}  // namespace

bool is_frame(const Message& message) {
  using Kind = media::Summary::Kind;
  const Kind kind = media::summarize(message).kind;
  return kind == Kind::key_frame || kind == Kind::inter_frame || kind == Kind::disposable_frame ||
         kind == Kind::audio;
}

std::optional<StreamHeaders::Slot> StreamHeaders::slot_of(const Message& message) {
  using Kind = media::Summary::Kind;
  if (!is_media(message.type))
    return is_metadata(message) ? std::optional(Slot{message.type, Kind::other, 0, false})
                                : std::nullopt;
  const media::Summary summary = media::summarize(message);
  if (summary.kind != Kind::sequence_start && summary.kind != Kind::description)
    return std::nullopt;
  return Slot{message.type, summary.kind, summary.track_id, summary.many_tracks};
}

bool StreamHeaders::remember(const Message& message) {
  const auto slot = slot_of(message);
  if (!slot || knows(message)) return false;
  messages_[*slot] = message;
  return true;
}

bool StreamHeaders::knows(const Message& message) const {
  const auto slot = slot_of(message);
  const auto found = slot ? messages_.find(*slot) : messages_.end();
  return found != messages_.end() &&
         std::ranges::equal(found->second.payload.bytes(), message.payload.bytes());
}

std::vector<Message> StreamHeaders::before(std::int64_t timestamp) const {
  std::vector<Message> metadata, headers;
  for (const auto& [slot, known] : messages_) {
    auto& list = is_media(slot.type) ? headers : metadata;
    list.push_back(known);
    list.back().timestamp = is_media(slot.type) ? timestamp : 0;
  }
  metadata.insert(metadata.end(), headers.begin(), headers.end());
  return metadata;
}

}  // namespace rtmp
