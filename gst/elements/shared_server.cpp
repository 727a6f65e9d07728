// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/shared_server.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <system_error>
#include <vector>

#include "elements/server_access.h"
#include "elements/server_doors.h"
#include "elements/server_hooks.h"
#include "elements/server_http.h"
#include "elements/server_log.h"
#include "elements/server_login.h"
#include "elements/server_protocols.h"
#include "elements/server_routes.h"
#include "elements/server_stats.h"
#include "elements/server_swf.h"
#include "elements/server_tls.h"
#include "elements/server_token.h"
#include "relay/admission.h"

GST_DEBUG_CATEGORY_STATIC(rtmp_server_debug);
#define GST_CAT_DEFAULT rtmp_server_debug

namespace shared_server {

using relay::Server;
using server_properties::Values;

namespace {

using server_properties::Place;

constexpr guint64 longest_drain = 24 * 3600 * GST_SECOND;

// What systemd has opened may be anything.
bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.") ||
         address.starts_with("unix:");
}

void log_certificates(const std::string& fault) {
  if (fault.empty())
    GST_INFO("new certificates are in use");
  else
    GST_WARNING("the old certificates stay in use. %s", fault.c_str());
}

void log_passwords(const std::string& fault) {
  if (fault.empty())
    GST_INFO("new passwords are in use");
  else
    GST_WARNING("the old passwords stay in use. %s", fault.c_str());
}

void log_fault(const std::string& fault) { GST_WARNING("%s", fault.c_str()); }

// Settings that are read together, from properties or the files that those name.
struct Group {
  bool (*has)(std::string_view property);
  void (*add_to)(Server::Settings&, const Values&, std::string& fault);
};

constexpr Group read_groups[] = {
    {server_access::has, server_access::add_to},
    {server_doors::has, server_doors::add_to},
    {server_token::has, server_token::add_to},
    {server_login::has,
     [](Server::Settings& settings, const Values& values, std::string& fault) {
       server_login::add_to(settings, values, log_passwords, fault);
     }},
    {server_log::has,
     [](Server::Settings& settings, const Values& values, std::string& fault) {
       server_log::add_to(settings, values, log_fault, fault);
     }},
    {server_tls::has, [](Server::Settings& settings, const Values& values, std::string& fault) {
       server_tls::add_to(settings, values, log_certificates, fault);
     }}};

constexpr Group plain_group = {[](std::string_view) { return true; },
                               [](Server::Settings& settings, const Values& values, std::string&) {
                                 values.add_to(settings);
                               }};

const Group& group_of(std::string_view property) {
  for (const Group& group : read_groups)
    if (group.has(property)) return group;
  return plain_group;
}

}  // namespace

// --- the server and those who listen to it

// Calls from the server's threads go to all parties, outside of the lock.
class Shared final : public relay::Observer {
 public:
  using Decide = std::function<void(relay::Decision)>;
  using Tell = std::function<void(std::optional<std::string>)>;

  Shared(const Values& wanted, std::string by, Server::Settings settings)
      : values(wanted),
        founder(std::move(by)),
        address_(wanted.place().address),
        server(std::move(settings), *this) {}

  using Emitter = server_signals::Emitter;

  // The party may be null.
  void join(const std::shared_ptr<Party>& party, const std::shared_ptr<Emitter>& emitter) {
    const std::lock_guard lock(mutex_);
    if (party) listeners_.push_back(party);
    listeners_.push_back(emitter);
    emitters_.push_back(emitter);
  }

  void leave(const std::shared_ptr<Party>& party, const std::shared_ptr<Emitter>& emitter) {
    const std::lock_guard lock(mutex_);
    std::erase_if(listeners_, [&](const auto& one) { return one == party || one == emitter; });
    std::erase(emitters_, emitter);
  }

  void on_request(const relay::Request& request, Decide decide) override {
    auto deciding = emitters();
    std::erase_if(deciding, [](const auto& emitter) { return !emitter->decides(); });
    ask(std::move(deciding), request, {}, std::move(decide));
  }

