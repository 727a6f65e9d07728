// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_signals.h"

#include "elements/server_routes.h"

namespace server_signals {
namespace {

using relay::Decision;
using relay::Request;

constexpr char authorize[] = "authorize", lookup_password[] = "lookup-password",
               client_added[] = "client-added", client_removed[] = "client-removed",
               stream_added[] = "stream-added", stream_removed[] = "stream-removed";

// Of handlers of authorize that take their time at once; others wait for one of them to return.
constexpr int max_deciding = 32;

const char* to_string(Request::Action action) {
  switch (action) {
    case Request::Action::connect:
      return "connect";
    case Request::Action::publish:
      return "publish";
    case Request::Action::play:
      return "play";
  }
  return "";
}

GstStructure* to_structure(const Request& request) {
  return gst_structure_new(
      "rtmp-request", "action", G_TYPE_STRING, to_string(request.action), "id", G_TYPE_UINT64,
      guint64{request.client_id}, "address", G_TYPE_STRING, request.address.c_str(), "app",
      G_TYPE_STRING, request.app.c_str(), "app-query", G_TYPE_STRING, request.app_query.c_str(),
      "stream", G_TYPE_STRING, request.stream.c_str(), "query", G_TYPE_STRING,
      request.query.c_str(), "tc-url", G_TYPE_STRING, request.tc_url.c_str(), "page-url",
      G_TYPE_STRING, request.page_url.c_str(), "swf-url", G_TYPE_STRING, request.swf_url.c_str(),
      "flash-version", G_TYPE_STRING, request.flash_version.c_str(), "user", G_TYPE_STRING,
      request.user.c_str(), nullptr);
}

std::string text(const GstStructure* structure, const char* field) {
  const gchar* text = gst_structure_get_string(structure, field);
  return text ? text : "";
}

// A boolean, or a structure with `allow`, `reason` and `stream`. What is neither allows nothing.
Decision to_decision(const GValue* answer) {
  Decision decision{.allow = false, .reason = "Not allowed."};
  if (answer && G_VALUE_HOLDS_BOOLEAN(answer)) {
    decision.allow = g_value_get_boolean(answer);
  } else if (answer && GST_VALUE_HOLDS_STRUCTURE(answer) && gst_value_get_structure(answer)) {
    const GstStructure* structure = gst_value_get_structure(answer);
    gboolean allow = FALSE;
    decision.allow = gst_structure_get_boolean(structure, "allow", &allow) && allow;
    if (const std::string reason = text(structure, "reason"); !reason.empty())
      decision.reason = reason;
    decision.rename = text(structure, "stream");
  }
  return decision;
}

gboolean first_password(GSignalInvocationHint*, GValue* result, const GValue* answer, gpointer) {
  g_value_copy(answer, result);
  return !g_value_get_string(answer);
}

const GValue* answer_in(const GValue* result) {
  return static_cast<const GValue*>(g_value_get_boxed(result));
}

// Of several handlers the first that refuses has the last word.
gboolean collect_answers(GSignalInvocationHint*, GValue* result, const GValue* answer, gpointer) {
  g_value_copy(answer, result);
  return to_decision(answer_in(answer)).allow;
}

Decision ask_handlers(GstElement* element, const Request& request) {
  GstStructure* structure = to_structure(request);
  GValue parameters[2] = {G_VALUE_INIT, G_VALUE_INIT};
  g_value_init(&parameters[0], G_OBJECT_TYPE(element));
  g_value_set_object(&parameters[0], element);
  g_value_init(&parameters[1], GST_TYPE_STRUCTURE);
  g_value_take_boxed(&parameters[1], structure);
  GValue result = G_VALUE_INIT;
  g_value_init(&result, G_TYPE_VALUE);
  g_signal_emitv(parameters, g_signal_lookup(authorize, G_OBJECT_TYPE(element)), 0, &result);
  const Decision decision = to_decision(answer_in(&result));
  g_value_unset(&result);
  for (GValue& parameter : parameters) g_value_unset(&parameter);
  return decision;
}

std::optional<std::string> ask_for_password(GstElement* element, const std::string& user) {
  gchar* password = nullptr;
  g_signal_emit_by_name(element, lookup_password, user.c_str(), &password);
  if (!password) return std::nullopt;
  const std::string copy = password;
  g_free(password);
  return copy;
}

// What handlers are asked, in a thread of its own.
struct Question {
  GstElement* element;
  std::function<void(GstElement*)> ask;
};

GThreadPool* deciding_threads() {
  static GThreadPool* const pool = g_thread_pool_new(
      [](gpointer data, gpointer) {
        const std::unique_ptr<Question> question(static_cast<Question*>(data));
        question->ask(question->element);
        gst_object_unref(question->element);
      },
      nullptr, max_deciding, FALSE, nullptr);
  return pool;
}

bool has_handler(GstElement* element, const char* name) {
  const guint id = g_signal_lookup(name, G_OBJECT_TYPE(element));
  return g_signal_has_handler_pending(element, id, 0, FALSE);
}

void add(GType type, const char* name, std::initializer_list<GType> parameters) {
  g_signal_newv(name, type, G_SIGNAL_RUN_LAST, nullptr, nullptr, nullptr, nullptr, G_TYPE_NONE,
                static_cast<guint>(parameters.size()), const_cast<GType*>(parameters.begin()));
}

void add_action(GType type, const char* name, GCallback action, GType result,
                std::initializer_list<GType> parameters) {
  const auto flags = static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION);
  GClosure* closure = g_cclosure_new(action, nullptr, nullptr);
  g_signal_newv(name, type, flags, closure, nullptr, nullptr, nullptr, result,
                static_cast<guint>(parameters.size()), const_cast<GType*>(parameters.begin()));
}

}  // namespace

