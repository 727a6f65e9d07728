// Calls on behalf of an element from threads that must not run an application's code.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

// They run one after the other, in order, on a thread of GStreamer's, as long as the element is
// there. From any thread.
class ElementCalls : public std::enable_shared_from_this<ElementCalls> {
 public:
  using Call = std::function<void(GstElement*)>;

  explicit ElementCalls(GstElement* element) { g_weak_ref_init(&element_, element); }
  ~ElementCalls() { g_weak_ref_clear(&element_); }
  ElementCalls(const ElementCalls&) = delete;
  ElementCalls& operator=(const ElementCalls&) = delete;

  void post(Call call);
  // A reference to the element, or null.
  GstElement* element() { return static_cast<GstElement*>(g_weak_ref_get(&element_)); }

 private:
  void run_all(GstElement* element);

  GWeakRef element_;
  std::mutex running_;  // held while calls run; taken before mutex_
  std::mutex mutex_;    // guards waiting_
  std::deque<Call> waiting_;
};
