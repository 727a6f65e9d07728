// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/hooks.h"

#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "relay/admission.h"

namespace relay {
namespace {

using Action = Request::Action;
using Answer = net::HttpClient::Answer;
using Call = net::HttpClient::Call;

constexpr std::size_t most_to_tell = 100;  // of one client, until it is answered

HookEvent question_of(Action action) {
  switch (action) {
    case Action::connect:
      return HookEvent::connect;
    case Action::publish:
      return HookEvent::publish;
    case Action::play:
      break;
  }
  return HookEvent::play;
}

HookEvent end_of(Action action) {
  switch (action) {
    case Action::connect:
      return HookEvent::disconnect;
    case Action::publish:
      return HookEvent::publish_done;
    case Action::play:
      break;
  }
  return HookEvent::play_done;
}

}  // namespace

Hooks::Hooks(Settings settings)
    : settings_(std::move(settings)),
      client_({.timeout = settings_.timeout, .ca_file = settings_.ca_file}) {}

void Hooks::ask(const Request& request, std::function<void(Decision)> then) {
  const HookEvent event = question_of(request.action);
  auto call = call_about(event, {.request = request,
                                 .name = stream_name(request.app, request.stream),
                                 .epoch = seconds_since_1970() * 1000});
  if (!call) return then({});
  const std::string place = call->url.authority();
  client_.post(std::move(*call),
               [this, request, place, then = std::move(then)](const Answer& answer) {
                 std::string fault;
                 Decision decision = read_hook_answer(settings_.style, request, answer, fault);
                 if (!fault.empty()) log(place, fault);
                 then(std::move(decision));
               });
}

void Hooks::log(const std::string& place, const std::string& fault) {
  if (moderator_.admits(place + fault, net::now()))
    settings_.on_fault("The hook at " + place + ": " + fault);
}

std::optional<Call> Hooks::call_about(HookEvent event, const HookDetails& details) const {
  const auto& url = this->url(event);
  if (!url || !knows(settings_.style, event)) return std::nullopt;
  HookBody body = write_hook(settings_.style, event, details);
  return Call{*url, std::move(body.content_type), std::move(body.content)};
}

void Hooks::send(Call call, std::function<void(const Answer&)> then) {
  const std::string place = call.url.authority();
  client_.post(std::move(call), [this, place, then = std::move(then)](const Answer& answer) {
    if (answer.status == 0) log(place, answer.fault);
    then(answer);
  });
}

void Hooks::tell(HookEvent event, const HookDetails& details) {
  auto call = call_about(event, details);
  if (!call) return;
  const std::uint64_t client_id = details.request.client_id;
  const std::string place = call->url.authority();
  std::size_t before = 0;
  {
    const std::lock_guard lock(mutex_);
    auto& calls = to_tell_[client_id];
    before = calls.size();
    if (before < most_to_tell) calls.push_back(std::move(*call));
  }
  if (before == 0) tell_first(client_id);
  if (before == most_to_tell) log(place, "it is told more of a client than it answers");
}

void Hooks::tell_first(std::uint64_t client_id) {
  Call call;
  {
    const std::lock_guard lock(mutex_);
    call = std::move(to_tell_.at(client_id).front());
  }
  send(std::move(call), [this, client_id](const Answer&) {
    {
      const std::lock_guard lock(mutex_);
      const auto told = to_tell_.find(client_id);
      told->second.pop_front();
      if (told->second.empty()) {
        to_tell_.erase(told);
        return;
      }
    }
    tell_first(client_id);
  });
}

// --- visits

std::unique_ptr<Hooks::Visit> Hooks::begin(const Request& request, const std::string& name,
                                           std::function<void()> drop) {
  const std::shared_ptr<Watched> watched(new Watched{{request, name}, std::move(drop)});
  const bool updates = request.action != Action::connect && url(HookEvent::update) &&
                       knows(settings_.style, HookEvent::update);
  if (updates) watch(watched);
  return std::make_unique<Visit>(shared_from_this(), watched);
}

// The timer lives as long as it runs, or the client.
void Hooks::watch(std::weak_ptr<const Watched> watched) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(client_.worker().context(),
                                                                 settings_.update_interval);
  timer->async_wait([this, timer, watched = std::move(watched)](const net::error_code& error) {
    if (const auto alive = watched.lock(); alive && !error) update(alive);
  });
}

// Only a clear no ends what was allowed once.
void Hooks::update(const std::shared_ptr<const Watched>& watched) {
  const std::weak_ptr weak(watched);
  auto call = call_about(HookEvent::update, watched->now());
  send(std::move(*call), [this, weak](const Answer& answer) {
    const auto alive = weak.lock();
    if (alive && answer.status >= 400) return alive->drop();
    watch(weak);
  });
}

HookDetails Hooks::Watched::now() const {
  using namespace std::chrono;
  const rtmp::Duration age = net::now() - since;
  HookDetails copy = details;
  copy.time = duration_cast<seconds>(age);
  copy.timestamp = timestamp >= 0 ? timestamp.load() : duration_cast<milliseconds>(age).count();
  return copy;
}

Hooks::Visit::~Visit() {
  HookDetails last = watched_->now();
  last.bytes_in = bytes_in_;
  last.bytes_out = bytes_out_;
  const Action action = last.request.action;
  hooks_->tell(end_of(action), last);
  if (action != Action::connect) hooks_->tell(HookEvent::done, last);
}

}  // namespace relay