void install(GObjectClass* klass, const Actions& actions) {
  const GType type = G_TYPE_FROM_CLASS(klass);
  /**
   * GstRtmpServer::authorize:
   * @element: the element
   * @request: a structure `rtmp-request` with `action` ("connect", "publish" or "play"), `id` of
   *   the client (#guint64) and the strings `address`, `app`, `app-query`, `stream` and `query`
   *   (empty with "connect"), `tc-url`, `page-url`, `swf-url`, `flash-version`, and `user` (who has
   *   logged in or is named by a token; empty if nobody is)
   *
   * Decides what a client may do, which waits for the answer. It is asked on a thread of its own,
   * which may take its time; after #GstRtmpServer:authorize-timeout the client is refused. Without
   * a handler everything is allowed; of several the first that refuses decides.
   *
   * Returns: (transfer full): a value with a boolean, or with a #GstStructure with `allow`
   *   (boolean), `reason` (string: what a refused client is told) and `stream` (string: another
   *   stream, "app/stream", to publish to or to play instead)
   */
  const GType request_type = GST_TYPE_STRUCTURE | G_SIGNAL_TYPE_STATIC_SCOPE;
  g_signal_new(authorize, type, G_SIGNAL_RUN_LAST, 0, collect_answers, nullptr, nullptr,
               G_TYPE_VALUE, 1, request_type);
  /**
   * GstRtmpServer::lookup-password:
   * @element: the element
   * @user: the name under which a client wants to log in
   *
   * Tells the password of a user whom #GstRtmpServer:password-file does not know. It is asked on a
   * thread of its own, as #GstRtmpServer::authorize is. Of several handlers the first that knows
   * the user answers.
   *
   * Returns: (transfer full) (nullable): the password, or %NULL if there is no such user
   */
  g_signal_new(lookup_password, type, G_SIGNAL_RUN_LAST, 0, first_password, nullptr, nullptr,
               G_TYPE_STRING, 1, G_TYPE_STRING);
  /**
   * GstRtmpServer::client-added:
   * @element: the element
   * @id: the client's number
   * @address: where it comes from, with port
   *
   * A connection was accepted.
   */
  add(type, client_added, {G_TYPE_UINT64, G_TYPE_STRING});
  /**
   * GstRtmpServer::client-removed:
   * @element: the element
   * @id: the client's number
   * @reason: why it ended
   *
   * A connection is over.
   */
  add(type, client_removed, {G_TYPE_UINT64, G_TYPE_STRING});
  /**
   * GstRtmpServer::stream-added:
   * @element: the element
   * @name: "app/stream"
   *
   * A publisher has come.
   */
  add(type, stream_added, {G_TYPE_STRING});
  /**
   * GstRtmpServer::stream-removed:
   * @element: the element
   * @name: "app/stream"
   *
   * The stream's publisher has gone.
   */
  add(type, stream_removed, {G_TYPE_STRING});
  /**
   * GstRtmpServer::kick:
   * @element: the element
   * @id: a client's number
   *
   * Action: ends that client's connection.
   *
   * Returns: whether there was such a client
   */
  add_action(type, "kick", G_CALLBACK(actions.kick), G_TYPE_BOOLEAN, {G_TYPE_UINT64});
  /**
   * GstRtmpServer::drop-stream:
   * @element: the element
   * @name: "app/stream"
   *
   * Action: ends the connections that publish or play that stream.
   *
   * Returns: how many there were
   */
  add_action(type, "drop-stream", G_CALLBACK(actions.drop_stream), G_TYPE_UINT, {G_TYPE_STRING});
  /**
   * GstRtmpServer::drain:
   * @element: the element
   * @timeout: in nanoseconds
   *
   * Action: takes no new clients, tells those that understand it to connect again (ReconnectRequest
   * of Enhanced RTMP), and ends after that time those that are left. It returns at once.
   */
  add_action(type, "drain", G_CALLBACK(actions.drain), G_TYPE_NONE, {G_TYPE_UINT64});
  /**
   * GstRtmpServer::forward:
   * @element: the element
   * @name: "app/stream", which may have `*` and `?`
   * @url: where to, as in #GstRtmpServer:forward
   *
   * Action: streams that fit go to that server as well, from now on.
   *
   * Returns: a number for #GstRtmpServer::stop-forward; 0 if the URL cannot be used
   */
  add_action(type, "forward", G_CALLBACK(actions.forward), G_TYPE_UINT64,
             {G_TYPE_STRING, G_TYPE_STRING});
  /**
   * GstRtmpServer::stop-forward:
   * @element: the element
   * @id: a number that #GstRtmpServer::forward returned, or of one of the `forwards` in
   *   #GstRtmpServer:stats
   *
   * Action: ends it, as if the publisher ended.
   *
   * Returns: whether there was such a forward
   */
  add_action(type, "stop-forward", G_CALLBACK(actions.stop_forward), G_TYPE_BOOLEAN,
             {G_TYPE_UINT64});
  /**
   * GstRtmpServer::redirect:
   * @element: the element
   * @id: a client's number
   * @url: where the client is to connect to, a tcUrl ("rtmp://host/app"); empty: to the same again
   *
   * Action: asks that client to go on at another server, by ReconnectRequest of Enhanced RTMP. A
   * client that did not say that it understands it is left as it is.
   *
   * Returns: whether there was such a client, and it was asked
   */
  add_action(type, "redirect", G_CALLBACK(actions.redirect), G_TYPE_BOOLEAN,
             {G_TYPE_UINT64, G_TYPE_STRING});
  /**
   * GstRtmpServer::redirect-stream:
   * @element: the element
   * @name: "app/stream"
   * @url: as with #GstRtmpServer::redirect
   *
   * Action: asks all clients that publish or play that stream to go on at another server.
   *
   * Returns: how many were asked
   */
  add_action(type, "redirect-stream", G_CALLBACK(actions.redirect_stream), G_TYPE_UINT,
             {G_TYPE_STRING, G_TYPE_STRING});
  /**
   * GstRtmpServer::reload:
   * @element: the element
   *
   * Action: reads again the files that properties name, #GstRtmpServer:access-rules-file,
   * #GstRtmpServer:password-file and the certificates, and opens #GstRtmpServer:access-log again.
   * Clients that are there go on. What cannot be used leaves in force what was there before, and is
   * told by a warning message.
   *
   * Returns: whether all could be used
   */
  add_action(type, "reload", G_CALLBACK(actions.reload), G_TYPE_BOOLEAN, {});
  /**
   * GstRtmpServer::reopen-log:
   * @element: the element
   *
   * Action: opens #GstRtmpServer:access-log again, after it was renamed.
   */
  add_action(type, "reopen-log", G_CALLBACK(actions.reopen_log), G_TYPE_NONE, {});
}

