// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_file.h"

#include <algorithm>
#include <array>

#include "rtmp/media.h"
#include "rtmp/stream_headers.h"
#include "rtmp/timestamp.h"

namespace {

namespace flv = rtmp::flv;

constexpr guint block_size = 64 * 1024;
// Enough of a payload to know whether it is a key frame.
constexpr std::size_t front_size = 32;

bool is_tag(const flv::TagHeader& header) {
  return rtmp::is_media(header.type) || header.type == rtmp::MessageType::data ||
         header.type == rtmp::MessageType::data_amf3;
}

}  // namespace

void DemuxFile::forget() { gst_clear_buffer(&block_); }

bool DemuxFile::read(guint64 position, std::span<std::uint8_t> out) {
  if (out.empty()) return true;
  const auto in_block = [&] {
    return block_ && position >= block_position_ &&
           position + out.size() <= block_position_ + gst_buffer_get_size(block_);
  };
  if (!in_block()) {
    forget();
    if (gst_pad_pull_range(sink_, position, block_size, &block_) != GST_FLOW_OK) return false;
    block_position_ = position;
  }
  return in_block() && gst_buffer_extract(block_, position - block_position_, out.data(),
                                          out.size()) == out.size();
}

guint64 DemuxFile::first_tag() {
  std::array<std::uint8_t, flv::header_size> bytes;
  if (!read(0, bytes) || bytes[0] != 'F' || bytes[1] != 'L' || bytes[2] != 'V') return 0;
  rtmp::ByteReader in(rtmp::Bytes(bytes).subspan(5));
  return std::max<guint64>(in.u32(), flv::header_size) + flv::back_pointer_size;
}

bool DemuxFile::has_tag_at(guint64 position) {
  std::array<std::uint8_t, flv::tag_header_size> bytes;
  if (!read(position, bytes)) return false;
  const auto header = flv::read_tag_header(bytes);
  std::array<std::uint8_t, flv::back_pointer_size> back_pointer;
  return is_tag(header) && read(position + bytes.size() + header.size, back_pointer) &&
         back_pointer == flv::write_back_pointer(header.size);
}

// Of headers the whole payload, of others the front.
bool DemuxFile::read_message(guint64 position, const flv::TagHeader& header,
                             std::vector<std::uint8_t>& payload, rtmp::Message& message) {
  using Kind = rtmp::media::Summary::Kind;
  const auto read_front = [&](std::size_t size) {
    payload.resize(std::min<std::size_t>(size, header.size));
    message = {header.type, 0, 0, rtmp::Buffer(nullptr, payload)};
    return read(position + flv::tag_header_size, payload);
  };
  if (!read_front(front_size)) return false;
  const Kind kind = rtmp::media::summarize(message).kind;
  const bool is_header = kind == Kind::sequence_start || kind == Kind::description;
  return !is_header || payload.size() == header.size || read_front(header.size);
}

void DemuxFile::look_on(DemuxSurvey& survey, GstClockTime time, guint64 to) {
  using Kind = rtmp::media::Summary::Kind;
  guint64 position = survey.seen_to() ? survey.seen_to() : first_tag();
  std::int64_t now = survey.seen_to_ms();
  std::array<std::uint8_t, flv::tag_header_size> bytes;
  std::vector<std::uint8_t> payload;
  while (read(position, bytes)) {
    const auto header = flv::read_tag_header(bytes);
    if (!is_tag(header)) return;
    rtmp::Message message;
    if (rtmp::is_media(header.type)) {
      if (!read_message(position, header, payload, message)) return;
      if (rtmp::is_frame(message)) now = rtmp::unwrap_timestamp(header.timestamp, now);
      survey.note(message, now, position);
    }
    survey.set_seen_to(position, now);
    const Kind kind = rtmp::media::summarize(message).kind;
    const bool is_start = kind == Kind::key_frame || (kind == Kind::audio && !survey.any_video());
    if (is_start && position >= to && now > static_cast<std::int64_t>(time / GST_MSECOND)) return;
    position += bytes.size() + header.size + flv::back_pointer_size;
  }
}

std::optional<GstClockTime> DemuxFile::last_time() {
  gint64 size = 0;
  if (!gst_pad_peer_query_duration(sink_, GST_FORMAT_BYTES, &size)) return std::nullopt;
  std::array<std::uint8_t, flv::back_pointer_size> back_pointer;
  const auto end = static_cast<guint64>(size);
  if (end < back_pointer.size() || !read(end - back_pointer.size(), back_pointer))
    return std::nullopt;
  const guint64 back = rtmp::ByteReader(back_pointer).u32() + back_pointer.size();
  std::array<std::uint8_t, flv::tag_header_size> bytes;
  if (back > end || back < bytes.size() + back_pointer.size() || !read(end - back, bytes))
    return std::nullopt;
  const auto header = flv::read_tag_header(bytes);
  if (!is_tag(header) || flv::tag_header_size + header.size + back_pointer.size() != back)
    return std::nullopt;
  return header.timestamp * GST_MSECOND;
}
