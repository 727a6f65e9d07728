// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/admission.h"

#include "relay/hooks.h"
#include "relay/login.h"
#include "rtmp/signed_query.h"

namespace relay {
namespace {

using Action = Request::Action;

const char* to_text(rtmp::SignatureFault fault) {
  switch (fault) {
    case rtmp::SignatureFault::missing:
      return "The address must be signed.";
    case rtmp::SignatureFault::expired:
      return "The address has expired.";
    case rtmp::SignatureFault::wrong:
      break;
  }
  return "The signature of the address is wrong.";
}

Decision refused(std::string reason) { return {.allow = false, .reason = std::move(reason)}; }

// What the settings say of a wish to publish or play, before anybody is asked.
Decision judgement(const Request& request, const Server::Settings& settings, std::int64_t now) {
  const std::string name = stream_name(request.app, request.stream);
  const auto action =
      request.action == Action::publish ? AccessRules::Action::publish : AccessRules::Action::play;
  if (!settings.access.allows(action, name, request.address))
    return refused("Not allowed from here.");
  const bool logs_in = settings.authmod != rtmp::auth::Mode::none;
  if (logs_in && includes(settings.login_for, request.action) && request.user.empty())
    return refused("Only for those who log in.");
  if (!settings.url_secret.empty() && includes(settings.signed_urls, request.action))
    if (const auto fault = rtmp::check_signature(name, request.query, settings.url_secret, now))
      return refused(to_text(*fault));
  return {};
}

}  // namespace

std::string stream_name(const std::string& app, const std::string& stream) {
  if (app.empty()) return stream;
  return stream.empty() ? app : app + "/" + stream;
}

bool includes(Wishes wishes, Action action) {
  return wishes == Wishes::all ||
         (wishes == Wishes::publish ? action == Action::publish : action == Action::play);
}

std::int64_t seconds_since_1970() {
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

Admission::Admission(Server& server, Request request, Home home, Answer then)
    : server_(server),
      settings_(server.settings()),
      request_(std::move(request)),
      home_(std::move(home)),
      then_(std::move(then)) {}

void Admission::start() { request_.action == Action::connect ? log_in() : judge(); }

// Whoever is next has a say, unless this was a refusal.
void Admission::go_on(void (Admission::*next)(), Decision decision) {
  if (over_) return;
  if (decision.user.empty()) decision.user = request_.user;
  if (!so_far_.rename.empty()) decision.rename = so_far_.rename;
  so_far_ = std::move(decision);
  request_.user = so_far_.user;
  if (so_far_.allow && next)
    (this->*next)();
  else
    end(so_far_);
}

void Admission::refuse(const std::string& reason) { end(refused(reason)); }

void Admission::end(const Decision& decision) {
  if (!std::exchange(over_, true)) then_(decision);
}

void Admission::log_in() {
  server_.login().check(request_, *settings_, server_.observer(),
                        home_([self = shared_from_this()](Decision decision) {
                          self->go_on(&Admission::ask_observer, std::move(decision));
                        }));
}

void Admission::judge() {
  go_on(&Admission::ask_observer, judgement(request_, *settings_, seconds_since_1970()));
}

void Admission::ask_observer() {
  server_.observer().on_request(request_, home_([self = shared_from_this()](Decision decision) {
                                  self->go_on(&Admission::ask_hooks, std::move(decision));
                                }));
}

void Admission::ask_hooks() {
  if (!settings_->hooks) return end(so_far_);
  settings_->hooks->ask(request_, home_([self = shared_from_this()](Decision decision) {
                          self->go_on(nullptr, std::move(decision));
                        }));
}

}  // namespace relay
