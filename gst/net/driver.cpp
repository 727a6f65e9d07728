// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/driver.h"

#include <array>
#include <boost/asio/post.hpp>

namespace net {
namespace {

using rtmp::Error;
using rtmp::Result;

// One connection that has much to read lets the others of its thread go first after this many
// reads.
constexpr int reads_in_a_row = 4;
constexpr std::size_t spans_in_a_row = 64;
// A peer that asks without reading the answers is not asked to go on. What it has to get without
// asking, a stream, does not count: players may be behind with it and must still be heard.
constexpr std::size_t most_answers = 256 * 1024;

bool would_block(const error_code& error) {
  return error == boost::asio::error::would_block || error == boost::asio::error::try_again ||
         error == boost::asio::error::interrupted;
}

}  // namespace

Driver::Driver(Worker& worker, std::unique_ptr<ByteStream> stream, rtmp::Connection connection,
               Settings settings, Handler& handler)
    : worker_(worker),
      settings_(settings),
      handler_(handler),
      timer_(worker.context()),
      heard_(now()),
      connection_(std::move(connection)),
      stream_(std::move(stream)) {}

void Driver::start(std::shared_ptr<void> owner) {
  owner_ = owner;
  wait_to_read(std::move(owner));
  if (connection_.established()) take_unasked();
  flush();
}

// --- reading
// ---------------------------------------------------------------------------------------

// `owner` goes from one wait to the next, and with it everything here, until the last one.
void Driver::wait_to_read(std::shared_ptr<void> owner) {
  answers_ = std::min(answers_, connection_.output().size());
  may_read_ = write_failed_ || answers_ <= most_answers;
  stream_->socket().async_wait(may_read_ ? stream_->read_wait() : stream_->write_wait(),
                               [this, owner = std::move(owner)](const error_code& error) mutable {
                                 on_readable(std::move(owner), error);
                               });
}

void Driver::on_readable(std::shared_ptr<void> owner, const error_code& error) {
  bool goes_on = !closed_ && !error;
  if (goes_on && may_read_) {
    const Worker::Turn turn(worker_);
    goes_on = read_available();
  }
  if (goes_on && !closed_) return wait_to_read(std::move(owner));
  if (!closed_) end(error);
  timer_.cancel();
  if (phase_ == Phase::released)
    return handler_.on_released(
        std::exchange(stream_, make_plain_stream(Socket(worker_.context()))));
  handler_.on_closing();
  stream_->close();
  handler_.on_closed(finish_reason_);
}

// Where nobody shakes hands messages may be there before the first byte.
void Driver::take_unasked() {
  const Result<void> taken = take({});
  if (!taken) finish(taken.error());
  if (phase_ == Phase::running) handler_.on_batch_end(heard_);
}

bool Driver::read_available() {
  for (int reads = 0; reads < reads_in_a_row; ++reads) {
    error_code error;
    const std::size_t count = stream_->read_some(worker_.scratch(), error);
    if (would_block(error)) break;
    if (error) {
      end(end_of_reading(error));
      return false;
    }
    if (phase_ == Phase::shut) continue;  // only the peer's end matters now
    if (!connection_.stats().first_byte && handler_.is_foreign(worker_.scratch().first(count))) {
      phase_ = Phase::released;
      closed_ = true;
      return false;
    }
    const std::size_t before = connection_.output().size();
    const Result<void> taken = take(worker_.scratch().first(count));
    const std::size_t after = connection_.output().size();
    if (after > before) answers_ += after - before;
    if (!taken) {
      finish(taken.error());
      break;
    }
    if (closed_) return false;
    if (count < worker_.scratch().size()) break;
  }
  if (phase_ == Phase::running) handler_.on_batch_end(heard_);
  flush();
  return !closed_;
}

// The kernel tells once that the peer is gone, and may have told the writer.
error_code Driver::end_of_reading(error_code error) const {
  if (error != boost::asio::error::eof) return error;
  return is_silence(write_error_) ? write_error_ : error_code(Error::closed);
}

Result<void> Driver::take(rtmp::Bytes bytes) {
  const rtmp::Time time = heard_ = now();
  connection_.receive(bytes, time);
  while (true) {
    Result<std::optional<rtmp::Message>> message = connection_.next_message();
    if (!message) return message.error();
    if (!std::exchange(established_, connection_.established()) && established_)
      handler_.on_established();
    if (!*message || closed_) return {};
    if (phase_ != Phase::running) continue;
    const Result<void> handled = handler_.on_message(std::move(**message), time);
    if (!handled) return handled;
  }
}

// --- writing
// ---------------------------------------------------------------------------------------

bool Driver::may_write() const {
  return !closed_ && !flushing_ && !waiting_to_write_ && !write_failed_ && phase_ != Phase::shut;
}

bool Driver::may_write_directly() const {
  return may_write() && connection_.output().empty() && connection_.shares_bytes();
}

int Driver::direct_socket() { return may_write_directly() ? stream_->plain_socket() : -1; }

std::size_t Driver::directly_written(ssize_t result) {
  if (result >= 0) return static_cast<std::size_t>(result);
  give_up_writing({static_cast<int>(-result), boost::system::system_category()});
  return 0;
}

std::optional<std::size_t> Driver::write_directly(std::span<const rtmp::Bytes> spans) {
  if (!may_write_directly()) return std::nullopt;
  error_code error;
  const std::size_t count = stream_->write_some(spans, error);
  if (error && !would_block(error)) give_up_writing(error);
  return count;
}

void Driver::flush() {
  if (!may_write()) return;
  flushing_ = true;
  do {
    if (!connection_.output().empty()) write_output();
    if (write_failed_ || !connection_.output().empty()) break;
    if (phase_ == Phase::running && established_) handler_.on_drained();
  } while (!closed_ && !write_failed_ && !connection_.output().empty());
  flushing_ = false;
  if (closed_ || write_failed_) return;
  if (!connection_.output().empty()) {
    wait_writable();
  } else if (phase_ == Phase::finishing) {
    phase_ = Phase::shut;
    stream_->shutdown_write();
  }
  reschedule();
}

// As far as the peer takes it.
void Driver::write_output() {
  std::array<rtmp::Bytes, spans_in_a_row> spans;
  while (!connection_.output().empty()) {
    const std::size_t filled = connection_.gather(spans);
    error_code error;
    const std::size_t count = stream_->write_some(std::span(spans).first(filled), error);
    if (would_block(error)) return;
    if (error) {
      give_up_writing(error);
      return;
    }
    connection_.written(count);
    blocked_since_ = rtmp::never;
  }
}

// The peer may have said why before it closed: the reader finds out, and what ends the connection.
// It gets that long for it.
void Driver::give_up_writing(error_code error) {
  write_failed_ = true;
  write_error_ = error;
  finish_by_ = std::min(finish_by_, now() + settings_.close_timeout);
  reschedule();
}

void Driver::wait_writable() {
  if (blocked_since_ == rtmp::never) blocked_since_ = now();
  waiting_to_write_ = true;
  stream_->socket().async_wait(stream_->write_wait(),
                               [this, owner = owner_.lock()](const error_code& error) {
                                 waiting_to_write_ = false;
                                 if (!error) flush();
                               });
}

// --- ends
// ------------------------------------------------------------------------------------------

void Driver::finish(error_code reason) {
  if (closed_ || phase_ != Phase::running) return;
  phase_ = Phase::finishing;
  finish_reason_ = reason;
  finish_by_ = now() + settings_.close_timeout;
  flush();
}

void Driver::close(error_code reason) {
  if (closed_) return;
  end(reason);
  // Wakes the reader, who has the last word.
  error_code ignored;
  stream_->socket().cancel(ignored);
  timer_.cancel();
}

// The reason of a finish() that is under way stands: what happens to it on the way is no news.
void Driver::end(error_code reason) {
  if (phase_ == Phase::running) finish_reason_ = reason;
  closed_ = true;
}

// --- time
// ------------------------------------------------------------------------------------------

rtmp::Time Driver::next_deadline() const {
  const auto after = [](rtmp::Time from, rtmp::Duration timeout) {
    return timeout == rtmp::Duration::zero() || from == rtmp::never ? rtmp::never : from + timeout;
  };
  const rtmp::Time stalled = after(blocked_since_, settings_.write_timeout);
  if (finish_by_ != rtmp::never) return std::min(finish_by_, stalled);
  const rtmp::Time session = established_ ? handler_.deadline() : rtmp::never;
  const rtmp::Time idle = established_ ? after(heard_, settings_.idle_timeout) : rtmp::never;
  return std::min({connection_.deadline(), session, idle, stalled});
}

// A timer that rings too early finds out; only an earlier deadline moves it.
void Driver::reschedule() {
  if (closed_) return;
  const rtmp::Time deadline = next_deadline();
  if (deadline >= scheduled_) return;
  scheduled_ = deadline;
  timer_.expires_at(deadline);
  timer_.async_wait([this, owner = owner_.lock()](const error_code& error) {
    if (!error) on_timer();
  });
}

void Driver::on_timer() {
  scheduled_ = rtmp::never;
  if (closed_) return;
  const Result<void> ticked = tick(now());
  if (!ticked) {
    close(ticked.error());
    return;
  }
  flush();
  reschedule();
}

Result<void> Driver::tick(rtmp::Time time) {
  const auto over = [&](rtmp::Time from, rtmp::Duration timeout) {
    return timeout != rtmp::Duration::zero() && from != rtmp::never && time >= from + timeout;
  };
  if (time >= finish_by_ || over(blocked_since_, settings_.write_timeout))
    return Error::write_timeout;
  if (phase_ != Phase::running || write_failed_) return {};
  if (established_ && over(heard_, settings_.idle_timeout)) return Error::idle_timeout;
  const Result<void> connection = connection_.tick(time);
  if (!connection || !established_) return connection;
  return handler_.tick(time);
}

}  // namespace net
