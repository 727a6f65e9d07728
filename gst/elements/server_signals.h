// The signals that all elements of a server have, and the actions that an application asks for.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "elements/element_calls.h"
#include "relay/server.h"

namespace server_signals {

// What an action does to an element.
struct Actions {
  gboolean (*kick)(GstElement*, guint64 id);
  guint (*drop_stream)(GstElement*, const gchar* name);
  void (*drain)(GstElement*, guint64 ns);
  gboolean (*redirect)(GstElement*, guint64 id, const gchar* url);
  guint (*redirect_stream)(GstElement*, const gchar* name, const gchar* url);
  gboolean (*reload)(GstElement*);
  void (*reopen_log)(GstElement*);
  guint64 (*forward)(GstElement*, const gchar* name, const gchar* url);
  gboolean (*stop_forward)(GstElement*, guint64 id);
};

// On the element's class. The same for all classes.
void install(GObjectClass* klass, const Actions& actions);

// Tells the element's handlers what happens at its server, on threads where they may take their
// time.
class Emitter final : public relay::Observer {
 public:
  explicit Emitter(GstElement* element) : calls_(std::make_shared<ElementCalls>(element)) {}

  // Whether the application wants to decide.
  bool decides() const override;
  // Or knows passwords.
  bool knows_passwords() const;
  void on_request(const relay::Request& request,
                  std::function<void(relay::Decision)> decide) override;
  void on_password(const std::string& user,
                   std::function<void(std::optional<std::string>)> tell) override;
  void on_client_added(std::uint64_t id, const std::string& address) override;
  void on_client_removed(std::uint64_t id, const boost::system::error_code& why) override;
  void on_limit(relay::Limit limit, const std::string& who, std::uint64_t count) override;
  void on_route(const relay::RouteStats& stats) override;
  void on_stream_published(const std::string& name) override;
  void on_stream_unpublished(const std::string& name) override;

 private:
  bool handles(const char* signal) const;
  bool ask(std::function<void(GstElement*)> question);

  std::shared_ptr<ElementCalls> calls_;
};

}  // namespace server_signals
