// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/hub.h"

namespace relay {

std::shared_ptr<Stream> Hub::get(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (auto known = streams_.find(name); known != streams_.end())
    if (auto stream = known->second.lock()) return stream;
  // Names of streams that are gone leave when a new one comes.
  std::erase_if(streams_, [](const auto& entry) { return entry.second.expired(); });
  auto stream = std::make_shared<Stream>(name, settings_, hooks_);
  streams_[name] = stream;
  return stream;
}

std::shared_ptr<Stream> Hub::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto known = streams_.find(name);
  return known == streams_.end() ? nullptr : known->second.lock();
}

std::vector<std::shared_ptr<Stream>> Hub::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Stream>> streams;
  for (const auto& [name, weak] : streams_)
    if (auto stream = weak.lock()) streams.push_back(std::move(stream));
  return streams;
}

void Hub::change(const Stream::Settings& settings) {
  {
    const std::lock_guard lock(mutex_);
    settings_ = settings;
  }
  for (const auto& stream : all()) stream->change(settings);
}

}  // namespace relay