  void on_password(const std::string& user, Tell tell) override {
    auto knowing = emitters();
    std::erase_if(knowing, [](const auto& emitter) { return !emitter->knows_passwords(); });
    look_up(std::move(knowing), user, std::move(tell));
  }

  void on_client_added(std::uint64_t id, const std::string& address) override {
    GST_INFO("%s: client %" G_GUINT64_FORMAT " from %s", place().c_str(), guint64{id},
             address.c_str());
    for (const auto& listener : listeners()) listener->on_client_added(id, address);
  }

  void on_client_removed(std::uint64_t id, const boost::system::error_code& why) override {
    GST_INFO("%s: client %" G_GUINT64_FORMAT " has gone: %s", place().c_str(), guint64{id},
             why.message().c_str());
    for (const auto& listener : listeners()) listener->on_client_removed(id, why);
  }

  void on_limit(relay::Limit limit, const std::string& who, std::uint64_t count) override {
    GST_WARNING("%s: %s went over the limit %s, the %" G_GUINT64_FORMAT ". time that somebody did",
                place().c_str(), who.c_str(), std::string(to_name(limit)).c_str(), guint64{count});
    for (const auto& listener : listeners()) listener->on_limit(limit, who, count);
  }

  void on_route(const relay::RouteStats& stats) override {
    using State = relay::RouteStats::State;
    const bool bad = stats.state == State::refused || stats.state == State::failed ||
                     stats.state == State::reconnecting;
    GST_CAT_LEVEL_LOG(GST_CAT_DEFAULT, bad ? GST_LEVEL_WARNING : GST_LEVEL_INFO, nullptr,
                      "%s: route %" G_GUINT64_FORMAT " %s %s is %s. %s", place().c_str(),
                      guint64{stats.id}, stats.forward ? "to" : "from", stats.url.c_str(),
                      std::string(to_name(stats.state)).c_str(), stats.reason.c_str());
    for (const auto& listener : listeners()) listener->on_route(stats);
  }

  void on_stream_published(const std::string& name) override {
    GST_INFO("%s: a publisher has come", place().c_str());
    for (const auto& listener : listeners()) listener->on_stream_published(name);
  }

  void on_stream_unpublished(const std::string& name) override {
    GST_INFO("%s: a publisher has gone", place().c_str());
    for (const auto& listener : listeners()) listener->on_stream_unpublished(name);
  }

  boost::system::error_code start() {
    const auto error = server.start();
    if (error) return error;
    port_ = server.port();
    listens_ = true;
    return {};
  }
  boost::system::error_code start_web(relay::Web::Settings settings) {
    web_ = std::make_unique<relay::Web>(
        server, std::move(settings),
        relay::Web::Orders{[this](rtmp::Duration time) { drain(time); },
                           [this] { return reload(); }});
    const auto error = web_->listen();
    if (!error) http_port_ = web_->port();
    return error;
  }
  // Whether the rules or the application have a say in who publishes.
  bool guards_publishing() const {
    const std::lock_guard lock(mutex_);
    return relay::guard_publishing(*server.settings()) ||
           std::ranges::any_of(emitters_, [](const auto& emitter) { return emitter->decides(); });
  }
  // From then on the place is free for another server.
  void drain(rtmp::Duration time) {
    server.drain(time);
    port_ = 0;
    listens_ = false;
  }
  // What these settings become with what the values say of the group; the fault leaves them as they
  // are.
  std::string change(const Group& group) {
    Server::Settings settings = *server.settings();
    std::string fault;
    group.add_to(settings, values, fault);
    if (fault.empty()) server.change(std::move(settings));
    return fault;
  }
  // Reads again what the properties name, for any thread; the faults.
  std::string reload();
  // Unlike the server's, for any thread.
  std::uint16_t port() const { return port_; }
  std::uint16_t http_port() const { return http_port_; }
  std::string place() const { return Place{address_, port_}.to_text(); }
  bool listens_at(const Place& place) const {
    return listens_ && address_ == place.address &&
           (!net::has_port(address_) || port_ == place.port);
  }

