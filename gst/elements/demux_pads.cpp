// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_pads.h"

#include <algorithm>

GST_DEBUG_CATEGORY_EXTERN(gst_rtmp_demux_debug);
#define GST_CAT_DEFAULT gst_rtmp_demux_debug

namespace {

// A pad is much more than the byte that names a track.
constexpr std::size_t max_tracks = 64;
// Announced tracks are waited for longer than those that nobody has heard of, by this factor.
constexpr GstClockTime announced_patience = 10;

GstStreamType stream_type(TrackId::Kind kind) {
  switch (kind) {
    case TrackId::Kind::video:
      return GST_STREAM_TYPE_VIDEO;
    case TrackId::Kind::audio:
      return GST_STREAM_TYPE_AUDIO;
    case TrackId::Kind::data:
      break;
  }
  return GST_STREAM_TYPE_UNKNOWN;
}

}  // namespace

DemuxPads::DemuxPads(GstElement* element, Functions functions)
    : element_(element), functions_(functions), flow_(gst_flow_combiner_new()) {}

DemuxPads::~DemuxPads() {
  release_collections();
  gst_clear_tag_list(&tags_);
  gst_flow_combiner_free(flow_);
}

void DemuxPads::reset() {
  for (const auto& track : tracks_) {
    GstPad* pad = track->pad();
    if (!pad) continue;
    gst_flow_combiner_remove_pad(flow_, pad);
    gst_pad_set_active(pad, FALSE);
    gst_element_remove_pad(element_, pad);
  }
  tracks_.clear();
  release_collections();
  exposed_ = 0;
  no_more_pads_ = false;
  group_id_ = GST_GROUP_ID_INVALID;
  metadata_ = Metadata();
  gst_clear_tag_list(&tags_);
  clear_flow();
}

// --- tracks ---

const TrackHints* DemuxPads::hints_for(TrackId id) const {
  if (id.kind == TrackId::Kind::data) return nullptr;
  const auto& hints = id.kind == TrackId::Kind::video ? metadata_.video : metadata_.audio;
  const auto found = hints.find(id.number);
  return found == hints.end() ? nullptr : &found->second;
}

DemuxTrack* DemuxPads::find(TrackId id) const {
  for (const auto& track : tracks_)
    if (track->id() == id) return track.get();
  return nullptr;
}

DemuxTrack* DemuxPads::find_or_make(TrackId id) {
  if (DemuxTrack* track = find(id)) return track;
  if (tracks_.size() >= max_tracks) {
    GST_WARNING_OBJECT(element_, "more than %" G_GSIZE_FORMAT " tracks", max_tracks);
    return nullptr;
  }
  auto track = std::make_unique<DemuxTrack>(id);
  if (const TrackHints* hints = hints_for(id)) track->set_hints(*hints);
  const auto behind = std::ranges::upper_bound(tracks_, id, {}, &DemuxTrack::id);
  return tracks_.insert(behind, std::move(track))->get();
}

void DemuxPads::forget_formats() {
  for (const auto& track : tracks_) track->forget_format();
}

void DemuxPads::set_metadata(const Metadata& metadata) {
  metadata_ = metadata;
  for (const auto& track : tracks_)
    if (const TrackHints* hints = hints_for(track->id())) track->set_hints(*hints);
  GstTagList* tags = to_tags(metadata_);
  const bool is_new = tags && !(tags_ && gst_tag_list_is_equal(tags, tags_));
  if (is_new) gst_tag_list_replace(&tags_, tags);
  gst_clear_tag_list(&tags);
  if (is_new) push_event(gst_event_new_tag(gst_tag_list_ref(tags_)));
}

// --- pads ---

// The id is the upstream's with the track's name behind it, so it is the same in every run.
GstStream* DemuxPads::make_stream(const DemuxTrack& track) const {
  gchar* id = gst_pad_create_stream_id_printf(track.pad(), element_, "%s", track.name().c_str());
  GstStream* stream =
      gst_stream_new(id, track.caps(), stream_type(track.id().kind), GST_STREAM_FLAG_NONE);
  g_free(id);
  return stream;
}

