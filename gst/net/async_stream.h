// A ByteStream in the shape that Beast asks for. Slow to compile: for .cpp files.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/container/static_vector.hpp>

#include "net/byte_stream.h"
#include "net/worker.h"

namespace net {

// One thread's. It must outlive what it was asked for.
class AsyncStream {
 public:
  using executor_type = boost::asio::io_context::executor_type;

  AsyncStream(Worker& worker, std::unique_ptr<ByteStream> stream)
      : executor_(worker.context().get_executor()), stream_(std::move(stream)) {}

  executor_type get_executor() const { return executor_; }
  ByteStream& stream() { return *stream_; }
  bool holds_stream() const { return stream_ != nullptr; }
  // Gives it up, when nothing is asked of it.
  std::unique_ptr<ByteStream> release() { return std::move(stream_); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    Read read;
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers) && read.into.empty(); ++it) {
      const boost::asio::mutable_buffer buffer = *it;
      read.into = {static_cast<std::uint8_t*>(buffer.data()), buffer.size()};
    }
    return start(read, std::forward<Token>(token));
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    Write write;
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers) && write.spans.size() < max_spans; ++it) {
      const boost::asio::const_buffer buffer = *it;
      if (buffer.size() > 0)
        write.spans.push_back({static_cast<const std::uint8_t*>(buffer.data()), buffer.size()});
    }
    return start(write, std::forward<Token>(token));
  }

 private:
  static constexpr std::size_t max_spans = 16;

  struct Read {
    std::span<std::uint8_t> into = {};
    bool empty() const { return into.empty(); }
    std::size_t run(ByteStream& stream, error_code& error) { return stream.read_some(into, error); }
    ByteStream::Wait wait(const ByteStream& stream) const { return stream.read_wait(); }
  };
  struct Write {
    boost::container::static_vector<rtmp::Bytes, max_spans> spans = {};
    bool empty() const { return spans.empty(); }
    std::size_t run(ByteStream& stream, error_code& error) {
      return stream.write_some({spans.data(), spans.size()}, error);
    }
    ByteStream::Wait wait(const ByteStream& stream) const { return stream.write_wait(); }
  };

  // Tries, waits for the socket and tries again. It ends from the loop, as Asio's own do.
  template <class Action>
  struct Operation {
    ByteStream& stream;
    executor_type executor;
    Action action;
    enum { beginning, waiting, done } state = beginning;
    error_code result = {};
    std::size_t bytes = 0;

    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      if (state != done) {
        result = error;
        if (!result && !action.empty()) bytes = action.run(stream, result);
        if (result == boost::asio::error::would_block) {
          state = waiting;
          const ByteStream::Wait wait = action.wait(stream);
          stream.socket().async_wait(wait, std::move(self));
          return;
        }
        if (std::exchange(state, done) == beginning) {
          boost::asio::post(executor, std::move(self));
          return;
        }
      }
      self.complete(result, bytes);
    }
  };

  template <class Action, class Token>
  auto start(Action action, Token&& token) {
    return boost::asio::async_compose<Token, void(error_code, std::size_t)>(
        Operation<Action>{*stream_, executor_, std::move(action)}, token, executor_);
  }

  executor_type executor_;
  std::unique_ptr<ByteStream> stream_;
};

}  // namespace net