  Values values;              // what its elements have asked for. Under the registry's lock
  const std::string founder;  // who started it

 private:
  // One element after the other: the first refusal is the last word, of new names the first counts.
  static void ask(std::vector<std::shared_ptr<Emitter>> deciding, const relay::Request& request,
                  relay::Decision so_far, Decide decide) {
    if (deciding.empty()) {
      decide(std::move(so_far));
      return;
    }
    const auto next = std::move(deciding.back());
    deciding.pop_back();
    next->on_request(request, [deciding, request, so_far, decide](relay::Decision decision) {
      if (!so_far.rename.empty()) decision.rename = so_far.rename;
      ask(decision.allow ? deciding : decltype(deciding){}, request, std::move(decision), decide);
    });
  }

  // One after the other, until one knows.
  static void look_up(std::vector<std::shared_ptr<Emitter>> knowing, const std::string& user,
                      Tell tell) {
    if (knowing.empty()) {
      tell(std::nullopt);
      return;
    }
    const auto next = std::move(knowing.back());
    knowing.pop_back();
    next->on_password(user, [knowing, user, tell](std::optional<std::string> password) {
      password ? tell(std::move(password)) : look_up(knowing, user, tell);
    });
  }

  std::vector<std::shared_ptr<Emitter>> emitters() const {
    const std::lock_guard lock(mutex_);
    return emitters_;
  }

  std::vector<std::shared_ptr<relay::Observer>> listeners() const {
    const std::lock_guard lock(mutex_);
    return listeners_;
  }

  mutable std::mutex mutex_;  // guards these
  std::vector<std::shared_ptr<relay::Observer>> listeners_;
  std::vector<std::shared_ptr<Emitter>> emitters_;  // of the same, those of the elements' signals
  const std::string address_;
  std::atomic<std::uint16_t> port_ = 0;  // while it listens, if it has one
  std::atomic<bool> listens_ = false;
  std::atomic<std::uint16_t> http_port_ = 0;

 public:
  Server server;  // behind those that it calls until it has stopped

 private:
  std::unique_ptr<relay::Web> web_;  // behind the server, which it asks
};

// --- who shares what

// All elements of this process that are READY or more. Starting and stopping happen under the lock,
// so that a port is free again before somebody else wants it. Link::mutex_ is taken after it.
class Registry {
 public:
  using Refusal = Link::Refusal;

  static Registry& get() {
    static Registry registry;
    return registry;
  }

