// What ThreadSanitizer cannot see by itself: GLib's mutexes are futexes, its and GStreamer's counts
// of references are atomics of libraries that are not instrumented. Linked into a test program,
// these functions come before the libraries' own, and tell what each of them orders.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dlfcn.h>
#include <gst/gst.h>
#include <sanitizer/tsan_interface.h>

#define NEXT(name) \
  static const auto next = reinterpret_cast<decltype(&name)>(dlsym(RTLD_NEXT, #name))

namespace {

struct AsyncCall {
  GstElementCallAsyncFunc func;
  gpointer data;
  GDestroyNotify destroy;

  static void run(GstElement* element, gpointer call) {
    __tsan_acquire(call);
    auto* self = static_cast<AsyncCall*>(call);
    self->func(element, self->data);
  }
  static void end(gpointer call) {
    __tsan_acquire(call);
    auto* self = static_cast<AsyncCall*>(call);
    if (self->destroy) self->destroy(self->data);
    delete self;
  }
};

}  // namespace

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

// In GLib these are pthread's, which the sanitizer does see, but not when they are called from a
// library that tsan.txt names.
void g_rec_mutex_lock(GRecMutex* mutex) {
  NEXT(g_rec_mutex_lock);
  next(mutex);
  __tsan_acquire(mutex);
}

gboolean g_rec_mutex_trylock(GRecMutex* mutex) {
  NEXT(g_rec_mutex_trylock);
  const gboolean locked = next(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}

void g_rec_mutex_unlock(GRecMutex* mutex) {
  NEXT(g_rec_mutex_unlock);
  __tsan_release(mutex);
  next(mutex);
}

void g_rw_lock_writer_lock(GRWLock* lock) {
  NEXT(g_rw_lock_writer_lock);
  next(lock);
  __tsan_acquire(lock);
}

void g_rw_lock_writer_unlock(GRWLock* lock) {
  NEXT(g_rw_lock_writer_unlock);
  __tsan_release(lock);
  next(lock);
}

void g_rw_lock_reader_lock(GRWLock* lock) {
  NEXT(g_rw_lock_reader_lock);
  next(lock);
  __tsan_acquire(lock);
}

void g_rw_lock_reader_unlock(GRWLock* lock) {
  NEXT(g_rw_lock_reader_unlock);
  __tsan_release(lock);
  next(lock);
}

void g_async_queue_push(GAsyncQueue* queue, gpointer data) {
  NEXT(g_async_queue_push);
  __tsan_release(queue);
  next(queue, data);
}

gpointer g_async_queue_pop(GAsyncQueue* queue) {
  NEXT(g_async_queue_pop);
  gpointer data = next(queue);
  __tsan_acquire(queue);
  return data;
}

gpointer g_async_queue_try_pop(GAsyncQueue* queue) {
  NEXT(g_async_queue_try_pop);
  gpointer data = next(queue);
  __tsan_acquire(queue);
  return data;
}

gpointer g_async_queue_timeout_pop(GAsyncQueue* queue, guint64 timeout) {
  NEXT(g_async_queue_timeout_pop);
  gpointer data = next(queue, timeout);
  __tsan_acquire(queue);
  return data;
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

// What a call brings along goes to a thread of a pool, through the pool's own queue.
void gst_element_call_async(GstElement* element, GstElementCallAsyncFunc func, gpointer data,
                            GDestroyNotify destroy) {
  NEXT(gst_element_call_async);
  auto* call = new AsyncCall{func, data, destroy};
  __tsan_release(call);
  next(element, AsyncCall::run, call, AsyncCall::end);
}

}  // extern "C"
