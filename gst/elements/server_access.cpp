// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_access.h"

namespace server_access {
namespace {

constexpr auto flags =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

const gchar* text(const server_properties::Values& values, const char* name) {
  const gchar* text = g_value_get_string(values.find(name));
  return text ? text : "";
}

std::string read_file(const gchar* path, std::string& fault) {
  gchar* content = nullptr;
  gsize size = 0;
  GError* error = nullptr;
  if (!g_file_get_contents(path, &content, &size, &error)) {
    fault = std::string("The access rules cannot be read: ") + error->message;
    g_error_free(error);
    return {};
  }
  const std::string copy(content, size);
  g_free(content);
  return copy + "\n";
}

}  // namespace

void install(const std::function<void(GParamSpec*)>& add) {
  /**
   * GstRtmpServer:access-rules:
   *
   * Who may publish and play: rules `allow|deny publish|play|all [PATTERN] [from NETWORK,...]`,
   * each on a line or behind a semicolon. PATTERN is `app/stream` with `*` and `?`, NETWORK an
   * address, one with the length of its prefix, or `local`. The first rule that fits decides; where
   * none does, everything is allowed. What the rules allow #GstRtmpServer::authorize is asked for.
   */
  add(g_param_spec_string("access-rules", "Access rules",
                          "Who may publish and play: allow|deny publish|play|all [app/stream] "
                          "[from network,...]; the first rule that fits decides",
                          nullptr, flags));
  /**
   * GstRtmpServer:access-rules-file:
   *
   * A file with such rules. They come before those of #GstRtmpServer:access-rules.
   */
  add(g_param_spec_string("access-rules-file", "Access rules file",
                          "File with access rules, which come before those of access-rules",
                          nullptr, flags));
}

relay::AccessRules make(const server_properties::Values& values, std::string& fault) {
  const gchar* path = text(values, "access-rules-file");
  std::string rules = *path ? read_file(path, fault) : std::string();
  rules += text(values, "access-rules");
  if (!fault.empty()) return {};
  return relay::AccessRules::read(rules, fault).value_or(relay::AccessRules());
}

}  // namespace server_access