  void add(Link* link) {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(links_, link) == links_.end()) links_.push_back(link);
  }

  void remove(Link* link) {
    const std::lock_guard lock(mutex_);
    std::erase(links_, link);
  }

  std::optional<Refusal> open(Link& link, const std::shared_ptr<Party>& party) {
    const std::lock_guard lock(mutex_);
    if (auto conflict = conflict_between_elements(link)) return Refusal{.conflict = *conflict};
    if (const auto running = running_server(link)) {
      if (auto conflict = conflict_with(link, *running)) return Refusal{.conflict = *conflict};
      enter(link, party, running);
      return std::nullopt;
    }
    return start(link, party);
  }

  // The property of the link has changed: so do the server, if it can, and the other elements that
  // said something else. Answers why not, or nothing.
  std::string change(Link& link, const GParamSpec* spec) {
    const std::lock_guard lock(mutex_);
    const auto shared = server_of(link);
    const Values values = link.values();
    if (!shared || values.agrees(shared->values, spec->name)) return {};
    if (!(spec->flags & GST_PARAM_MUTABLE_PLAYING))
      return say(link, values, spec->name) + ", but its server runs: it counts from the next start";
    shared->values.take(values, spec->name);
    for (Link* other : companions(link))
      if (other->values().is_set(spec->name)) other->take(values, spec->name);
    const std::string fault = shared->change(group_of(spec->name));
    return fault.empty() ? "" : "The server goes on as before. " + fault;
  }

  // Reads again what the properties name. The faults, one after the other; what has one stays.
  std::string reload(const Link& link) {
    const std::lock_guard lock(mutex_);
    const auto shared = server_of(link);
    return shared ? reload_locked(*shared) : std::string();
  }

  // For one whom the owner of the lock may be waiting for.
  std::string try_reload(Shared& shared) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    return lock ? reload_locked(shared) : "The server is changing: try again.";
  }

  // Stops the server if nobody else has it. False if the link has none.
  bool close(Link& link) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Shared> shared;  // which ends here, before anybody else starts one on its port
    const std::lock_guard links(link.mutex_);
    if (!link.shared_) return false;
    link.last_stats_ = link.shared_->server.stats();
    link.leave_parties();
    shared = std::move(link.shared_);
    return true;
  }

 private:
  static std::string reload_locked(Shared& shared) {
    std::string faults;
    for (const Group& group : read_groups) {
      const std::string fault = shared.change(group);
      if (!fault.empty()) faults += (faults.empty() ? "" : " ") + fault;
    }
    return faults.empty() ? "" : "The server goes on as before. " + faults;
  }

  static std::shared_ptr<Shared> server_of(const Link& link) {
    const std::lock_guard lock(link.mutex_);
    return link.shared_;
  }

  static std::string say(const Link& link, const Values& values, const std::string& property) {
    return link.name() + " wants " + property + "=" + values.to_text(property.c_str());
  }

  std::shared_ptr<Shared> running_server(const Link& link) const {
    const Place place = link.values().place();
    if (!place.is_certain()) return nullptr;
    for (const Link* other : links_) {
      auto shared = server_of(*other);
      if (shared && shared->listens_at(place)) return shared;
    }
    return nullptr;
  }

  // The other elements that are, or will be, on the same server.
  std::vector<Link*> companions(const Link& link) const {
    const auto own = server_of(link);
    const auto running = own ? own : running_server(link);
    const Place place = link.values().place();
    std::vector<Link*> found;
    for (Link* other : links_) {
      if (other == &link) continue;
      const auto shared = server_of(*other);
      const bool same_place = place.is_certain() && other->values().place() == place;
      if (shared ? shared == running : same_place) found.push_back(other);
    }
    return found;
  }

  std::optional<std::string> conflict_between_elements(const Link& link) const {
    const Values values = link.values();
    for (const Link* other : companions(link)) {
      const Values theirs = other->values();
      for (const std::string& name : values.names_set())
        if (theirs.is_set(name.c_str()) && !values.agrees(theirs, name.c_str()))
          return say(*other, theirs, name) + " and " + say(link, values, name) +
                 " of the same server: set it on one of them, or to the same value";
    }
    return std::nullopt;
  }

  std::optional<std::string> conflict_with(const Link& link, const Shared& running) const {
    const Values values = link.values();
    for (const std::string& name : values.names_set())
      if (!values.agrees(running.values, name.c_str()))
        return say(link, values, name) + ", but " + running.founder +
               " has started the server with " + name + "=" + running.values.to_text(name.c_str()) +
               ": set it on " + running.founder + " as well, or start " + link.name() + " first";
    return std::nullopt;
  }

  std::optional<Refusal> start(Link& link, const std::shared_ptr<Party>& party) {
    Values values = link.values();
    for (const Link* other : companions(link)) values.merge(other->values());
    Server::Settings settings;
    std::string fault;
    settings.protocols = server_protocols::read(values, fault);
    if (fault.empty()) settings.swf = server_swf::read(values, fault);
    if (fault.empty()) settings.hooks = server_hooks::make(values, log_fault, fault);
    plain_group.add_to(settings, values, fault);
    for (const Group& group : read_groups)
      if (fault.empty()) group.add_to(settings, values, fault);
    if (fault.empty()) server_routes::add_to(settings, values, fault);
    if (!fault.empty()) return Refusal{.fault = fault};
    try {
      const auto shared = std::make_shared<Shared>(values, link.name(), std::move(settings));
      enter(link, party, shared);
      if (const auto error = shared->start()) {
        leave(link);
        return Refusal{.error = error, .occupant = occupant_of(values.place())};
      }
      const auto web = server_http::settings(values);
      if (const auto error = web ? shared->start_web(*web) : boost::system::error_code()) {
        leave(link);
        return Refusal{.error = error, .web = web};
      }
      log_start(*shared);
      if (web) log_web(*shared, *web);
      return std::nullopt;
    } catch (const std::system_error& error) {  // no more threads or descriptors
      leave(link);
      return Refusal{.error = error.code()};
    }
  }

  static void log_start(const Shared& shared) {
    GST_INFO("%s listens on %s", shared.founder.c_str(), shared.server.addresses().c_str());
    if (!is_loopback(shared.values.place().address) && !shared.guards_publishing())
      GST_WARNING(
          "%s can be reached from other machines, and everybody may publish: set "
          "access-rules, or handle authorize",
          shared.place().c_str());
  }

  static void log_web(const Shared& shared, const relay::Web::Settings& web) {
    GST_INFO("%s answers HTTP on port %u of %s", shared.place().c_str(), shared.http_port(),
             web.address.c_str());
    if (!is_loopback(web.address) && web.token.empty())
      GST_WARNING("the figures of %s can be read from other machines by everybody: set http-token",
                  shared.place().c_str());
  }

  static void enter(Link& link, const std::shared_ptr<Party>& party,
                    const std::shared_ptr<Shared>& shared) {
    {
      const std::lock_guard lock(link.mutex_);
      link.shared_ = shared;
      link.party_ = party;
    }
    shared->join(party, link.emitter_);
    if (party) party->on_joined(shared->server);
  }

  static void leave(Link& link) {
    const std::lock_guard lock(link.mutex_);
    link.leave_parties();
    link.shared_.reset();
  }

  std::string occupant_of(const Place& place) const {
    for (const Link* other : links_)
      if (const auto shared = server_of(*other);
          shared && place.port != 0 && shared->port() == place.port)
        return shared->founder + " at address " + shared->values.place().address;
    return {};
  }

  std::mutex mutex_;  // guards links_, and serialises starting and stopping
  std::vector<Link*> links_;
};

