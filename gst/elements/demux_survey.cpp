// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_survey.h"

#include <algorithm>

namespace {

using Kind = rtmp::media::Summary::Kind;

// Headers change rarely; files that go beyond these are sought in with the headers of the moment.
constexpr std::size_t max_headers = 1024, max_header_size = 64 * 1024;
// Without video every tag is one to start at; so many are enough.
constexpr std::int64_t audio_interval_ms = 1000;
constexpr GstClockTime audio_interval = audio_interval_ms * GST_MSECOND;

rtmp::media::Summary summarize(rtmp::MessageType type, rtmp::Bytes payload) {
  return rtmp::media::summarize({type, 0, 0, rtmp::Buffer(nullptr, payload)});
}

// Whether one replaces the other.
bool is_of_the_same(const DemuxSurvey::Header& a, rtmp::MessageType type,
                    const rtmp::media::Summary& summary) {
  if (a.type != type) return false;
  const auto other = summarize(a.type, a.payload);
  return other.kind == summary.kind && other.track_id == summary.track_id &&
         other.many_tracks == summary.many_tracks;
}

}  // namespace

void DemuxSurvey::clear() {
  headers_.clear();
  headers_lost_ = any_video_ = false;
  last_audio_ms_.reset();
  seen_to_ = 0;
  seen_to_ms_ = 0;
}

bool DemuxSurvey::may_learn_of(const rtmp::media::Packet& packet, std::int64_t ms) const {
  using rtmp::media::FrameType;
  if (packet.type != rtmp::media::PacketType::coded_frames) return true;
  if (!any_video_)
    return packet.video || !last_audio_ms_ || ms < *last_audio_ms_ ||
           ms >= *last_audio_ms_ + audio_interval_ms;
  return packet.video && packet.frame_type != FrameType::inter &&
         packet.frame_type != FrameType::disposable_inter;
}

void DemuxSurvey::note(const rtmp::Message& tag, std::int64_t ms, std::uint64_t position) {
  any_video_ |= tag.type == rtmp::MessageType::video;
  const GstClockTime time = static_cast<GstClockTime>(std::max<std::int64_t>(ms, 0)) * GST_MSECOND;
  switch (rtmp::media::summarize(tag).kind) {
    case Kind::sequence_start:
    case Kind::description:
      note_header(tag, position);
      break;
    case Kind::key_frame:
      index_.add({time, position});
      break;
    case Kind::audio: {
      const auto last = index_.last();
      if (any_video_ || (last && time < last->time + audio_interval)) break;
      index_.add({time, position});
      last_audio_ms_ = ms;
      break;
    }
    default:
      break;
  }
}

// Many writers repeat them before each key frame: changes alone are kept.
void DemuxSurvey::note_header(const rtmp::Message& tag, std::uint64_t position) {
  if (!headers_.empty() && position <= headers_.back().position) return;
  const rtmp::Bytes payload = tag.payload;
  const auto summary = rtmp::media::summarize(tag);
  const auto before = std::find_if(headers_.rbegin(), headers_.rend(), [&](const auto& header) {
    return is_of_the_same(header, tag.type, summary);
  });
  if (before != headers_.rend() && std::ranges::equal(before->payload, payload)) return;
  headers_lost_ |= headers_.size() >= max_headers || payload.size() > max_header_size;
  if (!headers_lost_) headers_.push_back({tag.type, position, {payload.begin(), payload.end()}});
}

void DemuxSurvey::set_seen_to(std::uint64_t position, std::int64_t ms) {
  if (position < seen_to_) return;
  seen_to_ = position;
  seen_to_ms_ = ms;
}

bool DemuxSurvey::knows_headers_at(std::uint64_t position) const {
  return !headers_lost_ && seen_to_ >= position;
}

std::span<const DemuxSurvey::Header> DemuxSurvey::headers_before(std::uint64_t position) const {
  const auto end = std::ranges::lower_bound(headers_, position, {}, &Header::position);
  return {headers_.begin(), end};
}
