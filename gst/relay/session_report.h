// What is told of a client once it has gone, and how a line of a log says it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtmp/clock.h"

namespace relay {

struct SessionReport {
  using WallTime = std::chrono::system_clock::time_point;

  std::uint64_t id = 0;
  std::string address;  // with port
  std::string user;     // if it has logged in
  std::string app, tc_url, page_url, swf_url, flash_version;
  // Of the last publish or play: what the client asked for, and "app/stream" that it got, which
  // may have another name and is empty where it was refused.
  std::string name, query, stream;
  bool published = false, played = false;
  WallTime end = {};
  rtmp::Duration time = {};
  std::uint64_t bytes_in = 0, bytes_out = 0, frames_dropped = 0;
  std::string reason;  // of the end
};

// Lines without a line's end. Nothing that a client says gets out of its place: control characters,
// quotes and what is no UTF-8 are escaped. Nothing secret is in them: of queries the values are
// masked, of URLs the query and the user, and a name that the stream is not played under.
class LogFormat {
 public:
  // "json", "combined" (nginx-rtmp's own) or text with variables such as $remote_addr. On failure
  // nothing, and `error` is a sentence that shows the variable at fault.
  static std::optional<LogFormat> read(std::string_view text, std::string& error);

  std::string write(const SessionReport& report) const;

 private:
  using Value = std::string (*)(const SessionReport&);
  struct Part {
    std::string text;
    Value value = nullptr;  // after the text
  };

  static std::optional<Value> find(std::string_view variable);

  bool json_ = false;
  std::vector<Part> parts_;
};

}  // namespace relay
