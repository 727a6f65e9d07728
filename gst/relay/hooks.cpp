// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/hooks.h"

#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "relay/admission.h"

namespace relay {
namespace {

using Action = Request::Action;
using Answer = net::HttpClient::Answer;

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
  const auto& url = this->url(event);
  if (!url || !knows(settings_.style, event)) return then({});
  HookBody body = write_hook(settings_.style, event,
                             {.request = request,
                              .name = stream_name(request.app, request.stream),
                              .epoch = seconds_since_1970() * 1000});
  client_.post(
      {*url, std::move(body.content_type), std::move(body.content)},
      [this, request, place = url->authority(), then = std::move(then)](const Answer& answer) {
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

void Hooks::tell(HookEvent event, const HookDetails& details,
                 std::function<void(const Answer&)> then) {
  const auto& url = this->url(event);
  if (!url || !knows(settings_.style, event)) return;
  HookBody body = write_hook(settings_.style, event, details);
  client_.post({*url, std::move(body.content_type), std::move(body.content)},
               [this, place = url->authority(), then = std::move(then)](const Answer& answer) {
                 if (answer.status == 0) log(place, answer.fault);
                 if (then) then(answer);
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
  tell(HookEvent::update, watched->now(), [this, weak](const Answer& answer) {
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
