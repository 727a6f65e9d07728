// What goes out of the pads of rtmpdemux: frames with their caps, on one time line.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>

#include "elements/demux_pads.h"
#include "elements/memory_queue.h"

// Owned by the streaming thread, but for what says otherwise.
class DemuxOutput {
 public:
  DemuxOutput(GstElement* element, DemuxPads::Functions functions) : pads_(element, functions) {}

  DemuxPads& pads() { return pads_; }
  // Forgets everything and releases the pads.
  void reset();
  // After a flush or a gap in the input: the tracks stay, their next buffers are marked DISCONT.
  void mark_discont();

  // What upstream says in TIME, or what a seek has made; it is sent to the pads there are.
  void set_segment(const GstSegment& segment, guint32 seqnum);
  // Without a segment, the next frame begins one.
  void forget_segment();
  // From any thread.
  GstSegment segment() const;

  // One tag's payload; `time` is its DTS in ns.
  GstFlowReturn push(const rtmp::media::Packet& packet, const MemoryQueue::Slice& payload,
                     gint64 time);
  // Takes the buffer.
  GstFlowReturn push_data(GstBuffer* buffer, gint64 time);
  // An audio message without content.
  void push_silence(gint64 time);

 private:
  using Packet = rtmp::media::Packet;
  using TrackPacket = rtmp::media::TrackPacket;

  GstFlowReturn push_track(const Packet& packet, const TrackPacket& part,
                           const MemoryQueue::Slice& payload, gint64 time);
  GstFlowReturn push_frame(DemuxTrack& track, const Packet& packet, const TrackPacket& part,
                           const MemoryQueue::Slice& payload, gint64 time);
  GstFlowReturn push_buffer(DemuxTrack& track, GstBuffer* buffer);
  bool expose_waiting(DemuxTrack& track, rtmp::Bytes frame);
  void expose(DemuxTrack& track);
  void place(GstClockTime dts, GstClockTime pts);
  void begin_segment(GstClockTime start, GstClockTime base);
  GstEvent* segment_event() const;
  void fill_gaps(GstClockTime time);
  void push_gap(DemuxTrack& track, GstClockTime end);

  DemuxPads pads_;
  bool headers_wait_ = false;               // tracks with headers have no pads yet
  std::optional<GstClockTime> first_time_;  // of any frame since the start
  std::optional<GstClockTime> last_time_;   // of any frame in this segment
  std::optional<GstSegment> segment_;       // what other threads see is below
  bool own_segment_ = false;                // neither upstream's nor a seek's
  guint32 seqnum_ = GST_SEQNUM_INVALID;

  mutable std::mutex mutex_;  // guards the one below
  std::optional<GstSegment> shown_segment_;
};
