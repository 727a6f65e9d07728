// Runs the tests between gst_init() and gst_deinit(), where the leaks tracer looks.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <gtest/gtest.h>

namespace {

// An instrumented plugin cannot be loaded by GStreamer's scanner, which is not instrumented: the
// program itself loads it.
void load_instrumented_plugin() {
#ifdef RTMP_PLUGIN
  g_autoptr(GError) error = nullptr;
  GstPlugin* plugin = gst_plugin_load_file(RTMP_PLUGIN, &error);
  if (!plugin) g_error("%s", error->message);
  gst_object_unref(plugin);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  load_instrumented_plugin();
  testing::InitGoogleTest(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  gst_deinit();
  return failed;
}
