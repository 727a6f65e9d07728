// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/allocations.h"

#include <dlfcn.h>

#include <atomic>
#include <cstddef>

namespace {

std::atomic<std::uint64_t> count{0};

void note() { count.fetch_add(1, std::memory_order_relaxed); }

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// What the libraries call goes to these, as the program's symbols come first. glibc's own names
// lead to the real ones; GSlice, which has a cache of its own in GLib before 2.76, to the next.
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t number, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);

void* malloc(std::size_t size) {
  note();
  return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
  note();
  return __libc_calloc(number, size);
}

void* realloc(void* block, std::size_t size) {
  note();
  return __libc_realloc(block, size);
}

void* g_slice_alloc(std::size_t size) {
  static auto* const real = next<void*(std::size_t)>("g_slice_alloc");
  note();
  return real(size);
}

void* g_slice_alloc0(std::size_t size) {
  static auto* const real = next<void*(std::size_t)>("g_slice_alloc0");
  note();
  return real(size);
}

}  // extern "C"

namespace rtmp::bench {

std::uint64_t allocations() { return count.load(std::memory_order_relaxed); }

}  // namespace rtmp::bench
