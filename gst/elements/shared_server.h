// One server for all elements of the process that name its address and port.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <mutex>
#include <string>

#include "elements/server_properties.h"
#include "elements/server_signals.h"
#include "relay/server.h"
#include "relay/web.h"

namespace shared_server {

// "app/stream" as users write it: with slashes before it or without; null is empty.
std::string stream_name(const char* text);

// The element message `rtmp-publisher`: `name` ("app/stream") and `state` ("published" or
// "unpublished").
void post_publisher(GstElement* element, const std::string& name, const char* state);

// Properties, signals and actions, on the class of an element that has a Link.
void install(GObjectClass* klass);

// An element's ear at its server. Calls come on the server's threads, also shortly after the
// element has left.
class Party : public relay::Observer {
 public:
  // The element has joined; if it is the first, before the server listens.
  virtual void on_joined(relay::Server&) {}
};

class Shared;

// Once, before any element is made.
void init_log();

// An element's membership: its server properties, and the server while it has one. State changes
// call declare(), open(), close() and withdraw(); properties come from any thread.
class Link {
 public:
  explicit Link(GstElement* element);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // False if the property is the element's own.
  bool set_property(guint id, const GValue* value, const GParamSpec* spec);
  bool get_property(guint id, GValue* value, const GParamSpec* spec) const;

  // NULL -> READY: from now on the element's settings count for whoever starts the server.
  void declare();
  // READY -> PAUSED: joins the server or starts it. Posts the error if that fails.
  bool open(std::shared_ptr<Party> party);
  // PAUSED -> READY: leaves; the last one stops the server. Not from one of its threads.
  void close();
  // READY -> NULL; leaves as well, should a state change have failed.
  void withdraw();

  // The link of an element, for actions.
  static Link& of(GstElement* element);
  // Reads rules and certificates again. What has a fault stays as it was, and a warning is posted;
  // false then.
  bool reload();
  // Does it to the server, if there is one.
  void with_server(const std::function<void(relay::Server&)>& act) const;
  // Ends the server within that time, in ns; the element stays as it is.
  void drain(guint64 ns);

  // Between open() and close().
  relay::Server& server() const;
  std::string place() const;  // "localhost:1935"

 private:
  friend class Registry;

  struct Refusal {
    std::string conflict = {};             // of properties; or
    boost::system::error_code error = {};  // the operating system's
    std::string occupant = {};             // who of this process has the port at another address
    std::string fault = {};                // of what the settings name
    std::optional<relay::Web::Settings> web = {};  // whose the error is, if not the server's
  };

  std::string name() const;
  server_properties::Values values() const;
  std::uint16_t current_port() const;
  std::uint16_t current_http_port() const;
  void notify_ports();
  GstStructure* stats() const;
  void post(const Refusal& refusal);
  void post_without_port(const std::string& address, const boost::system::error_code& error);
  void warn(const std::string& text);  // of nothing, if it is empty
  void take(const server_properties::Values& values, const char* property);
  void leave_parties();

  GstElement* const element_;
  const std::shared_ptr<server_signals::Emitter> emitter_;
  mutable std::mutex mutex_;  // guards what follows
  server_properties::Values values_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Party> party_;  // may be null
  relay::Server::Stats last_stats_;
};

}  // namespace shared_server
