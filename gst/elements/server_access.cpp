// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_access.h"

namespace server_access {
namespace {

using server_properties::changeable;

std::string read_file(const std::string& path, std::string& fault) {
  gchar* content = nullptr;
  gsize size = 0;
  GError* error = nullptr;
  if (!g_file_get_contents(path.c_str(), &content, &size, &error)) {
    fault = std::string("The access rules cannot be read: ") + error->message;
    g_error_free(error);
    return {};
  }
  const std::string copy(content, size);
  g_free(content);
  return copy + "\n";
}

}  // namespace

/**
 * GstRtmpServerWishes:
 * @all: to publish and to play
 * @publish: to publish
 * @play: to play
 *
 * What something is asked for.
 */
GType wishes_type() {
  using relay::Wishes;
  static const GEnumValue values[] = {
      {static_cast<int>(Wishes::all), "To publish and to play", "all"},
      {static_cast<int>(Wishes::publish), "To publish", "publish"},
      {static_cast<int>(Wishes::play), "To play", "play"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstRtmpServerWishes", values);
  return type;
}

void install(const std::function<void(GParamSpec*)>& add) {
  /**
   * GstRtmpServer:access-rules:
   *
   * Who may publish and play: rules `allow|deny publish|play|all [PATTERN] [user NAME,...]
   * [from NETWORK,...]`, each on a line or behind a semicolon. PATTERN is `app/stream` with `*` and
   * `?`, NAME with the same that of somebody who has logged in or shows a token, NETWORK an
   * address, one with the length of its prefix, or `local`. The first rule that fits decides; where
   * none does, everything is allowed. `rename publish|play|all PATTERN to STREAM [user ...] [from
   * ...]` allows, under another name. What the rules allow #GstRtmpServer::authorize is asked for.
   */
  add(g_param_spec_string("access-rules", "Access rules",
                          "Who may publish and play: allow|deny publish|play|all [app/stream] "
                          "[user name,...] [from network,...], or rename publish|play|all "
                          "app/stream to app/stream; the first rule that fits decides",
                          nullptr, changeable));
  /**
   * GstRtmpServer:access-rules-file:
   *
   * A file with such rules. They come before those of #GstRtmpServer:access-rules.
   */
  add(g_param_spec_string("access-rules-file", "Access rules file",
                          "File with access rules, which come before those of access-rules",
                          nullptr, changeable));
  /**
   * GstRtmpServer:url-secret:
   *
   * If it is set, streams are published and played by signed addresses alone, which are good until
   * a time: `?expires=E&md5=M` as nginx's secure_link makes them, M being the MD5 of E,
   * "/app/stream ", and the secret, in base64url; or `?expires=E&hmac=H`, H being the HMAC-SHA256
   * by the secret of "/app/stream?expires=E", in hexadecimal. E is in seconds since 1970.
   */
  add(g_param_spec_string("url-secret", "Secret of signed addresses",
                          "What the queries of streams must be signed with (unset = they need not "
                          "be signed)",
                          nullptr, changeable));
  gst_type_mark_as_plugin_api(wishes_type(), static_cast<GstPluginAPIFlags>(0));
  /**
   * GstRtmpServer:signed-urls:
   *
   * What an address must be signed for, if there is a #GstRtmpServer:url-secret.
   */
  add(g_param_spec_enum("signed-urls", "Signed addresses",
                        "What an address must be signed for, if there is a secret", wishes_type(),
                        static_cast<int>(relay::Wishes::all), changeable));
}

bool has(std::string_view property) {
  return property.starts_with("access-rules") || property == "url-secret" ||
         property == "signed-urls";
}

void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::string& fault) {
  const std::string path = values.text("access-rules-file");
  std::string rules = path.empty() ? std::string() : read_file(path, fault);
  rules += values.text("access-rules");
  if (!fault.empty()) return;
  if (const auto read = relay::AccessRules::read(rules, fault)) settings.access = *read;
  settings.url_secret = values.text("url-secret");
  settings.signed_urls = static_cast<relay::Wishes>(g_value_get_enum(values.find("signed-urls")));
}

}  // namespace server_access
