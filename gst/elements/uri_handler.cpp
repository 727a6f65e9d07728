// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/uri_handler.h"

namespace uri_handler {

const gchar* const* protocols(GType) {
  static const gchar* const names[] = {"rtmp",   "rtmps",  "rtmpe", "rtmpt",
                                       "rtmpte", "rtmpts", "rtmfp", nullptr};
  return names;
}

gboolean set(GstElement* element, ClientProperties& properties, const gchar* uri, GError** error) {
  if (GST_STATE(element) >= GST_STATE_PAUSED || GST_STATE_NEXT(element) >= GST_STATE_PAUSED) {
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
                "The location cannot change in PAUSED or PLAYING.");
    return FALSE;
  }
  const std::string_view text(uri);
  const auto scheme = rtmp::scheme_from(text.substr(0, text.find(':')));
  if (const auto sentence = scheme ? why_not_spoken(*scheme) : std::nullopt) {
    g_set_error_literal(error, GST_URI_ERROR, GST_URI_ERROR_UNSUPPORTED_PROTOCOL,
                        sentence->c_str());
    return FALSE;
  }
  if (const auto fault = properties.set_location(text)) {
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, "The location cannot be used: %s.",
                fault->message.c_str());
    return FALSE;
  }
  return TRUE;
}

}  // namespace uri_handler
