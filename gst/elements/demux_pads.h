// The tracks of a demuxed stream and their pads: names, streams, tags, and when all are there.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstflowcombiner.h>
#include <gst/gst.h>

#include <memory>
#include <vector>

#include "elements/demux_track.h"

// Owned by the streaming thread, but for what says otherwise.
class DemuxPads {
 public:
  struct Functions {
    GstPadEventFunction event;
    GstPadQueryFunction query;
  };
  using Tracks = std::vector<std::unique_ptr<DemuxTrack>>;  // by id, a few

  DemuxPads(GstElement* element, Functions functions);
  ~DemuxPads();
  DemuxPads(const DemuxPads&) = delete;
  DemuxPads& operator=(const DemuxPads&) = delete;

  // Forgets everything and releases the pads.
  void reset();
  void set_group_id(guint group_id) { group_id_ = group_id; }
  // Another description of the same stream may follow at any time.
  void set_metadata(const Metadata& metadata);

  const Tracks& tracks() const { return tracks_; }
  DemuxTrack* find(TrackId id) const;
  // Null if there are too many.
  DemuxTrack* find_or_make(TrackId id);
  // What packets said of the tracks: the pads keep their caps until they say something else.
  void forget_formats();

  // Gives a track that has caps its pad. Takes the segment event.
  void expose(DemuxTrack& track, GstEvent* segment);
  bool has_any() const { return exposed_ > 0; }
  // The track's tags, if there are new ones.
  void send_tags(DemuxTrack& track);
  // To every pad; takes the event. False if there is no pad.
  bool push_event(GstEvent* event);

  // What a push to one pad means for the whole.
  GstFlowReturn combine(const DemuxTrack& track, GstFlowReturn flow);
  void clear_flow() { gst_flow_combiner_reset(flow_); }

  // `elapsed`: in the stream's time since its first frame.
  void check_no_more_pads(GstClockTime elapsed);
  void say_no_more_pads();
  // How long to wait for a track that nobody has announced. From any thread.
  static constexpr GstClockTime default_no_more_pads_threshold = 500 * GST_MSECOND;
  std::atomic<GstClockTime> no_more_pads_threshold = default_no_more_pads_threshold;

 private:
  const TrackHints* hints_for(TrackId id) const;
  bool all_announced_are_there() const;
  GstStream* make_stream(const DemuxTrack& track) const;
  GstStreamCollection* make_collection() const;
  void release_collections();
  void announce();

  GstElement* element_;
  Functions functions_;
  GstFlowCombiner* flow_;
  Tracks tracks_;
  // Every one that was announced, as long as its streams may change: a collection hears of that
  // without a reference, so another thread must not release the last one meanwhile.
  std::vector<GstStreamCollection*> collections_;
  std::size_t exposed_ = 0;
  bool no_more_pads_ = false;
  guint group_id_ = GST_GROUP_ID_INVALID;
  Metadata metadata_;
  GstTagList* tags_ = nullptr;  // of the whole stream
};
