// What ThreadSanitizer cannot see by itself: GLib's mutexes are futexes, its and GStreamer's counts
// of references are atomics of libraries that are not instrumented. Linked into a test program,
// these functions come before the libraries' own, and tell what each of them orders.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dlfcn.h>
#include <gst/gst.h>
#include <sanitizer/tsan_interface.h>

#define NEXT(name) \
  static const auto next = reinterpret_cast<decltype(&name)>(dlsym(RTLD_NEXT, #name))

extern "C" {

void g_mutex_lock(GMutex* mutex) {
  NEXT(g_mutex_lock);
  next(mutex);
  __tsan_acquire(mutex);
}

gboolean g_mutex_trylock(GMutex* mutex) {
  NEXT(g_mutex_trylock);
  const gboolean locked = next(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}

void g_mutex_unlock(GMutex* mutex) {
  NEXT(g_mutex_unlock);
  __tsan_release(mutex);
  next(mutex);
}

void g_cond_wait(GCond* cond, GMutex* mutex) {
  NEXT(g_cond_wait);
  __tsan_release(mutex);
  next(cond, mutex);
  __tsan_acquire(mutex);
}

gboolean g_cond_wait_until(GCond* cond, GMutex* mutex, gint64 end) {
  NEXT(g_cond_wait_until);
  __tsan_release(mutex);
  const gboolean signalled = next(cond, mutex, end);
  __tsan_acquire(mutex);
  return signalled;
}

// Whoever drops the last reference comes behind all who dropped one before.
#undef g_object_unref
void g_object_unref(gpointer object) {
  NEXT(g_object_unref);
  __tsan_release(object);
  __tsan_acquire(object);
  next(object);
}

void gst_mini_object_unref(GstMiniObject* object) {
  NEXT(gst_mini_object_unref);
  __tsan_release(object);
  __tsan_acquire(object);
  next(object);
}

// A bus is a queue without locks.
gboolean gst_bus_post(GstBus* bus, GstMessage* message) {
  NEXT(gst_bus_post);
  __tsan_release(bus);
  return next(bus, message);
}

GstMessage* gst_bus_timed_pop_filtered(GstBus* bus, GstClockTime timeout, GstMessageType types) {
  NEXT(gst_bus_timed_pop_filtered);
  GstMessage* message = next(bus, timeout, types);
  __tsan_acquire(bus);
  return message;
}

GstMessage* gst_bus_pop_filtered(GstBus* bus, GstMessageType types) {
  NEXT(gst_bus_pop_filtered);
  GstMessage* message = next(bus, types);
  __tsan_acquire(bus);
  return message;
}

GstMessage* gst_bus_pop(GstBus* bus) {
  NEXT(gst_bus_pop);
  GstMessage* message = next(bus);
  __tsan_acquire(bus);
  return message;
}

}  // extern "C"
