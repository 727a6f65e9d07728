// A client of the server as the publisher of one stream.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/post.hpp>

#include "relay/session.h"

namespace relay {

// On the session's worker, but for what the stream calls.
class Session::Publishing final : public Publisher {
 public:
  Publishing(const std::shared_ptr<Session>& session, std::uint32_t stream_id,
             std::shared_ptr<Stream> stream, rtmp::Time now)
      : heard(now),
        stream_(std::move(stream)),
        session_(session),
        worker_(session->driver_.worker()),
        stream_id_(stream_id),
        path_(session->path_) {}

  void on_replaced() override {
    boost::asio::post(worker_.context(), [session = session_, stream_id = stream_id_] {
      if (const auto alive = session.lock()) alive->replaced(stream_id);
    });
  }

  RoutePath path() const override { return path_; }

  void flush(rtmp::Time now) {
    if (batch.empty()) return;
    stream_->push(*this, batch, now);
    batch.clear();
    if (batch.capacity() > kept) batch.shrink_to_fit();
  }
  void end() { stream_->unpublish(*this); }
  Stream& stream() { return *stream_; }

  std::vector<rtmp::Message> batch;  // what arrived together
  rtmp::Time heard;                  // media, last

 private:
  static constexpr std::size_t kept = 16;  // messages that an empty batch has room for

  std::shared_ptr<Stream> stream_;
  std::weak_ptr<Session> session_;
  net::Worker& worker_;
  std::uint32_t stream_id_;
  const RoutePath path_;
};

}  // namespace relay
