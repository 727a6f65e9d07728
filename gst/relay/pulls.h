// All that a server plays from others.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <map>

#include "relay/pull.h"
#include "rtmp/command.h"

namespace relay {

class Server;

// From any thread, but what says otherwise.
class Pulls final : private Pull::Owner {
 public:
  // Nothing: the player may wait for the stream. Else what it is told.
  using Answer = std::function<void(const std::optional<rtmp::Status>& refusal)>;

  explicit Pulls(Server& server) : server_(server) {}

  // A player of the stream waits for the answer, which comes at once, or on any thread. `path`: by
  // which servers it asks.
  void ask(const std::shared_ptr<Stream>& stream, const RoutePath& path, Answer answer);
  // The stream comes from there when somebody asks for it next.
  void add(const std::string& name, rtmp::Url url);

  // Within the stream's own call.
  void on_change(const std::string& name, bool published);
  void on_deserted(const std::string& name);

  void stop();
  std::vector<RouteStats> stats() const;

 private:
  using Owner = Pull::Owner;
  struct Waiting {
    RoutePath path;
    Answer answer;
  };
  // Of one stream.
  struct Slot {
    std::shared_ptr<Pull> pull;  // null: refused a moment ago
    bool accepted = false;
    std::string origin;  // who the other server is
    std::vector<Waiting> waiting;
  };
  using Told = std::vector<std::pair<Answer, std::optional<rtmp::Status>>>;

  void on_state(const RouteStats& stats) override;
  void on_origin(Pull& pull, const std::string& route_id) override;
  void on_accepted(Pull& pull) override;
  void on_over(Pull& pull) override;

  std::optional<rtmp::Url> origin_of(const std::string& name) const;
  void enqueue(const std::shared_ptr<Stream>& stream, const RoutePath& path, Answer answer,
               Told& told);
  void begin(const std::shared_ptr<Stream>& stream, const rtmp::Url& url, const RoutePath& path,
             Slot& slot);
  void answer_waiting(Slot& slot, Told& told);
  void refuse_circles(Slot& slot, Told& told);
  void end_pause(const std::string& name);
  void look_again(const std::string& name);
  static void tell(const Told& told);

  Server& server_;
  mutable std::mutex mutex_;  // guards what follows; before a stream's
  std::map<std::string, Slot> slots_;
  std::map<std::string, rtmp::Url> additions_;
  std::uint64_t next_id_ = 1;
  bool stopping_ = false;
  std::size_t running_ = 0;       // pulls that are not over
  std::condition_variable over_;  // one is
};

}  // namespace relay
