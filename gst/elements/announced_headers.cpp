// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/announced_headers.h"

#include <algorithm>

#include "elements/bridge.h"

namespace {

bool equal(GstBuffer* one, GstBuffer* other) {
  const auto a = bridge::wrap(one), b = bridge::wrap(other);
  return a && b && std::ranges::equal(a->bytes(), b->bytes());
}

}  // namespace

void AnnouncedHeaders::clear() {
  for (GstBuffer* buffer : buffers_) gst_buffer_unref(buffer);
  buffers_.clear();
}

bool AnnouncedHeaders::take_equal(GstBuffer* buffer) {
  const auto found = std::ranges::find_if(
      buffers_, [buffer](GstBuffer* announced) { return equal(announced, buffer); });
  if (found == buffers_.end()) return false;
  gst_buffer_unref(*found);
  buffers_.erase(found);
  return true;
}
