// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/admission.h"

#include <algorithm>

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

using TokenRead = std::variant<TokenClaims, TokenFault>;

TokenRead token_of(const Request& request, const Server::Settings& settings) {
  if (!settings.token_keys) return TokenFault::missing;
  return read_token(find_token(request.query, request.app_query), *settings.token_keys,
                    settings.token_issuer, settings.token_audience, seconds_since_1970());
}

Decision judge_token(const TokenRead& read, const Request& request, const std::string& name) {
  if (const auto* fault = std::get_if<TokenFault>(&read)) {
    if (*fault == TokenFault::missing) return refused("A token is needed.");
    return refused(*fault == TokenFault::expired ? "The token has expired."
                                                 : "The token is not valid.");
  }
  const auto& claims = std::get<TokenClaims>(read);
  const bool fits =
      std::ranges::any_of(request.action == Action::publish ? claims.publish : claims.play,
                          [&](const std::string& pattern) { return matches(pattern, name); });
  return fits ? Decision{} : refused("The token is not for this.");
}

Decision judge_signature(const Request& request, const std::string& name,
                         const std::string& secret) {
  const auto fault = rtmp::check_signature(name, request.query, secret, seconds_since_1970());
  return fault ? refused(to_text(*fault)) : Decision{};
}

AccessRules::Verdict judge_by_rules(const Request& request, const std::string& name,
                                    const Server::Settings& settings) {
  const auto action =
      request.action == Action::publish ? AccessRules::Action::publish : AccessRules::Action::play;
  return settings.access.judge({action, name, request.address, request.user});
}

// What the settings say of a wish to publish or play, before anybody is asked. Who it is, a token
// may tell.
Decision judgement(Request request, const Server::Settings& settings) {
  const std::string name = stream_name(request.app, request.stream);
  const TokenRead token = token_of(request, settings);
  const auto* claims = std::get_if<TokenClaims>(&token);
  if (request.user.empty() && claims) request.user = claims->user;

  const auto verdict = judge_by_rules(request, name, settings);
  if (!verdict.allow) return refused("Not allowed from here.");
  if (settings.authmod != rtmp::auth::Mode::none && !request.logged_in &&
      includes(settings.login_for, request.action))
    return refused("Only for those who log in.");
  Decision decision;
  if (!settings.url_secret.empty() && includes(settings.signed_urls, request.action))
    decision = judge_signature(request, name, settings.url_secret);
  if (decision.allow && settings.token_keys && includes(settings.token_for, request.action))
    decision = judge_token(token, request, name);
  decision.rename = verdict.rename;
  decision.user = request.user;
  return decision;
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

bool guard_publishing(const Server::Settings& settings) {
  const bool logins = settings.authmod != rtmp::auth::Mode::none;
  return (logins && includes(settings.login_for, Action::publish)) ||
         (!settings.url_secret.empty() && includes(settings.signed_urls, Action::publish)) ||
         (settings.token_keys && includes(settings.token_for, Action::publish)) ||
         (settings.hooks && settings.hooks->guards_publishing()) ||
         settings.access.guards_publishing();
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
  if (!request_.user.empty()) decision.user = request_.user;
  decision.logged_in = decision.logged_in || request_.logged_in;
  if (!so_far_.rename.empty()) decision.rename = so_far_.rename;
  if (!so_far_.pull.empty()) decision.pull = so_far_.pull;
  decision.forward.insert(decision.forward.end(), so_far_.forward.begin(), so_far_.forward.end());
  so_far_ = std::move(decision);
  request_.user = so_far_.user;
  request_.logged_in = so_far_.logged_in;
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
  if (settings_->authmod == rtmp::auth::Mode::none) return identify();
  server_.login().check(request_, *settings_, server_.observer(),
                        home_([self = shared_from_this()](Decision decision) {
                          self->go_on(&Admission::identify, std::move(decision));
                        }));
}

// Only with the app a token comes this early.
void Admission::identify() {
  if (!settings_->token_keys) return ask_observer();
  const TokenRead token = token_of(request_, *settings_);
  const auto* claims = std::get_if<TokenClaims>(&token);
  go_on(&Admission::ask_observer, {.user = claims ? claims->user : ""});
}

void Admission::judge() { go_on(&Admission::ask_observer, judgement(request_, *settings_)); }

// A new name is one of a stream; only web services rename apps.
void Admission::ask_observer() {
  if (!server_.observer().decides()) return ask_hooks();
  server_.observer().on_request(request_, home_([self = shared_from_this()](Decision decision) {
                                  if (self->request_.action == Action::connect)
                                    decision.rename.clear();
                                  self->go_on(&Admission::ask_hooks, std::move(decision));
                                }));
}

// The last to be asked. What waits for the answer may not keep who gives it.
void Admission::ask_hooks() {
  const auto settings = std::move(settings_);
  if (!settings->hooks) return end(so_far_);
  settings->hooks->ask(request_, home_([self = shared_from_this()](Decision decision) {
                         self->go_on(nullptr, std::move(decision));
                       }));
}

}  // namespace relay
