// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/proxy_reader.h"

#include <sys/socket.h>

#include <boost/asio/post.hpp>

namespace net {

using rtmp::Error;
using rtmp::Result;

ProxyReader::ProxyReader(Worker& worker, Socket socket, Done done)
    : worker_(worker),
      socket_(std::move(socket)),
      done_(std::move(done)),
      timer_(worker.context()) {
  error_code ignored;
  socket_.native_non_blocking(true, ignored);
}

void ProxyReader::start(rtmp::Duration timeout) {
  timer_.expires_after(timeout);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->finish(Error::bad_proxy_header);
  });
  wait();
}

void ProxyReader::cancel() {
  boost::asio::post(worker_.context(),
                    [self = shared_from_this()] { self->finish(Error::cancelled); });
}

void ProxyReader::wait() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& error) {
    if (!error && self->done_) self->on_readable();
  });
}

void ProxyReader::on_readable() {
  Result<std::optional<ProxyHeader>> header = read_available();
  if (!header)
    finish(header.error());
  else if (*header)
    finish(**header);
  else
    wait();
}

// The end of the header shows only with its last byte, so it looks first, and then takes what
// belongs to it.
Result<std::optional<ProxyHeader>> ProxyReader::read_available() {
  const std::size_t before = bytes_.size();
  bytes_.resize(max_proxy_header);
  const ssize_t seen = ::recv(socket_.native_handle(), bytes_.data() + before,
                              bytes_.size() - before, MSG_PEEK | MSG_DONTWAIT);
  bytes_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(seen, 0)));
  if (seen < 0 && (errno == EAGAIN || errno == EINTR)) return std::optional<ProxyHeader>();
  if (seen <= 0) return Error::bad_proxy_header;
  auto header = read_proxy_header(bytes_);
  if (!header) return header;
  if (*header) bytes_.resize((*header)->size);
  [[maybe_unused]] const ssize_t taken =
      ::recv(socket_.native_handle(), bytes_.data() + before, bytes_.size() - before, MSG_DONTWAIT);
  assert(taken == static_cast<ssize_t>(bytes_.size() - before));  // it was there
  return header;
}

void ProxyReader::finish(const Result<ProxyHeader>& header) {
  if (!done_) return;
  timer_.cancel();
  error_code ignored;
  socket_.cancel(ignored);
  std::exchange(done_, nullptr)(*this, header);
}

}  // namespace net
