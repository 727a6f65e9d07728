// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/announcer.h"

Announcer::Announcer(GstElement* element) { g_weak_ref_init(&element_, element); }

Announcer::~Announcer() {
  g_weak_ref_clear(&element_);
  for (GstStructure* structure : waiting_) gst_structure_free(structure);
}

void Announcer::post(GstStructure* structure) {
  using Self = std::shared_ptr<Announcer>;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(structure);
  }
  auto* element = static_cast<GstElement*>(g_weak_ref_get(&element_));
  if (!element) return;
  gst_element_call_async(
      element,
      [](GstElement* called, gpointer self) { (*static_cast<Self*>(self))->post_all(called); },
      new Self(shared_from_this()), [](gpointer self) { delete static_cast<Self*>(self); });
  gst_object_unref(element);
}

// Calls may overtake each other, messages must not.
void Announcer::post_all(GstElement* element) {
  const std::lock_guard one_at_a_time(posting_);
  for (;;) {
    std::unique_lock lock(mutex_);
    if (waiting_.empty()) return;
    GstStructure* structure = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), structure));
  }
}