std::string Shared::reload() { return Registry::get().try_reload(*this); }

// --- an element's side

void init_log() {
  GST_DEBUG_CATEGORY_INIT(rtmp_server_debug, "rtmpservershared", 0,
                          "RTMP servers that elements share");
}

std::string stream_name(const char* text) {
  const std::string_view name = text ? text : "";
  const auto begin = std::min(name.find_first_not_of('/'), name.size());
  return std::string(name.substr(begin));
}

void post_publisher(GstElement* element, const std::string& name, const char* state) {
  GstStructure* structure = gst_structure_new("rtmp-publisher", "name", G_TYPE_STRING, name.c_str(),
                                              "state", G_TYPE_STRING, state, nullptr);
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), structure));
}

namespace {

GQuark link_quark() {
  static const GQuark quark = g_quark_from_static_string("rtmp-server-link");
  return quark;
}

gboolean kick(GstElement* element, guint64 id) {
  bool found = false;
  Link::of(element).with_server([&](Server& server) { found = server.kick(id); });
  return found;
}

guint drop_stream(GstElement* element, const gchar* name) {
  std::size_t count = 0;
  Link::of(element).with_server(
      [&](Server& server) { count = server.drop_stream(stream_name(name)); });
  return static_cast<guint>(count);
}

guint64 forward(GstElement* element, const gchar* name, const gchar* url) {
  std::uint64_t id = 0;
  Link::of(element).with_server(
      [&](Server& server) { id = server.forward(stream_name(name), url ? url : ""); });
  return id;
}

gboolean stop_forward(GstElement* element, guint64 id) {
  bool found = false;
  Link::of(element).with_server([&](Server& server) { found = server.stop_forward(id); });
  return found;
}

void drain(GstElement* element, guint64 ns) { Link::of(element).drain(ns); }

gboolean redirect(GstElement* element, guint64 id, const gchar* url) {
  bool told = false;
  Link::of(element).with_server(
      [&](Server& server) { told = server.redirect(id, url ? url : ""); });
  return told;
}

guint redirect_stream(GstElement* element, const gchar* name, const gchar* url) {
  std::size_t count = 0;
  Link::of(element).with_server(
      [&](Server& server) { count = server.redirect_stream(stream_name(name), url ? url : ""); });
  return static_cast<guint>(count);
}

void reopen_log(GstElement* element) {
  Link::of(element).with_server([](Server& server) {
    if (const auto log = server.settings()->access_log) log->reopen();
  });
}

gboolean reload(GstElement* element) { return Link::of(element).reload(); }

}  // namespace