bool Emitter::decides() const { return handles(authorize); }

bool Emitter::knows_passwords() const { return handles(lookup_password); }

bool Emitter::handles(const char* signal) const {
  GstElement* element = calls_->element();
  const bool handles = element && has_handler(element, signal);
  if (element) gst_object_unref(element);
  return handles;
}

void Emitter::on_request(const Request& request, std::function<void(Decision)> decide) {
  const bool asked =
      ask([request, decide](GstElement* element) { decide(ask_handlers(element, request)); });
  if (!asked) decide({.allow = false, .reason = "The server is about to stop."});
}

void Emitter::on_password(const std::string& user,
                          std::function<void(std::optional<std::string>)> tell) {
  const bool asked =
      ask([user, tell](GstElement* element) { tell(ask_for_password(element, user)); });
  if (!asked) tell(std::nullopt);
}

// False if the element is gone.
bool Emitter::ask(std::function<void(GstElement*)> question) {
  GstElement* element = calls_->element();
  if (!element) return false;
  g_thread_pool_push(deciding_threads(), new Question{element, std::move(question)}, nullptr);
  return true;
}

// Many come and go: where nobody listens no thread is woken for them.
void Emitter::on_client_added(std::uint64_t id, const std::string& address) {
  if (!handles(client_added)) return;
  calls_->post([id, address](GstElement* element) {
    g_signal_emit_by_name(element, client_added, guint64{id}, address.c_str());
  });
}

