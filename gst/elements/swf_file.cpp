// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/swf_file.h"

#include <gio/gio.h>

#include <algorithm>
#include <memory>

namespace swf_file {
namespace {

using rtmp::swf::Player;
using Content = std::vector<std::uint8_t>;

// Signature, version and the size of the whole file when it is not compressed, little-endian.
constexpr std::size_t header_size = 8;
constexpr std::size_t largest_file = 256 * 1024 * 1024;

struct Unref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <typename T>
using Object = std::unique_ptr<T, Unref>;

std::size_t size_in(rtmp::Bytes header) {
  return header[4] | static_cast<std::size_t>(header[5]) << 8 |
         static_cast<std::size_t>(header[6]) << 16 | static_cast<std::size_t>(header[7]) << 24;
}

// All behind the header is one zlib stream.
std::optional<Content> uncompressed(rtmp::Bytes file) {
  Content content(std::clamp(size_in(file), header_size, largest_file));
  std::copy_n(file.begin(), header_size, content.begin());
  content[0] = 'F';
  const rtmp::Bytes rest = file.subspan(header_size);
  const Object<GInputStream> compressed(
      g_memory_input_stream_new_from_data(rest.data(), static_cast<gssize>(rest.size()), nullptr));
  const Object<GZlibDecompressor> zlib(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_ZLIB));
  const Object<GInputStream> stream(
      g_converter_input_stream_new(compressed.get(), G_CONVERTER(zlib.get())));
  gsize count = 0;
  const bool read = g_input_stream_read_all(stream.get(), content.data() + header_size,
                                            content.size() - header_size, &count, nullptr, nullptr);
  if (!read || count != content.size() - header_size) return std::nullopt;
  return content;
}

std::optional<Player> describe_file(const std::string& path, std::string& fault) {
  gchar* read = nullptr;
  gsize size = 0;
  GError* error = nullptr;
  if (!g_file_get_contents(path.c_str(), &read, &size, &error)) {
    fault = std::string("swf-file cannot be read: ") + error->message;
    g_error_free(error);
    return std::nullopt;
  }
  const std::unique_ptr<gchar, decltype(&g_free)> owner(read, g_free);
  const rtmp::Bytes file = rtmp::as_bytes({read, size});
  const std::string_view signature(read, std::min<gsize>(size, 3));
  if (size >= header_size && signature == "FWS") return rtmp::swf::describe(file);
  if (size >= header_size && signature == "CWS")
    if (const auto content = uncompressed(file)) return rtmp::swf::describe(*content);
  fault = signature == "ZWS" ? "swf-file is compressed with LZMA, which is not understood: set "
                               "swf-hash and swf-size"
                             : "swf-file is not a .swf, or is broken";
  return std::nullopt;
}

}  // namespace

std::optional<Player> describe(const Source& source, std::string& fault) {
  if (source.hash.empty() && source.size == 0)
    return source.file.empty() ? std::nullopt : describe_file(source.file, fault);
  Player player{.size = source.size};
  const auto hash = rtmp::crypto::from_hex(source.hash);
  if (!hash || hash->size() != player.hash.size() || source.size == 0) {
    fault =
        "swf-hash and swf-size belong together: 64 hexadecimal digits, and the size of the "
        "uncompressed .swf";
    return std::nullopt;
  }
  std::ranges::copy(*hash, player.hash.begin());
  return player;
}

bool find_local(const std::string& address, std::string& path) {
  gchar* name = g_filename_from_uri(address.c_str(), nullptr, nullptr);
  if (name) path = name;
  g_free(name);
  return name != nullptr;
}

}  // namespace swf_file
