// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_token.h"

#include "elements/server_access.h"

namespace server_token {
namespace {

using server_properties::changeable;

std::string read_file(const std::string& path, std::string& fault) {
  gchar* content = nullptr;
  gsize size = 0;
  GError* error = nullptr;
  if (!g_file_get_contents(path.c_str(), &content, &size, &error)) {
    fault = std::string("The keys of tokens cannot be read: ") + error->message;
    g_error_free(error);
    return {};
  }
  const std::string copy(content, size);
  g_free(content);
  if (copy.empty()) fault = "There are no keys of tokens in " + path;
  return copy;
}

}  // namespace

void install(const std::function<void(GParamSpec*)>& add) {
  /**
   * GstRtmpServer:jwt-secret:
   *
   * A secret of at least 32 bytes that tokens (JWT) may be signed with by HS256. If it or
   * #GstRtmpServer:jwt-key-file is set, clients show a token: as `?token=` or `?jwt=` behind the
   * stream or the app, or as their password (`?pass=`). It must have an end (`exp`), and say in
   * `publish` or `play` what it is for: a pattern `app/stream` with `*` and `?`, or a list of them.
   * Its `sub` is the user.
   */
  add(g_param_spec_string("jwt-secret", "Token secret",
                          "Secret that tokens (JWT) may be signed with, by HS256", nullptr,
                          changeable));
  /**
   * GstRtmpServer:jwt-key-file:
   *
   * A PEM file with one or more public keys that tokens may be signed for: RSA of at least 2048
   * bits by RS256, or of the curve P-256 by ES256.
   */
  add(g_param_spec_string("jwt-key-file", "Token keys",
                          "PEM file with public keys that tokens (JWT) may be signed for, by RS256 "
                          "or ES256",
                          nullptr, changeable));
  /**
   * GstRtmpServer:jwt-issuer:
   *
   * The `iss` that a token must have.
   */
  add(g_param_spec_string("jwt-issuer", "Token issuer",
                          "The iss that a token must have (unset = any)", nullptr, changeable));
  /**
   * GstRtmpServer:jwt-audience:
   *
   * What must be in a token's `aud`. Unset: a token that has one is not for this server.
   */
  add(g_param_spec_string("jwt-audience", "Token audience",
                          "What must be in a token's aud (unset = it must have none)", nullptr,
                          changeable));
  /**
   * GstRtmpServer:jwt-for:
   *
   * What clients need a token for, if tokens can be checked.
   */
  add(g_param_spec_enum("jwt-for", "Tokens for", "What clients need a token for",
                        server_access::wishes_type(), static_cast<int>(relay::Wishes::all),
                        changeable));
}

bool has(std::string_view property) { return property.starts_with("jwt-"); }

void add_to(relay::Server::Settings& settings, const server_properties::Values& values,
            std::string& fault) {
  const std::string secret = values.text("jwt-secret"), path = values.text("jwt-key-file");
  settings.token_keys.reset();
  if (secret.empty() && path.empty()) return;
  const std::string pem = path.empty() ? "" : read_file(path, fault);
  if (!fault.empty()) return;
  settings.token_keys = relay::TokenKeys::make(secret, pem, fault);
  settings.token_issuer = values.text("jwt-issuer");
  settings.token_audience = values.text("jwt-audience");
  settings.token_for = static_cast<relay::Wishes>(g_value_get_enum(values.find("jwt-for")));
}

}  // namespace server_token