void install(GObjectClass* klass) {
  server_properties::install(klass);
  server_signals::install(klass, {kick, drop_stream, drain, redirect, redirect_stream, reload,
                                  reopen_log, forward, stop_forward});
}

Link::Link(GstElement* element)
    : element_(element),
      emitter_(std::make_shared<server_signals::Emitter>(element)),
      values_(G_OBJECT_GET_CLASS(element)) {
  g_object_set_qdata(G_OBJECT(element), link_quark(), this);
}

Link& Link::of(GstElement* element) {
  return *static_cast<Link*>(g_object_get_qdata(G_OBJECT(element), link_quark()));
}

// The lock keeps the server: whoever asks must never be the one who stops it.
void Link::with_server(const std::function<void(Server&)>& act) const {
  const std::lock_guard lock(mutex_);
  if (shared_) act(shared_->server);
}

void Link::drain(guint64 ns) {
  const auto time = std::chrono::nanoseconds(std::min<guint64>(ns, longest_drain));
  {
    const std::lock_guard lock(mutex_);
    if (!shared_) return;
    shared_->drain(time);
  }
  g_object_notify(G_OBJECT(element_), "current-port");
}

Link::~Link() { withdraw(); }

bool Link::set_property(guint id, const GValue* value, const GParamSpec* spec) {
  if (id >= server_properties::first_of_element) return false;
  bool runs = false;
  {
    const std::lock_guard lock(mutex_);
    values_.set(spec, value);
    runs = shared_ != nullptr;
  }
  if (runs) warn(Registry::get().change(*this, spec));
  return true;
}

bool Link::reload() {
  const std::string faults = Registry::get().reload(*this);
  warn(faults);
  return faults.empty();
}

void Link::take(const Values& values, const char* property) {
  const std::lock_guard lock(mutex_);
  values_.take(values, property);
}

void Link::warn(const std::string& text) {
  if (!text.empty())
    GST_ELEMENT_WARNING(element_, RESOURCE, SETTINGS, ("%s", text.c_str()), (nullptr));
}

bool Link::get_property(guint id, GValue* value, const GParamSpec* spec) const {
  if (id >= server_properties::first_of_element) return false;
  if (id == server_properties::current_port) {
    g_value_set_uint(value, current_port());
  } else if (id == server_properties::current_http_port) {
    g_value_set_uint(value, current_http_port());
  } else if (id == server_properties::stats) {
    g_value_take_boxed(value, stats());
  } else {
    values().get(spec, value);
  }
  return true;
}

void Link::declare() { Registry::get().add(this); }

void Link::withdraw() {
  close();
  Registry::get().remove(this);
}

bool Link::open(std::shared_ptr<Party> party) {
  if (const auto refusal = Registry::get().open(*this, party)) {
    post(*refusal);
    return false;
  }
  notify_ports();
  return true;
}

void Link::close() {
  if (Registry::get().close(*this)) notify_ports();
}

void Link::notify_ports() {
  g_object_notify(G_OBJECT(element_), "current-port");
  g_object_notify(G_OBJECT(element_), "current-http-port");
}

// With the lock held.
void Link::leave_parties() {
  if (!shared_) return;
  shared_->leave(party_, emitter_);
  party_.reset();
}

relay::Server& Link::server() const {
  const std::lock_guard lock(mutex_);
  assert(shared_);
  return shared_->server;
}

std::string Link::name() const {
  gchar* name = gst_object_get_name(GST_OBJECT(element_));
  const std::string copy = name;
  g_free(name);
  return copy;
}

