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
  Hub(std::uint32_t chunk_size, GopCacheLimits limits, Stream::OnChange on_change = {})
      : chunk_size_(chunk_size), limits_(limits), on_change_(std::move(on_change)) {}

  std::shared_ptr<Stream> get(const std::string& name);
  // The stream if there is one.
  std::shared_ptr<Stream> find(const std::string& name) const;
  std::vector<std::shared_ptr<Stream>> all() const;

 private:
  const std::uint32_t chunk_size_;
  const GopCacheLimits limits_;
  const Stream::OnChange on_change_;
  mutable std::mutex mutex_;  // guards streams_
  std::unordered_map<std::string, std::weak_ptr<Stream>> streams_;
};

}  // namespace relay
