// What tests of clients that lose their connections share.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "elements/pipeline.h"
#include "net/test_server.h"

namespace rtmp::test {

inline const std::string quick = " retry-backoff-min=1000000 retry-backoff-max=1000000 ";
inline const std::string slow = " retry-backoff-min=60000000000 retry-backoff-max=60000000000 ";

inline std::string location(const TestServer& server) {
  return "location=rtmp://127.0.0.1:" + std::to_string(server.port()) + "/live/cam ";
}

inline GstStructure* stats_of(GstElement* element) {
  GstStructure* stats = nullptr;
  g_object_get(element, "stats", &stats, nullptr);
  return stats;
}

inline std::uint64_t stat(GstElement* element, const char* name) {
  GstStructure* stats = stats_of(element);
  guint64 value = 0;
  guint small = 0;
  if (!gst_structure_get_uint64(stats, name, &value) && gst_structure_get_uint(stats, name, &small))
    value = small;
  gst_structure_free(stats);
  return value;
}

inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + TestServer::patience;
  while (!condition() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  return condition();
}

// Another connection of the same client.
inline bool accept_again(TestServer& server) {
  server.stream_id = 0;
  server.stream_closed = false;
  return server.accept() && server.start_stream();
}

inline void send_reconnect_request(TestServer& server, const std::string& tc_url) {
  amf::Object info =
      write_status({"status", "NetConnection.Connect.ReconnectRequest", "going down"});
  if (!tc_url.empty()) info.set("tcUrl", tc_url);
  server.send(write_command({"onStatus", 0, amf::Null{}, {info}}, 0));
}

inline std::string tc_url_of(const TestServer& server) {
  return "rtmp://127.0.0.1:" + std::to_string(server.port()) + "/elsewhere";
}

}  // namespace rtmp::test
