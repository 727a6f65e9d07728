// What is said to a web service about clients, and what its answers mean, as nginx-rtmp, SRS and
// MediaMTX do it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "net/http_client.h"
#include "relay/server.h"

namespace relay {

// nginx: forms, and answers by status alone; srs: JSON both ways; mediamtx: JSON, questions only.
enum class HookStyle { nginx, srs, mediamtx };

// `done` is told of publish and play alike.
enum class HookEvent { connect, publish, play, publish_done, play_done, done, update, disconnect };
constexpr std::size_t hook_event_count = static_cast<std::size_t>(HookEvent::disconnect) + 1;

struct HookDetails {
  Request request;
  std::string name;                // "app/stream", under which it is done
  std::int64_t epoch = 0;          // of a connect, in ms since 1970
  std::chrono::seconds time = {};  // since it began
  std::int64_t timestamp = 0;      // of the last media, in ms
  std::uint64_t bytes_in = 0, bytes_out = 0;
};

// Whether services of that kind are called then.
bool knows(HookStyle style, HookEvent event);

struct HookBody {
  std::string content_type, content;
};
HookBody write_hook(HookStyle style, HookEvent event, const HookDetails& details);

// Of a question. `fault` is for the operator, if the answer is none that the style knows.
Decision read_hook_answer(HookStyle style, const Request& request,
                          const net::HttpClient::Answer& answer, std::string& fault);

}  // namespace relay
