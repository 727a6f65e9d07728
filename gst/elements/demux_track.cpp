// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_track.h"

#include <gst/pbutils/pbutils.h>

#include <algorithm>

using rtmp::Bytes;
using rtmp::media::Codec;

DemuxTrack::~DemuxTrack() {
  gst_clear_object(&stream_);
  gst_clear_caps(&caps_);
}

// --- what packets say ---

void DemuxTrack::set_codec(Codec codec, std::optional<rtmp::media::LegacyAudioFlags> flags) {
  if (format_.codec != codec) {
    format_.codec = codec;
    if (channels_codec_ != codec) format_.channels.reset();
    if (color_codec_ != codec) format_.color.reset();
    format_.config.clear();
    header_seen_ = false;
    changed_ = true;
  }
  if (format_.flags != flags) {
    format_.flags = flags;
    changed_ = true;
  }
}

void DemuxTrack::set_config(Bytes config) {
  // Empty ones announce a codec; the frames or another header bring the rest.
  header_seen_ |= !needs_config(format_.codec) || is_usable_config(format_.codec, config);
  if (!is_usable_config(format_.codec, config)) return;
  if (std::ranges::equal(format_.config, config)) return;
  format_.config.assign(config.begin(), config.end());
  changed_ = true;
}

void DemuxTrack::set_channels(Codec codec, const rtmp::media::MultichannelConfig& channels) {
  channels_codec_ = codec;
  if (format_.channels == channels) return;
  format_.channels = channels;
  changed_ = true;
}

void DemuxTrack::set_color(Codec codec, const rtmp::media::ColorInfo& color) {
  color_codec_ = codec;
  if (format_.color.value_or(rtmp::media::ColorInfo()) == color) return;
  format_.color = color;
  changed_ = true;
}

void DemuxTrack::set_hints(const TrackHints& hints) {
  if (format_.hints == hints) return;
  format_.hints = hints;
  changed_ = tags_changed_ = true;
}

void DemuxTrack::forget_format() {
  TrackFormat unknown;
  unknown.hints = std::move(format_.hints);
  format_ = std::move(unknown);
  channels_codec_ = color_codec_ = Codec::unknown;
  header_seen_ = false;
  changed_ = true;
}

bool DemuxTrack::waits_for_config(Bytes frame) const {
  if (!needs_config(format_.codec) || !format_.config.empty()) return false;
  GstCaps* caps = caps_for(format_, frame);
  const bool waits = caps == nullptr;
  gst_clear_caps(&caps);
  return waits;
}

bool DemuxTrack::is_known_by_header() const { return header_seen_ && !needs_frame(format_.codec); }

// --- the pad ---

namespace {

const char* to_string(TrackId::Kind kind) {
  switch (kind) {
    case TrackId::Kind::video:
      return "video";
    case TrackId::Kind::audio:
      return "audio";
    case TrackId::Kind::data:
      return "data";
  }
  return "";
}

}  // namespace

// Track 0 has the plain name, except of data, which never stands alone.
std::string DemuxTrack::name() const {
  if (id_.number == 0 && id_.kind != TrackId::Kind::data) return to_string(id_.kind);
  return std::string(to_string(id_.kind)) + "_" + std::to_string(id_.number);
}

const char* DemuxTrack::template_name() const {
  switch (id_.kind) {
    case TrackId::Kind::video:
      return id_.number == 0 ? "video" : "video_%u";
    case TrackId::Kind::audio:
      return id_.number == 0 ? "audio" : "audio_%u";
    case TrackId::Kind::data:
      break;
  }
  return "data_%u";
}

GstPad* DemuxTrack::make_pad(GstElement* element) {
  GstPadTemplate* pad_template =
      gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(element), template_name());
  pad_ = gst_pad_new_from_template(pad_template, name().c_str());
  gst_pad_set_element_private(pad_, this);
  gst_pad_use_fixed_caps(pad_);
  return pad_;
}

bool DemuxTrack::update_caps(Bytes frame) {
  if (!changed_) return caps_ != nullptr;
  GstCaps* caps = caps_for(format_, frame);
  if (!caps) return caps_ != nullptr;
  changed_ = false;
  set_caps(caps);
  return true;
}

void DemuxTrack::set_caps(GstCaps* caps) {
  if (caps_ && gst_caps_is_equal(caps_, caps)) {
    gst_caps_unref(caps);
    return;
  }
  gst_caps_take(&caps_, caps);
  if (!is_exposed()) return;
  tags_changed_ = true;
  gst_stream_set_caps(stream_, caps_);
  gst_pad_push_event(pad_, gst_event_new_caps(caps_));
}

GstTagList* DemuxTrack::take_new_tags() {
  if (!std::exchange(tags_changed_, false) || !caps_) return nullptr;
  GstTagList* tags = gst_tag_list_new_empty();
  const auto& hints = format_.hints;
  if (id_.kind != TrackId::Kind::data) {
    const char* codec_tag =
        id_.kind == TrackId::Kind::video ? GST_TAG_VIDEO_CODEC : GST_TAG_AUDIO_CODEC;
    gst_pb_utils_add_codec_description_to_tag_list(tags, codec_tag, caps_);
  }
  if (hints.bitrate)
    gst_tag_list_add(tags, GST_TAG_MERGE_REPLACE, GST_TAG_BITRATE, *hints.bitrate, nullptr);
  if (!hints.language.empty())
    gst_tag_list_add(tags, GST_TAG_MERGE_REPLACE, GST_TAG_LANGUAGE_CODE, hints.language.c_str(),
                     nullptr);
  if (gst_tag_list_is_empty(tags)) {
    gst_tag_list_unref(tags);
    return nullptr;
  }
  return tags;
}
