// What waits on a sink pad of rtmpmux: packets and events in their order.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>

struct MiniObjectUnref {
  void operator()(GstMiniObject* object) const { gst_mini_object_unref(object); }
};
using MiniObjectRef = std::unique_ptr<GstMiniObject, MiniObjectUnref>;

// GstAggregator has a queue for each pad, of one packet where there is no latency: then its thread
// and upstream's wake each other for every packet, and a single upstream thread that feeds two pads
// stops. So the packets wait here, and are taken together. The aggregator's queue gets an empty
// buffer, the placeholder, as long as the pad shall count as ready.
class MuxQueue {
 public:
  // So much time more than at least a second may wait. From any thread.
  void set_latency(GstClockTime latency) { latency_ = latency; }

  // From upstream's thread: waits for room. FLUSHING while flushing, or what close() said.
  GstFlowReturn push(MiniObjectRef object);

  // From the streaming thread. What is first, valid until it is taken; null if there is nothing.
  GstMiniObject* front();
  MiniObjectRef pop();
  // Which object is first: a number that never comes again.
  std::uint64_t position() const { return position_; }

  // Held from the next two questions until the placeholder is where the answer says: else one that
  // is on its way would be taken for gone, and the next would wait for it for ever.
  std::mutex placing;
  // True if there is no placeholder: the caller puts one in. From any thread.
  bool lacks_placeholder();
  // From the streaming thread. True if nothing waits: the caller takes the placeholder out.
  bool gives_up_placeholder();

  // From the streaming thread: no more is taken, for that reason, until the next flush.
  void close(GstFlowReturn reason);
  // Forgets everything, the placeholder too; nothing is taken or waits meanwhile.
  void set_flushing(bool flushing);

 private:
  bool has_room() const;
  void note(GstMiniObject* object);

  std::atomic<GstClockTime> latency_ = 0;

  std::mutex mutex_;  // guards all below up to the gap
  std::condition_variable changed_;
  std::deque<MiniObjectRef> waiting_;
  std::size_t bytes_ = 0;                     // of waiting_
  GstClockTime first_ = GST_CLOCK_TIME_NONE;  // decoding times in it
  GstClockTime last_ = GST_CLOCK_TIME_NONE;
  GstFlowReturn flow_ = GST_FLOW_OK;
  bool placeholder_ = false;
  bool flushed_ = false;  // what was taken is void

  std::deque<MiniObjectRef> taken_;  // the streaming thread's
  std::uint64_t position_ = 0;
};
