// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_file.h"

#include <algorithm>
#include <array>

#include "rtmp/media.h"
#include "rtmp/timestamp.h"

namespace {

namespace flv = rtmp::flv;

constexpr guint block_size = 64 * 1024;
// Enough of a payload to know whether it is a key frame.
constexpr std::size_t front_size = 32;
// Without video every tag is one to start at; so many are enough.
constexpr GstClockTime audio_interval = GST_SECOND;

bool is_tag(const flv::TagHeader& header) {
  return rtmp::is_media(header.type) || header.type == rtmp::MessageType::data ||
         header.type == rtmp::MessageType::data_amf3;
}

}  // namespace

void DemuxFile::forget() { gst_clear_buffer(&block_); }

bool DemuxFile::read(guint64 position, std::span<std::uint8_t> out) {
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

void DemuxFile::extend(DemuxIndex& index, GstClockTime time) {
  using Kind = rtmp::media::Summary::Kind;
  const auto start = index.last();
  guint64 position = start ? start->position : first_tag();
  std::int64_t now = start ? static_cast<std::int64_t>(start->time / GST_MSECOND) : 0;
  std::optional<GstClockTime> last_audio;
  bool any_video = false;
  std::array<std::uint8_t, flv::tag_header_size> bytes;
  while (read(position, bytes)) {
    const auto header = flv::read_tag_header(bytes);
    if (!is_tag(header)) return;
    rtmp::Message message{header.type, 0, 0, {}};
    std::array<std::uint8_t, front_size> front;
    const auto part = std::span(front).first(std::min<std::size_t>(front_size, header.size));
    if (!read(position + bytes.size(), part)) return;
    message.payload = rtmp::Buffer(nullptr, part);
    const Kind kind =
        rtmp::is_media(header.type) ? rtmp::media::summarize(message).kind : Kind::other;
    const bool is_audio = kind == Kind::audio;
    any_video |= header.type == rtmp::MessageType::video;
    if (kind == Kind::key_frame || is_audio) {
      now = rtmp::unwrap_timestamp(header.timestamp, now);
      const DemuxIndex::Entry entry{
          static_cast<GstClockTime>(std::max<std::int64_t>(now, 0)) * GST_MSECOND, position};
      const bool is_due = !last_audio || entry.time >= *last_audio + audio_interval;
      if (!is_audio || (!any_video && is_due)) index.add(entry);
      if (is_audio && is_due) last_audio = entry.time;
      if (entry.time > time && (!is_audio || !any_video)) return;
    }
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