GstStreamCollection* DemuxPads::make_collection() const {
  GstStreamCollection* collection = gst_stream_collection_new(nullptr);
  for (const auto& track : tracks_)
    if (track->stream())
      gst_stream_collection_add_stream(collection, GST_STREAM(gst_object_ref(track->stream())));
  return collection;
}

void DemuxPads::announce() {
  GstStreamCollection* collection = make_collection();
  gst_element_post_message(element_,
                           gst_message_new_stream_collection(GST_OBJECT(element_), collection));
  push_event(gst_event_new_stream_collection(collection));
  collections_.push_back(collection);
}

void DemuxPads::release_collections() {
  for (GstStreamCollection* collection : collections_) gst_object_unref(collection);
  collections_.clear();
}

void DemuxPads::expose(DemuxTrack& track, GstEvent* segment) {
  if (group_id_ == GST_GROUP_ID_INVALID) group_id_ = gst_util_group_id_next();
  GstPad* pad = track.make_pad(element_);
  gst_pad_set_event_function(pad, functions_.event);
  gst_pad_set_query_function(pad, functions_.query);
  gst_pad_set_active(pad, TRUE);
  GstStream* stream = make_stream(track);
  track.take_stream(stream);

  GstEvent* start = gst_event_new_stream_start(gst_stream_get_stream_id(stream));
  gst_event_set_group_id(start, group_id_);
  gst_event_set_stream(start, stream);
  if (track.id().kind == TrackId::Kind::data)
    gst_event_set_stream_flags(start, GST_STREAM_FLAG_SPARSE);
  gst_pad_push_event(pad, start);
  announce();
  gst_pad_push_event(pad, gst_event_new_caps(track.caps()));
  gst_pad_push_event(pad, segment);
  if (tags_) gst_pad_push_event(pad, gst_event_new_tag(gst_tag_list_ref(tags_)));
  send_tags(track);

  GST_INFO_OBJECT(element_, "new pad %s: %" GST_PTR_FORMAT, GST_PAD_NAME(pad),
                  static_cast<void*>(track.caps()));
  gst_flow_combiner_add_pad(flow_, pad);
  ++exposed_;
  gst_element_add_pad(element_, pad);
}

void DemuxPads::send_tags(DemuxTrack& track) {
  if (GstTagList* tags = track.take_new_tags()) {
    gst_stream_set_tags(track.stream(), tags);
    gst_pad_push_event(track.pad(), gst_event_new_tag(tags));
  }
}

bool DemuxPads::push_event(GstEvent* event) {
  bool any = false;
  for (const auto& track : tracks_)
    if (track->is_exposed()) any |= gst_pad_push_event(track->pad(), gst_event_ref(event));
  gst_event_unref(event);
  return any;
}

GstFlowReturn DemuxPads::combine(const DemuxTrack& track, GstFlowReturn flow) {
  flow = gst_flow_combiner_update_pad_flow(flow_, track.pad(), flow);
  // The track that somebody wants may still come.
  return flow == GST_FLOW_NOT_LINKED && !no_more_pads_ ? GST_FLOW_OK : flow;
}

// --- no more pads ---

bool DemuxPads::all_announced_are_there() const {
  const auto is_there = [this](TrackId::Kind kind, const auto& announced) {
    for (const auto& [number, hints] : announced) {
      const DemuxTrack* track = find({kind, number});
      if (!track || !track->pad()) return false;
    }
    return true;
  };
  return is_there(TrackId::Kind::video, metadata_.video) &&
         is_there(TrackId::Kind::audio, metadata_.audio);
}

void DemuxPads::check_no_more_pads(GstClockTime elapsed) {
  if (no_more_pads_) return;
  const bool any_announced = !metadata_.video.empty() || !metadata_.audio.empty();
  const GstClockTime threshold = no_more_pads_threshold;
  const bool all_there = any_announced && all_announced_are_there();
  const GstClockTime patience = any_announced ? threshold * announced_patience : threshold;
  if (all_there || elapsed >= patience) say_no_more_pads();
}

void DemuxPads::say_no_more_pads() {
  if (std::exchange(no_more_pads_, true)) return;
  GST_INFO_OBJECT(element_, "no more pads");
  gst_element_no_more_pads(element_);
}
