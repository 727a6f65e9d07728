// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_writer.h"

#include <algorithm>

#include "rtmp/flv.h"

namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
// More than any packet header takes.
constexpr std::size_t header_room = 64;

mux::BufferRef share(const mux::BufferRef& buffer) {
  return mux::BufferRef(gst_buffer_ref(buffer.get()));
}

mux::BufferRef as_header(mux::BufferRef buffer) {
  GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_HEADER);
  return buffer;
}

mux::BufferRef to_metadata_tag(std::int64_t timestamp, rtmp::Bytes body) {
  return as_header(mux::make_tag(rtmp::MessageType::data, timestamp, body));
}

void append_to_array(GValue* array, const mux::BufferRef& buffer) {
  GValue value = G_VALUE_INIT;
  g_value_init(&value, GST_TYPE_BUFFER);
  gst_value_set_buffer(&value, buffer.get());
  gst_value_array_append_and_take_value(array, &value);
}

bool can_seek(GstPad* src) {
  GstQuery* query = gst_query_new_seeking(GST_FORMAT_BYTES);
  gboolean seekable = FALSE;
  if (gst_pad_peer_query(src, query))
    gst_query_parse_seeking(query, nullptr, &seekable, nullptr, nullptr);
  gst_query_unref(query);
  return seekable;
}

std::string tag_of(GstAggregator* mux, const char* name) {
  const GstTagList* tags = gst_tag_setter_get_tag_list(GST_TAG_SETTER(mux));
  gchar* value = nullptr;
  if (tags) gst_tag_list_get_string(tags, name, &value);
  const std::string text = value ? value : "";
  g_free(value);
  return text;
}

bool has_kind(const MuxPads& pads, mux::Kind kind) {
  return std::ranges::any_of(
      pads, [kind](const MuxPadRef& pad) { return pad_track(pad).kind() == kind; });
}

// Video first, by their ids.
MuxPads sorted_pads(GstAggregator* mux) {
  MuxPads pads = all_mux_pads(GST_ELEMENT(mux));
  std::ranges::sort(pads, {}, [](const MuxPadRef& pad) {
    return std::pair(pad_track(pad).kind(), pad_track(pad).id());
  });
  return pads;
}

MuxPads known_pads(GstAggregator* mux) {
  MuxPads pads = sorted_pads(mux);
  std::erase_if(pads, [](const MuxPadRef& pad) { return !pad_track(pad).has_format(); });
  return pads;
}

// Players do not look for a track that comes late and was not announced.
std::vector<mux::TrackDescription> descriptions(const MuxPads& pads) {
  std::vector<mux::TrackDescription> tracks;
  for (const MuxPadRef& pad : pads) {
    const MuxTrack& track = pad_track(pad);
    tracks.push_back(track.has_format()
                         ? track.description()
                         : mux::TrackDescription{track.kind(), track.id(), nullptr, 0});
  }
  return tracks;
}

}  // namespace

MuxPads all_mux_pads(GstElement* element) {
  MuxPads pads;
  GST_OBJECT_LOCK(element);
  for (GList* item = element->sinkpads; item; item = item->next)
    pads.emplace_back(GST_RTMP_MUX_PAD(gst_object_ref(item->data)));
  GST_OBJECT_UNLOCK(element);
  return pads;
}

void MuxWriter::reset() {
  metadata_due_ = repeat_headers_ = false;
  started_ = has_video_ = rewritable_ = false;
  timeline_ = {};
  file_ = {};
  metadata_ = {};
  file_header_.reset();
  metadata_tag_.reset();
  last_dts_ = G_MININT64;
}

// --- headers ---

mux::Labels MuxWriter::labels(const MuxSettings& settings) const {
  mux::Labels labels{tag_of(mux_, GST_TAG_TITLE), tag_of(mux_, GST_TAG_ARTIST), settings.encoder,
                     settings.metadatacreator};
  // Whoever encoded says so in a tag, unless the user has chosen other words. That of the first
  // track: which of several comes first into the common list is left to chance.
  if (labels.encoder != MuxSettings::default_label) return labels;
  std::string encoder = tag_of(mux_, GST_TAG_ENCODER);
  for (const MuxPadRef& pad : known_pads(mux_))
    if (!pad_track(pad).encoder().empty()) {
      encoder = pad_track(pad).encoder();
      break;
    }
  if (!encoder.empty()) labels.encoder = encoder;
  return labels;
}

