// Who has a say in what a client wants, and in which order.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "relay/server.h"

namespace relay {

// "app/stream"; the app alone is a stream of that name.
std::string stream_name(const std::string& app, const std::string& stream);
bool includes(Wishes wishes, Request::Action action);
// Whether the settings have a say in who publishes.
bool guard_publishing(const Server::Settings& settings);
std::int64_t seconds_since_1970();

// One wish on its way: through the login, what the settings say, the observer, and a web
// service. The first
// refusal is the last word; of new names the first counts.
class Admission : public std::enable_shared_from_this<Admission> {
 public:
  using Answer = std::function<void(Decision)>;
  // Makes of an answer one that may be given from any thread, at any time; it arrives on ours, or
  // not at all if the client is gone by then.
  using Home = std::function<Answer(Answer)>;

  Admission(Server& server, Request request, Home home, Answer then);

  // Answers at once or later, once, on the thread of the client.
  void start();
  // Answers for those who have not done so yet.
  void refuse(const std::string& reason);

 private:
  void log_in();
  void identify();
  void judge();
  void ask_observer();
  void ask_hooks();
  void go_on(void (Admission::*next)(), Decision decision);
  void end(const Decision& decision);

  Server& server_;
  std::shared_ptr<const Server::Settings> settings_;
  Request request_;
  const Home home_;
  const Answer then_;
  Decision so_far_;
  bool over_ = false;
};

}  // namespace relay
