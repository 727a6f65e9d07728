// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/frame.h"

#include "rtmp/legacy.h"

namespace relay {
namespace {

// AMF0's String "onMetaData" in front.
bool is_metadata(const rtmp::Message& message) {
  constexpr std::string_view start("\x02\x00\x0aonMetaData", 13);
  return message.type == rtmp::MessageType::data &&
         rtmp::as_text(message.payload).starts_with(start);
}

}  // namespace

FramePtr make_frame(rtmp::Message message, std::uint64_t sequence, std::uint32_t chunk_size) {
  const rtmp::media::Summary summary = rtmp::media::summarize(message);
  return make_frame(std::move(message), summary, sequence, chunk_size, nullptr);
}

FramePtr make_frame(rtmp::Message message, const rtmp::media::Summary& summary,
                    std::uint64_t sequence, std::uint32_t chunk_size,
                    const std::shared_ptr<Budget>& budget, rtmp::Time arrived) {
  auto frame = std::make_shared<Frame>();
  frame->type = message.type;
  frame->metadata = is_metadata(message);
  frame->summary = summary;
  frame->timestamp = message.timestamp;
  if (frame->is_enhanced())
    if (auto legacy = rtmp::legacy_form(message))
      frame->legacy = make_frame(std::move(*legacy), sequence, chunk_size);
  frame->sequence = sequence;
  frame->arrived = arrived;
  message.stream_id = shared_stream_id;
  const std::uint32_t chunk_stream_id = rtmp::chunk_stream::id_for(message.type);
  frame->encoded = rtmp::encode_alone(std::move(message), chunk_stream_id, chunk_size);
  frame->memory = Budget::Share(budget, frame->size());
  return frame;
}

FramePtr make_notice(Frame::Notice notice, std::uint64_t sequence) {
  auto frame = std::make_shared<Frame>();
  frame->notice = notice;
  frame->sequence = sequence;
  return frame;
}

}  // namespace relay