// What has a pad is announced, even if it comes late.
mux::BufferRef MuxWriter::write_file_header() const {
  const MuxPads pads = all_mux_pads(GST_ELEMENT(mux_));
  return as_header(mux::make_buffer(rtmp::flv::write_file_header(
      {has_kind(pads, mux::Kind::audio), has_kind(pads, mux::Kind::video)})));
}

// Whether there is something new to say.
bool MuxWriter::update_metadata(std::int64_t timestamp, const MuxSettings& settings) {
  if (!metadata_due_.exchange(false) && started_) return false;
  const MuxPads pads = sorted_pads(mux_);
  const auto tracks = descriptions(pads);
  const auto metadata = mux::describe(tracks, labels(settings));
  auto lasting = mux::without_rates(metadata);
  if (started_ && lasting == metadata_) return false;
  metadata_ = std::move(lasting);
  std::vector<std::uint8_t> body;
  if (!started_ && rewritable_) {
    body = file_.final_metadata(tracks, labels(settings));
    rewritable_ = !body.empty();
  }
  if (body.empty()) body = mux::write_metadata(metadata);
  metadata_tag_ = to_metadata_tag(timestamp, body);
  return true;
}

void MuxWriter::set_caps() {
  GValue headers = G_VALUE_INIT;
  g_value_init(&headers, GST_TYPE_ARRAY);
  append_to_array(&headers, file_header_);
  append_to_array(&headers, metadata_tag_);
  for (const MuxPadRef& pad : known_pads(mux_))
    for (const mux::BufferRef& tag : pad_track(pad).headers()) append_to_array(&headers, tag);
  GstCaps* caps = gst_caps_new_empty_simple("video/x-flv");
  gst_caps_set_value(caps, "streamheader", &headers);
  g_value_unset(&headers);
  gst_aggregator_set_src_caps(mux_, caps);
  gst_caps_unref(caps);
}

// Those that are due: the file's, the metadata, then each track's. The caps show all there are.
GstFlowReturn MuxWriter::write_headers(std::int64_t timestamp, const MuxSettings& settings) {
  std::vector<mux::BufferRef> due;
  if (!started_) rewritable_ = !settings.streamable && can_seek(GST_AGGREGATOR_SRC_PAD(mux_));
  file_header_ = write_file_header();
  if (!started_) due.push_back(share(file_header_));
  if (update_metadata(timestamp, settings)) due.push_back(share(metadata_tag_));
  started_ = true;
  has_video_ = has_kind(all_mux_pads(GST_ELEMENT(mux_)), mux::Kind::video);
  for (const MuxPadRef& pad : known_pads(mux_)) {
    MuxTrack& track = pad_track(pad);
    if (!track.headers_pending()) continue;
    track.write_headers(timestamp);
    for (const mux::BufferRef& tag : track.headers()) due.push_back(share(tag));
  }
  if (due.empty()) return GST_FLOW_OK;
  set_caps();
  for (mux::BufferRef& tag : due) {
    const GstFlowReturn flow = push(std::move(tag));
    if (flow != GST_FLOW_OK) return flow;
  }
  return GST_FLOW_OK;
}

// --- packets ---

