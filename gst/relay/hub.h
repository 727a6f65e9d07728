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
      : settings_(settings), hooks_(std::move(hooks)) {}

  std::shared_ptr<Stream> get(const std::string& name);
  // The stream if there is one.
  std::shared_ptr<Stream> find(const std::string& name) const;
  std::vector<std::shared_ptr<Stream>> all() const;

 private:
  const Stream::Settings settings_;
  const Stream::Hooks hooks_;
  mutable std::mutex mutex_;  // guards streams_
  std::unordered_map<std::string, std::weak_ptr<Stream>> streams_;
};

}  // namespace relay