void Emitter::on_client_removed(std::uint64_t id, const boost::system::error_code& why) {
  if (!handles(client_removed)) return;
  calls_->post([id, reason = why.message()](GstElement* element) {
    g_signal_emit_by_name(element, client_removed, guint64{id}, reason.c_str());
  });
}

void Emitter::on_limit(relay::Limit limit, const std::string& who, std::uint64_t count) {
  calls_->post([name = std::string(to_name(limit)), who, count](GstElement* element) {
    GstStructure* structure =
        gst_structure_new("rtmp-limit", "limit", G_TYPE_STRING, name.c_str(), "peer", G_TYPE_STRING,
                          who.c_str(), "count", G_TYPE_UINT64, guint64{count}, nullptr);
    gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), structure));
  });
}

void Emitter::on_route(const relay::RouteStats& stats) {
  calls_->post([stats](GstElement* element) {
    GstStructure* structure =
        server_routes::to_structure(stats.forward ? "rtmp-forward" : "rtmp-pull", stats);
    gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), structure));
  });
}

void Emitter::on_stream_published(const std::string& name) {
  calls_->post(
      [name](GstElement* element) { g_signal_emit_by_name(element, stream_added, name.c_str()); });
}

void Emitter::on_stream_unpublished(const std::string& name) {
  calls_->post([name](GstElement* element) {
    g_signal_emit_by_name(element, stream_removed, name.c_str());
  });
}

}  // namespace server_signals
