// All streams of a server by name.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <unordered_map>

#include "relay/stream.h"

namespace relay {

// Streams come into being when somebody publishes or plays them, and go when nobody holds them any
// more. Any thread may call.
class Hub {
 public:
  explicit Hub(Stream::Settings settings, Stream::Hooks hooks = {})
      : hooks_(std::move(hooks)), settings_(settings) {}

  std::shared_ptr<Stream> get(const std::string& name);
  // The stream if there is one.
  std::shared_ptr<Stream> find(const std::string& name) const;
  std::vector<std::shared_ptr<Stream>> all() const;
  // As Stream::change(), of those that are there and those that come.
  void change(const Stream::Settings& settings);

 private:
  const Stream::Hooks hooks_;
  mutable std::mutex mutex_;  // guards what follows
  Stream::Settings settings_;
  std::unordered_map<std::string, std::weak_ptr<Stream>> streams_;
};

}  // namespace relay
