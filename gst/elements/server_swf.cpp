// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/server_swf.h"

#include "elements/swf_file.h"

namespace server_swf {
namespace {

constexpr auto flags =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

}  // namespace

void install(const std::function<void(GParamSpec*)>& add) {
  /**
   * GstRtmpServer:swf-verify:
   *
   * Whether clients must prove before connect is accepted that they have a player's file, which
   * #GstRtmpServer:swf-file names. Anybody who has the file can, so this keeps out players that
   * mean well, and nobody else.
   */
  add(g_param_spec_boolean("swf-verify", "SWF verification",
                           "Clients must prove that they have a player's file", FALSE, flags));
  /**
   * GstRtmpServer:swf-file:
   *
   * The player's file, a .swf, compressed or not.
   */
  add(g_param_spec_string("swf-file", "SWF file",
                          "The player's file that clients must have, with swf-verify", nullptr,
                          flags));
  /**
   * GstRtmpServer:swf-hash:
   *
   * Instead of #GstRtmpServer:swf-file: the HMAC-SHA256 of the uncompressed file by
   * `Genuine Adobe Flash Player 001`, in hexadecimal.
   */
  add(g_param_spec_string("swf-hash", "SWF hash",
                          "HMAC-SHA256 of the uncompressed player's file in hexadecimal, instead "
                          "of swf-file",
                          nullptr, flags));
  /**
   * GstRtmpServer:swf-size:
   *
   * With #GstRtmpServer:swf-hash: the size of the uncompressed file, in bytes.
   */
  add(g_param_spec_uint("swf-size", "SWF size",
                        "Size of the uncompressed player's file, in bytes, with swf-hash", 0,
                        G_MAXUINT, 0, flags));
}

std::optional<rtmp::swf::Player> read(const server_properties::Values& values, std::string& fault) {
  if (!g_value_get_boolean(values.find("swf-verify"))) return std::nullopt;
  const auto player = swf_file::describe(
      {values.text("swf-file"), values.text("swf-hash"), g_value_get_uint(values.find("swf-size"))},
      fault);
  if (!player && fault.empty()) fault = "swf-verify needs swf-file, or swf-hash and swf-size";
  return player;
}

}  // namespace server_swf