GstFlowReturn MuxWriter::check(GstRtmpMuxPad* pad, GstBuffer* packet) {
  MuxTrack& track = gst_rtmp_mux_pad_track(pad);
  if (track.refused()) return GST_FLOW_NOT_NEGOTIATED;
  if (!track.has_format()) {
    GST_ELEMENT_ERROR(mux_, STREAM, FORMAT, ("Data came before its caps."),
                      ("pad %s", GST_OBJECT_NAME(pad)));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (!track.configure(packet)) {
    const std::string codec(to_string(track.format().codec));
    GST_ELEMENT_ERROR(mux_, STREAM, FORMAT,
                      ("%s cannot be carried without its decoder configuration (codec_data or "
                       "streamheader): put its parser before the muxer.",
                       codec.c_str()),
                      ("pad %s", GST_OBJECT_NAME(pad)));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (gst_buffer_get_size(packet) > mux::max_body_size - header_room) {
    GST_ELEMENT_ERROR(mux_, STREAM, FORMAT, ("A packet is larger than the 16 MiB of an FLV tag."),
                      ("pad %s", GST_OBJECT_NAME(pad)));
    return GST_FLOW_ERROR;
  }
  return GST_FLOW_OK;
}

GstFlowReturn MuxWriter::write(GstRtmpMuxPad* pad, GstBuffer* packet, const MuxHead& head,
                               const MuxSettings& settings) {
  MuxTrack& track = gst_rtmp_mux_pad_track(pad);
  if (track.is_header(packet)) return GST_FLOW_OK;
  const GstFlowReturn checked = check(pad, packet);
  if (checked != GST_FLOW_OK) return checked;
  if (settings.skip_backwards_streams && head.times.dts < last_dts_) return GST_FLOW_OK;
  last_dts_ = std::max(last_dts_, head.times.dts);

  if (!started_) timeline_.start(head.times.dts);
  if (repeat_headers_.exchange(false))
    for (const MuxPadRef& known : known_pads(mux_)) pad_track(known).repeat_headers();
  const mux::Stamp stamp = timeline_.stamp(head.times, settings.nanosecond_timestamps);
  if (!started_ || metadata_due_ || track.headers_pending()) {
    const GstFlowReturn flow = write_headers(stamp.milliseconds, settings);
    if (flow != GST_FLOW_OK) return flow;
  }
  return write_packet(track, packet, head, stamp);
}

GstFlowReturn MuxWriter::write_packet(MuxTrack& track, GstBuffer* packet, const MuxHead& head,
                                      const mux::Stamp& stamp) {
  // Where there is video, players begin with its key frames alone.
  const bool begins = track.kind() == mux::Kind::video
                          ? !GST_BUFFER_FLAG_IS_SET(packet, GST_BUFFER_FLAG_DELTA_UNIT)
                          : track.kind() == mux::Kind::audio && !has_video_;
  auto tag = track.write_packet(packet, stamp);
  if (!tag) {
    GST_ELEMENT_WARNING(mux_, STREAM, FORMAT, ("Data without a name cannot be carried."),
                        ("neither an AMF0 string first nor a GstRtmpDataMeta"));
    return GST_FLOW_OK;
  }
  const auto time = static_cast<GstClockTime>(std::max<std::int64_t>(head.times.dts, 0));
  GST_BUFFER_DTS(tag.get()) = GST_BUFFER_PTS(tag.get()) = time;
  if (!begins) GST_BUFFER_FLAG_SET(tag.get(), GST_BUFFER_FLAG_DELTA_UNIT);
  file_.begin_packet(stamp.milliseconds, begins);
  file_.ends_at(stamp.milliseconds + (head.end - head.times.dts) / ns_per_ms);
  return push(std::move(tag));
}

GstFlowReturn MuxWriter::push(mux::BufferRef buffer) {
  file_.wrote(gst_buffer_get_size(buffer.get()));
  return gst_aggregator_finish_buffer(mux_, buffer.release());
}

// --- the end ---

GstFlowReturn MuxWriter::finish(const MuxSettings& settings) {
  GstFlowReturn flow = started_ ? GST_FLOW_OK : write_headers(0, settings);
  if (flow == GST_FLOW_OK && rewritable_) flow = rewrite_start(settings);
  return flow == GST_FLOW_OK ? GST_FLOW_EOS : flow;
}

// The same bytes in the same places, now with duration, size and index.
GstFlowReturn MuxWriter::rewrite_start(const MuxSettings& settings) {
  const MuxPads pads = known_pads(mux_);
  const auto body = file_.final_metadata(descriptions(pads), labels(settings));
  if (body.empty()) return GST_FLOW_OK;
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_BYTES);
  gst_aggregator_update_segment(mux_, &segment);
  const GstFlowReturn flow = push(write_file_header());
  return flow == GST_FLOW_OK ? push(to_metadata_tag(0, body)) : flow;
}
