// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/pulls.h"

#include "relay/server.h"

namespace relay {
namespace {

using Purpose = rtmp::ClientSession::Purpose;

// After a refusal nobody is asked for so long.
constexpr auto pause = std::chrono::seconds(3);

rtmp::Status not_found(const std::string& text) {
  return {"error", "NetStream.Play.StreamNotFound", text};
}

}  // namespace

// --- players

void Pulls::ask(const std::shared_ptr<Stream>& stream, const RoutePath& path, Answer answer) {
  Told told;
  {
    const std::lock_guard lock(mutex_);
    enqueue(stream, path, std::move(answer), told);
  }
  tell(told);
}

void Pulls::enqueue(const std::shared_ptr<Stream>& stream, const RoutePath& path, Answer answer,
                    Told& told) {
  const std::string& name = stream->name();
  const auto known = slots_.find(name);
  const bool here = stream->published() && known == slots_.end();
  const auto url = here || stopping_ ? std::nullopt : origin_of(name);
  if (here) additions_.erase(name);
  if (!url) {
    told.emplace_back(std::move(answer), std::nullopt);
  } else if (known != slots_.end()) {
    known->second.waiting.push_back({path, std::move(answer)});
    answer_waiting(known->second, told);
  } else if (running_ >= server_.settings()->routes.most_pulls) {
    server_.count(Limit::pulls, "pulls");
    told.emplace_back(std::move(answer), not_found("Too many streams are fetched just now."));
  } else {
    Slot& slot = slots_[name];
    slot.waiting.push_back({path, std::move(answer)});
    begin(stream, *url, path, slot);
  }
}

// As far as the answer is known.
void Pulls::answer_waiting(Slot& slot, Told& told) {
  refuse_circles(slot, told);
  if (slot.pull && !slot.accepted) return;
  const auto refusal =
      slot.pull ? std::nullopt : std::optional(not_found("The stream is not there."));
  for (Waiting& waiting : std::exchange(slot.waiting, {}))
    told.emplace_back(std::move(waiting.answer), refusal);
}

std::optional<rtmp::Url> Pulls::origin_of(const std::string& name) const {
  const auto added = additions_.find(name);
  if (added != additions_.end()) return route_to(added->second, name);
  return server_.settings()->routes.pull.first(name);
}

void Pulls::begin(const std::shared_ptr<Stream>& stream, const rtmp::Url& url,
                  const RoutePath& path, Slot& slot) {
  const auto settings = server_.settings();
  const RoutePath ours = path.with(server_.route_id());
  auto client = route_client(url, Purpose::play, settings->routes, ours);
  client.connection.ping_interval = settings->ping_interval;
  Owner& owner = *this;
  slot.pull = std::make_shared<Pull>(server_.next_worker(), stream, next_id_++, url,
                                     std::move(client), settings->routes.pull_linger, ours, owner);
  slot.accepted = false;
  slot.origin.clear();
  ++running_;
  if (server_.is_own(url))
    slot.pull->refuse("The URL is this server's own.");
  else
    slot.pull->begin();
}

// A server that we fetch the stream from cannot have it from us.
void Pulls::refuse_circles(Slot& slot, Told& told) {
  std::erase_if(slot.waiting, [&](Waiting& waiting) {
    if (slot.origin.empty() || !waiting.path.contains(slot.origin)) return false;
    told.emplace_back(std::move(waiting.answer),
                      not_found("Servers fetch the stream from each other in a circle."));
    server_.count(Limit::loops, "pulls");
    return true;
  });
}

void Pulls::add(const std::string& name, rtmp::Url url) {
  const std::lock_guard lock(mutex_);
  if (!slots_.contains(name)) additions_.insert_or_assign(name, std::move(url));
}

void Pulls::tell(const Told& told) {
  for (const auto& [answer, refusal] : told) answer(refusal);
}

// --- what happens to streams

void Pulls::on_change(const std::string& name, bool published) {
  if (!published) {
    look_again(name);
    return;
  }
  const std::lock_guard lock(mutex_);
  const auto known = slots_.find(name);
  if (known == slots_.end()) return;
  if (known->second.pull)
    known->second.pull->give_way();
  else
    slots_.erase(known);  // what was refused is here now
}

void Pulls::on_deserted(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto known = slots_.find(name);
  if (known != slots_.end() && known->second.pull) known->second.pull->look_for_players();
}

// Players that are there wait for it.
void Pulls::look_again(const std::string& name) {
  const auto stream = server_.hub().find(name);
  if (stream && stream->players() > 0) ask(stream, {}, [](const auto&) {});
}

// --- what happens to pulls

void Pulls::on_state(const RouteStats& stats) { server_.observer().on_route(stats); }

void Pulls::on_origin(Pull& pull, const std::string& route_id) {
  Told told;
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[pull.stream().name()];
    slot.origin = route_id;
    refuse_circles(slot, told);
  }
  tell(told);
}

void Pulls::on_accepted(Pull& pull) {
  Told told;
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[pull.stream().name()];
    slot.accepted = true;
    answer_waiting(slot, told);
  }
  tell(told);
}

// Whoever still waits came too late for one that left, or hears of the refusal.
void Pulls::on_over(Pull& pull) {
  const RouteStats last = pull.stats();
  const bool left = last.state == RouteStats::State::ended;
  const std::string name = pull.stream().name();
  Told told;
  std::vector<Waiting> late;
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[name];
    for (Waiting& waiting : std::exchange(slot.waiting, {})) {
      if (left)
        late.push_back(std::move(waiting));
      else
        told.emplace_back(std::move(waiting.answer), not_found("The stream is not there."));
    }
    slot.pull.reset();
    if (left || stopping_) slots_.erase(name);
    if (left) additions_.erase(name);
    --running_;
    over_.notify_all();
  }
  tell(told);
  for (Waiting& waiting : late)
    ask(pull.stream().shared_from_this(), waiting.path, std::move(waiting.answer));
  if (left) return look_again(name);
  server_.call_later(pause, [this, name] { end_pause(name); });
}

void Pulls::end_pause(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    slots_.erase(name);
    const auto stream = server_.hub().find(name);
    if (!stream || stream->players() == 0) additions_.erase(name);
  }
  look_again(name);
}

void Pulls::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  for (const auto& [name, slot] : slots_)
    if (slot.pull) slot.pull->stop();
  over_.wait(lock, [this] { return running_ == 0; });
}

std::vector<RouteStats> Pulls::stats() const {
  const std::lock_guard lock(mutex_);
  std::vector<RouteStats> stats;
  for (const auto& [name, slot] : slots_)
    if (slot.pull) stats.push_back(slot.pull->stats());
  return stats;
}

}  // namespace relay
