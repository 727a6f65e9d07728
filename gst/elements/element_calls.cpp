// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/element_calls.h"

void ElementCalls::post(Call call) {
  using Self = std::shared_ptr<ElementCalls>;
  GstElement* element = this->element();
  if (!element) return;
  std::unique_lock lock(mutex_);
  const bool first = waiting_.empty();  // others are run together with the one before
  waiting_.push_back(std::move(call));
  lock.unlock();
  if (first)
    gst_element_call_async(
        element,
        [](GstElement* called, gpointer self) { (*static_cast<Self*>(self))->run_all(called); },
        new Self(shared_from_this()), [](gpointer self) { delete static_cast<Self*>(self); });
  gst_object_unref(element);
}

// GStreamer's threads may overtake each other, the calls must not.
void ElementCalls::run_all(GstElement* element) {
  const std::lock_guard one_at_a_time(running_);
  for (;;) {
    std::unique_lock lock(mutex_);
    if (waiting_.empty()) return;
    const Call call = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    call(element);
  }
}
