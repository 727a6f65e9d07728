// All that a server forwards.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <map>

#include "relay/forward.h"

namespace relay {

class Server;

// From any thread, but what says otherwise.
class Forwards final : private Forward::Owner {
 public:
  explicit Forwards(Server& server) : server_(server) {}

  // Within the stream's own call.
  void on_change(const std::string& name, bool published);

  // Streams that fit go to `url` as well from now on; its number.
  std::uint64_t add(const std::string& pattern, rtmp::Url url);
  // This publication of the stream does.
  void add_once(const std::string& name, const rtmp::Url& url);
  // That is no longer so; or ends the one forward of that number. False if there is none.
  bool remove(std::uint64_t id);

  // Ends all, within that time if they can. Nobody publishes any more.
  void stop(rtmp::Duration time);
  std::vector<RouteStats> stats() const;

 private:
  struct Addition {
    std::string pattern;
    rtmp::Url url;
  };
  // Of one stream at one place.
  struct Slot {
    std::shared_ptr<Forward> current;
    std::shared_ptr<Forward> leaving;  // of the publication before: current waits for it
  };
  using Owner = Forward::Owner;
  using Key = std::pair<std::string, std::string>;  // stream, URL

  void on_state(const RouteStats& stats) override;
  void on_over(Forward& forward) override;

  void begin_all(const std::shared_ptr<Stream>& stream);
  void begin(const std::shared_ptr<Stream>& stream, const rtmp::Url& url, std::uint64_t id);
  static bool is_done_with(const Slot& slot);
  std::vector<std::shared_ptr<Forward>> all() const;

  Server& server_;
  mutable std::mutex mutex_;  // guards what follows; before a stream's
  std::map<Key, Slot> slots_;
  std::map<std::uint64_t, Addition> additions_;
  std::uint64_t next_id_ = 1;
  std::size_t running_ = 0;       // forwards that are not over
  std::condition_variable over_;  // one is
};

}  // namespace relay
