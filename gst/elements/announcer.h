// Element messages about what happens on a server's threads.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <deque>
#include <memory>
#include <mutex>

// Posts from a thread of GStreamer's: an application's handlers must not hold up the server's
// threads. Any thread may call.
class Announcer final : public std::enable_shared_from_this<Announcer> {
 public:
  explicit Announcer(GstElement* element);
  ~Announcer();
  Announcer(const Announcer&) = delete;

  // Takes the structure. Messages keep their order.
  void post(GstStructure* structure);

 private:
  void post_all(GstElement* element);

  GWeakRef element_;
  std::mutex posting_;  // held while messages are posted; taken before mutex_
  std::mutex mutex_;    // guards waiting_
  std::deque<GstStructure*> waiting_;
};