std::string Link::place() const {
  const std::lock_guard lock(mutex_);
  return shared_ ? shared_->place() : values_.place().to_text();
}

Values Link::values() const {
  const std::lock_guard lock(mutex_);
  return values_;
}

std::uint16_t Link::current_port() const {
  const std::lock_guard lock(mutex_);
  return shared_ ? shared_->port() : std::uint16_t{0};
}

std::uint16_t Link::current_http_port() const {
  const std::lock_guard lock(mutex_);
  return shared_ ? shared_->http_port() : std::uint16_t{0};
}

GstStructure* Link::stats() const {
  const std::lock_guard lock(mutex_);
  return server_stats::to_structure(shared_ ? shared_->server.stats() : last_stats_);
}

void Link::post_without_port(const std::string& address, const boost::system::error_code& error) {
  const std::string reason = error.message();
  if (error == boost::system::errc::address_in_use) {
    GST_ELEMENT_ERROR(element_, RESOURCE, BUSY,
                      ("%s is in use by another program, or is no socket: choose another with "
                       "address=",
                       address.c_str()),
                      ("%s", reason.c_str()));
  } else if (address.starts_with("systemd")) {
    GST_ELEMENT_ERROR(element_, RESOURCE, OPEN_READ_WRITE,
                      ("There is no listening stream socket from systemd for address=%s (%s): "
                       "start the program by its .socket unit, whose FileDescriptorName= is what "
                       "follows systemd:",
                       address.c_str(), reason.c_str()),
                      (nullptr));
  } else {
    GST_ELEMENT_ERROR(element_, RESOURCE, OPEN_READ_WRITE,
                      ("Cannot listen on %s (%s): choose a path in a folder where files may be "
                       "made with address=unix:",
                       address.c_str(), reason.c_str()),
                      (nullptr));
  }
}

void Link::post(const Refusal& refusal) {
  const Place wanted = values().place();
  const std::string& address = wanted.address;
  const std::string port = std::to_string(wanted.port);
  const std::string reason = refusal.error.message();
  if (!refusal.conflict.empty()) {
    GST_ELEMENT_ERROR(element_, RESOURCE, SETTINGS, ("%s", refusal.conflict.c_str()), (nullptr));
  } else if (refusal.web) {
    server_http::post(element_, *refusal.web, refusal.error);
  } else if (!refusal.fault.empty()) {
    GST_ELEMENT_ERROR(element_, RESOURCE, SETTINGS, ("%s", refusal.fault.c_str()), (nullptr));
  } else if (!net::has_port(address)) {
    post_without_port(address, refusal.error);
  } else if (!refusal.occupant.empty()) {
    GST_ELEMENT_ERROR(element_, RESOURCE, BUSY,
                      ("Port %s of %s is in use by %s: give both the same address, or choose "
                       "another port with port=",
                       port.c_str(), address.c_str(), refusal.occupant.c_str()),
                      ("%s", reason.c_str()));
  } else if (refusal.error == boost::system::errc::address_in_use) {
    GST_ELEMENT_ERROR(element_, RESOURCE, BUSY,
                      ("Port %s of %s is in use by another program: choose another with port=, or "
                       "0 for any free one",
                       port.c_str(), address.c_str()),
                      ("%s", reason.c_str()));
  } else if (refusal.error == boost::system::errc::permission_denied) {
    GST_ELEMENT_ERROR(element_, RESOURCE, OPEN_READ_WRITE,
                      ("Port %s of %s needs a privilege (CAP_NET_BIND_SERVICE): choose one from "
                       "1024 on with port=, or grant it",
                       port.c_str(), address.c_str()),
                      ("%s", reason.c_str()));
  } else {
    GST_ELEMENT_ERROR(element_, RESOURCE, OPEN_READ_WRITE,
                      ("Cannot listen on port %s of %s (%s): choose an address of this machine "
                       "with address=",
                       port.c_str(), address.c_str(), reason.c_str()),
                      (nullptr));
  }
}

}  // namespace shared_server
