// Runs one RTMP connection over one byte stream: reads, writes, and keeps the time.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "net/byte_stream.h"
#include "net/worker.h"
#include "rtmp/connection.h"

namespace net {

// Owned by its handler, on the connection's thread alone.
class Driver {
 public:
  // The session above. All calls come on the connection's thread; none after on_closed().
  class Handler {
   public:
    virtual ~Handler() = default;
    // What came first. True: it is for somebody else, on_released() follows, and nothing after it.
    virtual bool is_foreign(rtmp::Bytes) { return false; }
    virtual void on_released(std::unique_ptr<ByteStream>) {}
    // The handshake is over: messages may be sent.
    virtual void on_established() {}
    // An error ends the connection once what was sent before is written.
    virtual rtmp::Result<void> on_message(rtmp::Message message, rtmp::Time now) = 0;
    // All messages that arrived together, by now, have been given.
    virtual void on_batch_end(rtmp::Time) {}
    // The output is empty: more may be sent now.
    virtual void on_drained() {}
    virtual rtmp::Time deadline() const = 0;
    virtual rtmp::Result<void> tick(rtmp::Time now) = 0;
    // The connection is over, and its socket is there for a last look.
    virtual void on_closing() {}
    // The connection is over: the peer's end is Error::closed.
    virtual void on_closed(error_code error) = 0;
  };
  struct Settings {
    rtmp::Duration write_timeout = {};  // the peer takes nothing for so long; 0: for ever
    rtmp::Duration idle_timeout = {};   // nothing is heard for so long; 0: for ever
    rtmp::Duration close_timeout = std::chrono::seconds(3);  // of finish()
  };

  Driver(Worker& worker, std::unique_ptr<ByteStream> stream, rtmp::Connection connection,
         Settings settings, Handler& handler);

  // `owner` keeps the handler, and so this driver, alive until on_closed().
  void start(std::shared_ptr<void> owner);

  rtmp::Connection& connection() { return connection_; }
  const rtmp::Connection& connection() const { return connection_; }
  ByteStream& stream() const { return *stream_; }
  Worker& worker() const { return worker_; }

  // Writes what the connection has to send, straight away as far as the peer takes it.
  void flush();
  // Writes bytes that several connections share, past the connection's output, if nothing waits
  // there. Answers how many are written; what is left must go into the output, and flush() follow.
  // Nothing, if they cannot go this way, as none can that are to be encrypted.
  std::optional<std::size_t> write_directly(std::span<const rtmp::Bytes> spans);
  // The same in two steps, for who writes to many at once: the socket, or -1 if the bytes cannot go
  // this way; and what a write to it gave, bytes or an error's number, negative.
  int direct_socket();
  std::size_t directly_written(ssize_t result);
  // The deadlines have changed.
  void reschedule();
  // Writes what there is, says that nothing follows, and reads to the peer's own end, so that no
  // reset destroys what is under way; then on_closed(reason). All within close_timeout.
  void finish(error_code reason);
  // Now; on_closed(reason) follows from the worker's loop, not from within this call.
  void close(error_code reason);

  bool open() const { return !closed_; }

 private:
  enum class Phase { running, finishing, shut, released };

  void wait_to_read(std::shared_ptr<void> owner);
  void on_readable(std::shared_ptr<void> owner, const error_code& error);
  // False when the stream is at its end or broken.
  bool may_write() const;
  bool may_write_directly() const;
  void take_unasked();
  bool read_available();
  rtmp::Result<void> take(rtmp::Bytes bytes);
  void write_output();
  void give_up_writing(error_code error);
  error_code end_of_reading(error_code error) const;
  void wait_writable();
  void end(error_code reason);
  void on_timer();
  rtmp::Result<void> tick(rtmp::Time now);
  rtmp::Time next_deadline() const;

  Worker& worker_;
  Settings settings_;
  Handler& handler_;
  std::weak_ptr<void> owner_;
  boost::asio::steady_timer timer_;
  rtmp::Time scheduled_ = rtmp::never;
  rtmp::Time heard_;
  rtmp::Time blocked_since_ = rtmp::never;
  rtmp::Time finish_by_ = rtmp::never;
  error_code finish_reason_;
  error_code write_error_;
  std::size_t answers_ = 0;  // bytes of the output that the peer has asked for, at most
  // What every write looks at, side by side; the connection's part is at its end.
  rtmp::Connection connection_;
  std::unique_ptr<ByteStream> stream_;
  Phase phase_ = Phase::running;
  bool established_ = false;
  bool may_read_ = false;  // what the reader waits for
  bool waiting_to_write_ = false;
  bool flushing_ = false;
  bool write_failed_ = false;
  bool closed_ = false;
};

}  // namespace net
