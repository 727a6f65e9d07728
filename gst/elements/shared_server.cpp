// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/shared_server.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <system_error>
#include <vector>

#include "elements/server_hooks.h"
#include "elements/server_http.h"
#include "elements/server_protocols.h"
#include "elements/server_routes.h"
#include "elements/server_stats.h"
#include "elements/server_swf.h"
#include "elements/shared.h"
#include "relay/admission.h"

GST_DEBUG_CATEGORY(rtmp_server_debug);

namespace shared_server {
namespace {

constexpr guint64 longest_drain = 24 * 3600 * GST_SECOND;

// What systemd has opened may be anything.
bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.") ||
         address.starts_with("unix:");
}

}  // namespace

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
    const std::string fault = shared->change(server_groups::group_of(spec->name));
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
    for (const auto& group : server_groups::read_groups()) {
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
    server_protocols::read(values, settings, fault);
    if (fault.empty()) settings.swf = server_swf::read(values, fault);
    if (fault.empty()) settings.hooks = server_hooks::make(values, server_groups::log_fault, fault);
    server_groups::plain_group().add_to(settings, values, fault);
    for (const auto& group : server_groups::read_groups())
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
