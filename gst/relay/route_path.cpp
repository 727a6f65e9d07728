// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/route_path.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "net/worker.h"

namespace relay {
namespace {

constexpr std::size_t id_bytes = 8;

bool is_id(std::string_view text) {
  return text.size() == 2 * id_bytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

RoutePath RoutePath::read(const rtmp::amf::Object& connect) {
  RoutePath path;
  const rtmp::amf::Value* value = connect.find(property);
  if (!value) return path;
  std::istringstream in{std::string(value->string().value_or(""))};
  for (std::string id; std::getline(in, id, ',') && path.ids_.size() < longest;) {
    if (!is_id(id)) return {};
    path.ids_.push_back(id);
  }
  return path;
}

std::string RoutePath::read_id(const rtmp::amf::Object& answer) {
  const rtmp::amf::Value* value = answer.find(id_property);
  const std::string id(value ? value->string().value_or("") : "");
  return is_id(id) ? id : "";
}

bool RoutePath::contains(const std::string& id) const {
  return std::ranges::find(ids_, id) != ids_.end();
}

RoutePath RoutePath::with(const std::string& id) const {
  RoutePath path = *this;
  path.ids_.push_back(id);
  return path;
}

std::string RoutePath::text() const {
  std::string text;
  for (const std::string& id : ids_) text += (text.empty() ? "" : ",") + id;
  return text;
}

std::string make_route_id() {
  static constexpr char digits[] = "0123456789abcdef";
  std::array<std::uint8_t, id_bytes> bytes;
  net::secure_random()(bytes);
  std::string id;
  for (const std::uint8_t byte : bytes) {
    id += digits[byte >> 4];
    id += digits[byte & 15];
  }
  return id;
}

}  // namespace relay
