// Headers of the caps, sent already, which the stream repeats: each is passed over once.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <list>

// Owned by one thread.
class AnnouncedHeaders {
 public:
  ~AnnouncedHeaders() { clear(); }

  void clear();
  void add(GstBuffer* buffer) { buffers_.push_back(gst_buffer_ref(buffer)); }
  bool empty() const { return buffers_.empty(); }
  const std::list<GstBuffer*>& buffers() const { return buffers_; }
  // Whether one has the same bytes, which is forgotten then.
  bool take_equal(GstBuffer* buffer);

 private:
  std::list<GstBuffer*> buffers_;
};
