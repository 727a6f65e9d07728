// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/forwards.h"

#include "relay/access.h"
#include "relay/server.h"

namespace relay {

using Purpose = rtmp::ClientSession::Purpose;

// --- what is forwarded

void Forwards::on_change(const std::string& name, bool published) {
  const auto stream = server_.hub().find(name);
  if (!stream) return;
  const std::lock_guard lock(mutex_);
  if (published) return begin_all(stream);
  // Another publisher is another attempt for those that failed.
  std::erase_if(slots_, [&](const auto& entry) {
    return entry.first.first == name && is_done_with(entry.second);
  });
}

// What failed stays, to be seen, as long as the publisher does.
bool Forwards::is_done_with(const Slot& slot) {
  if (slot.leaving || !slot.current->over()) return false;
  return slot.current->stats().state == RouteStats::State::ended ||
         !slot.current->stream().published();
}

void Forwards::begin_all(const std::shared_ptr<Stream>& stream) {
  const auto settings = server_.settings();
  for (const rtmp::Url& url : settings->routes.forward.all(stream->name())) begin(stream, url, 0);
  for (const auto& [id, addition] : additions_)
    if (matches(addition.pattern, stream->name()))
      begin(stream, route_to(addition.url, stream->name()), id);
}

// One that goes on over a takeover stays.
void Forwards::begin(const std::shared_ptr<Stream>& stream, const rtmp::Url& url,
                     std::uint64_t id) {
  Slot& slot = slots_[{stream->name(), rtmp::write_url(url)}];
  if (slot.current && slot.current->goes_on()) return;
  if (!slot.leaving && slot.current && !slot.current->over())
    slot.leaving = std::move(slot.current);
  Owner& owner = *this;
  const auto settings = server_.settings();
  const RouteSettings& routes = settings->routes;
  const RoutePath path = stream->path().with(server_.route_id());
  net::Client::Settings client = route_client(url, Purpose::publish, routes, path);
  client.session.chunk_size = settings->chunk_size;
  client.reconnect.from_start = true;
  slot.current = std::make_shared<Forward>(server_.next_worker(), stream, id > 0 ? id : next_id_++,
                                           url, std::move(client), routes.queue, owner);
  ++running_;
  slot.current->join();
  if (server_.is_own(url)) {
    slot.current->refuse("The URL is this server's own.");
  } else if (!slot.leaving) {
    slot.current->begin();
  }
}

std::uint64_t Forwards::add(const std::string& pattern, rtmp::Url url) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t id = next_id_++;
  additions_[id] = {pattern, std::move(url)};
  for (const auto& stream : server_.hub().all())
    if (matches(pattern, stream->name()) && stream->published())
      begin(stream, route_to(additions_[id].url, stream->name()), id);
  return id;
}

void Forwards::add_once(const std::string& name, const rtmp::Url& url) {
  const auto stream = server_.hub().find(name);
  if (!stream || !stream->published()) return;
  const std::lock_guard lock(mutex_);
  begin(stream, route_to(url, name), 0);
}

bool Forwards::remove(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  bool found = additions_.erase(id) > 0;
  for (const auto& [key, slot] : slots_) {
    if (slot.current->id() != id || slot.current->over()) continue;
    slot.current->stop();
    found = true;
  }
  return found;
}

// --- what happens to it

void Forwards::on_state(const RouteStats& stats) { server_.observer().on_route(stats); }

void Forwards::on_over(Forward& forward) {
  const std::lock_guard lock(mutex_);
  --running_;
  for (auto& [key, slot] : slots_) {
    if (slot.leaving.get() != &forward) continue;
    slot.leaving.reset();
    slot.current->begin();
  }
  std::erase_if(slots_, [](const auto& entry) { return is_done_with(entry.second); });
  over_.notify_all();
}

void Forwards::stop(rtmp::Duration time) {
  for (const auto& forward : all()) forward->stop();
  std::unique_lock lock(mutex_);
  const auto none = [this] { return running_ == 0; };
  if (over_.wait_for(lock, time, none)) return;
  lock.unlock();
  for (const auto& forward : all()) forward->cancel();
  lock.lock();
  over_.wait(lock, none);
}

std::vector<std::shared_ptr<Forward>> Forwards::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Forward>> forwards;
  for (const auto& [key, slot] : slots_)
    for (const auto& forward : {slot.current, slot.leaving})
      if (forward) forwards.push_back(forward);
  return forwards;
}

std::vector<RouteStats> Forwards::stats() const {
  std::vector<RouteStats> stats;
  for (const auto& forward : all()) stats.push_back(forward->stats());
  return stats;
}

}  // namespace relay
