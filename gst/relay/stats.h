// The figures of a server, its streams and its clients at one time. docs/figures.md says what each
// is.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/byte_stream.h"
#include "relay/limits.h"
#include "relay/meter.h"
#include "relay/route_stats.h"
#include "rtmp/media_format.h"

namespace relay {

struct StreamStats {
  bool published = false;
  rtmp::Duration uptime = {};                        // of the publisher
  std::uint64_t frames = 0, bytes = 0;               // in, since the beginning
  std::uint64_t audio_frames = 0, video_frames = 0;  // of them
  std::uint64_t audio_bytes = 0, video_bytes = 0;    // of them
  std::uint64_t bytes_out = 0;                       // to clients
  double bit_rate_in = 0, bit_rate_out = 0;          // bits a second, over some seconds
  double audio_bit_rate = 0, video_bit_rate = 0;     // in
  double frames_per_second = 0;                      // of video, as they come
  std::size_t players = 0;
  std::size_t gop_frames = 0, gop_bytes = 0;
  std::int64_t last_timestamp = 0;  // ms
  std::int64_t last_audio = 0, last_video = 0;
  rtmp::media::VideoFormat video;  // of the first track; its frame rate as announced, or as it is
  rtmp::media::AudioFormat audio;
};

struct ClientStats {
  std::uint64_t id = 0;
  std::string address, app, stream;
  std::string state;     // "handshake", "connected", "publishing", "playing"
  std::string protocol;  // "rtmp", "rtmpe", "rtmps"
  std::string tc_url, page_url, swf_url, flash_version;  // without queries
  std::uint64_t bytes_in = 0, bytes_out = 0;
  double bit_rate_in = 0, bit_rate_out = 0;  // bits a second, over some seconds
  std::uint64_t frames_dropped = 0, queue_bytes = 0;
  rtmp::Duration queue_time = {};  // that what is next has waited
  rtmp::Duration connected_for = {};
  std::optional<rtmp::Duration> ping_round_trip;  // of RTMP, the last one
  net::TcpFigures tcp;
};

struct ServerStats {
  rtmp::Duration uptime = {};
  std::uint64_t connections_accepted = 0, connections_refused = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0, frames_dropped = 0;
  double bit_rate_in = 0, bit_rate_out = 0;  // of the clients that are there
  std::size_t memory = 0, gop_memory = 0;    // bytes, now
  std::size_t clients = 0, publishers = 0, players = 0;
  LimitCounts::Array limits = {};  // how often each was gone over
  std::uint64_t log_lines_lost = 0;
  Delays delays;
  std::vector<std::pair<std::string, StreamStats>> streams;  // by name
  std::vector<ClientStats> client_list;                      // by id
  std::vector<RouteStats> forwards, pulls;
};

}  // namespace relay
