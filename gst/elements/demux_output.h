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

  // What upstream says in TIME; it is sent to the pads there are. Where upstream's times of frames
  // and the stream's own differ, upstream's are right.
  void set_segment(const GstSegment& segment, guint32 seqnum);
  // What a seek has made, in the stream's own times.
  void set_own_segment(GstSegment segment, guint32 seqnum);
  // Without a segment, the next frame begins one.
  void forget_segment();
  // Upstream's time of the next frame, if it has one.
  void set_upstream_time(std::optional<gint64> time) { upstream_time_ = time; }
  // The one of the pads. From any thread.
  GstSegment segment() const;
  // The same in the stream's own times, for a seek to change. From any thread.
  GstSegment own_segment() const;

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
  void place(gint64 dts, gint64 pts);
  void place_first(gint64 dts, gint64 pts);
  void go_on(gint64 dts, gint64 pts);
  void follow_upstream(gint64 dts);
  void begin_segment(gint64 start, GstClockTime base);
  void send_segment(const GstSegment& segment, guint32 seqnum);
  void raise(gint64 time);
  GstClockTime to_output(gint64 time) const;
  GstEvent* segment_event() const;
  void fill_gaps(GstClockTime time);
  void push_gap(DemuxTrack& track, GstClockTime end);

  DemuxPads pads_;
  enum class Origin { stream, seek, upstream };

  bool headers_wait_ = false;  // tracks with headers have no pads yet
  // The stream's own times, in ns; below 0 at the start of some.
  std::optional<gint64> first_time_;  // of any frame since the start
  std::optional<gint64> last_time_;   // of any frame in this segment
  // What is added to them: upstream's difference, and what keeps them from falling below 0.
  gint64 offset_ = 0, raised_by_ = 0;
  std::optional<gint64> upstream_time_;
  std::optional<GstSegment> segment_;  // what other threads see is below
  Origin origin_ = Origin::stream;     // of the segment
  guint32 seqnum_ = GST_SEQNUM_INVALID;

  mutable std::mutex mutex_;  // guards those below
  std::optional<GstSegment> shown_segment_;
  guint64 shown_raised_by_ = 0;
};
