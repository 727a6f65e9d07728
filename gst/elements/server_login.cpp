// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_login.h"

#include "elements/server_access.h"
#include "relay/passwords.h"

namespace server_login {
namespace {

using rtmp::auth::Mode;
using server_properties::changeable;

/**
 * GstRtmpServerAuthmod:
 * @none: clients do not log in
 * @adobe: as Adobe's server asks for it
 * @llnw: as Limelight's does
 *
 * How clients log in.
 */
GType authmod_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(Mode::none), "Clients do not log in", "none"},
      {static_cast<int>(Mode::adobe), "As Adobe's server asks for it", "adobe"},
      {static_cast<int>(Mode::llnw), "As Limelight's does", "llnw"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstRtmpServerAuthmod", values);
  return type;
}

}  // namespace

void install(const std::function<void(GParamSpec*)>& add) {
  gst_type_mark_as_plugin_api(authmod_type(), static_cast<GstPluginAPIFlags>(0));
  /**
   * GstRtmpServer:authmod:
   *
   * How clients log in with a name and a password, which encoders have fields for, or write as
   * `rtmp://user:password@host/...`. The password itself does not travel.
   */
  add(g_param_spec_enum("authmod", "Authentication", "How clients log in with name and password",
                        authmod_type(), static_cast<int>(Mode::none), changeable));
  /**
   * GstRtmpServer:authmod-for:
   *
   * What clients must log in for, if there is an #GstRtmpServer:authmod. Whether a client wants to
   * publish is not known when it connects: one that looks as if is asked then; one that does not
   * and has not logged in is refused when it publishes.
   */
  add(g_param_spec_enum("authmod-for", "Authentication for", "What clients must log in for",
                        server_access::wishes_type(), static_cast<int>(relay::Wishes::publish),
                        changeable));
  /**
   * GstRtmpServer:password-file:
   *
   * A file with lines `user:password` of those who may log in; lines that begin with `#` do not
   * count. When it changes, its new content is used. Nobody else should be able to read it.
   */
  add(g_param_spec_string("password-file", "Password file",
                          "File with lines user:password of those who may log in", nullptr,
                          changeable));
}

bool has(std::string_view property) {
  return property.starts_with("authmod") || property == "password-file";
}

void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::function<void(const std::string&)> on_reload, std::string& fault) {
  settings.authmod = static_cast<Mode>(g_value_get_enum(values.find("authmod")));
  settings.login_for = static_cast<relay::Wishes>(g_value_get_enum(values.find("authmod-for")));
  const gchar* path = g_value_get_string(values.find("password-file"));
  settings.passwords = path && *path ? relay::PasswordFile::open(path, on_reload, fault) : nullptr;
}

}  // namespace server_login
