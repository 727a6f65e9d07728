// Which servers a stream has passed: what tells a loop.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rtmp/amf.h"

namespace relay {

// What a server that reaches others says of itself: the ids of the servers that the stream has
// passed, the last one's at the end.
class RoutePath {
 public:
  static constexpr std::string_view property = "relayPath";   // of connect's object
  static constexpr std::string_view id_property = "relayId";  // of the answer
  static constexpr std::size_t longest = 16;                  // more are taken for a loop

  RoutePath() = default;
  // What a peer said; text that is none of ours is an empty path.
  static RoutePath read(const rtmp::amf::Object& connect);

  // Who a server is that we reached, by its answer to connect; empty if it is none of ours.
  static std::string read_id(const rtmp::amf::Object& answer);

  bool contains(const std::string& id) const;
  bool full() const { return ids_.size() >= longest; }
  bool empty() const { return ids_.empty(); }
  RoutePath with(const std::string& id) const;
  std::string text() const;

 private:
  std::vector<std::string> ids_;
};
// One that no other server has.
std::string make_route_id();

}  // namespace relay
