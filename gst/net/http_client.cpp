// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/http_client.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <future>
#include <utility>

#include "net/lookup.h"

namespace net {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t max_idle = 32;
// Servers close connections that nobody uses, most after a minute or so.
constexpr auto longest_idle = std::chrono::seconds(30);
constexpr std::uint32_t max_header = 16 * 1024;

bool would_block(const error_code& error) {
  return error == boost::asio::error::would_block || error == boost::asio::error::try_again;
}

// "host", "host:8080", "[::1]:8080"; false if it is none.
bool read_authority(std::string_view text, HttpUrl& url) {
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == text.npos) return false;
  const std::size_t colon = text.find(':', bracket);
  url.host = bracket ? text.substr(1, bracket - 1) : text.substr(0, colon);
  if (url.host.empty()) return false;
  const std::string_view rest = bracket ? text.substr(bracket + 1) : text.substr(url.host.size());
  if (rest.empty()) return true;
  const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), url.port);
  return rest.front() == ':' && error == std::errc() && end == rest.data() + rest.size() &&
         url.port != 0;
}

}  // namespace

// --- addresses

std::string HttpUrl::authority() const {
  const std::string name = host.find(':') == host.npos ? host : "[" + host + "]";
  return port == (tls ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

std::optional<HttpUrl> HttpUrl::read(std::string_view text, std::string& error) {
  HttpUrl url;
  const bool clean = std::ranges::all_of(text, [](char c) { return c > ' ' && c != '\x7f'; });
  url.tls = text.starts_with("https://");
  if (!clean || (!url.tls && !text.starts_with("http://"))) {
    error = "it is no http:// or https:// address.";
    return std::nullopt;
  }
  url.port = url.tls ? 443 : 80;
  text.remove_prefix(text.find("//") + 2);
  text = text.substr(0, text.find('#'));
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  if (!read_authority(text.substr(0, end), url)) {
    error = "its host or port cannot be read.";
    return std::nullopt;
  }
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  return url;
}

// --- one call

// Kept by what it waits for; all on the client's thread.
class HttpClient::Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(HttpClient& client, Call call, Done done)
      : client_(client),
        call_(std::move(call)),
        done_(std::move(done)),
        place_((call_.url.tls ? "https://" : "http://") + call_.url.authority()),
        timer_(client.worker_.context()),
        socket_(client.worker_.context()) {}

  // Its time runs, also while it waits for its turn.
  void start_clock(rtmp::Duration timeout) {
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error) self->fail("it takes too long");
    });
  }

  void begin() {
    stream_ = client_.take_link(place_);
    used_before_ = stream_ != nullptr;
    stream_ ? send() : connect();
  }

  void fail(const std::string& why) { end({.fault = why}); }
  void give_answer() { done_(std::move(answer_)); }

  // Lets go of everything that keeps it.
  void stop() {
    ended_ = true;
    timer_.cancel();
    lookup_.reset();
    error_code ignored;
    socket_.close(ignored);
    if (stream_) stream_->close();
  }

 private:
  void connect() {
    std::string fault;
    if (call_.url.tls && !(tls_ = client_.tls(call_.url.host, fault))) return fail(fault);
    lookup_.emplace(
        client_.worker_, call_.url.host, call_.url.port,
        [self = shared_from_this()](const error_code& error, Lookup::Endpoints endpoints) {
          self->endpoints_ = std::move(endpoints);
          self->error_ = error;
          self->connect_next();
        });
  }

  void connect_next() {
    if (ended_) return;
    if (endpoints_.empty()) return fail(error_.message());
    const auto endpoint = endpoints_.front();
    endpoints_.erase(endpoints_.begin());
    socket_ = Socket(client_.worker_.context());
    socket_.async_connect(endpoint, [self = shared_from_this()](const error_code& error) {
      self->error_ = error;
      if (self->ended_) return;
      error ? self->connect_next() : self->on_connected();
    });
  }

  void on_connected() {
    set_tcp_options(socket_.native_handle(), {});
    close_on_exec(socket_.native_handle());
    stream_ = tls_ ? tls_->wrap(std::move(socket_)) : make_plain_stream(std::move(socket_));
    send();
  }

  void send() {
    const auto& url = call_.url;
    output_ =
        "POST " + url.target + " HTTP/1.1\r\nHost: " + url.authority() +
        "\r\nUser-Agent: gst-plugins-rtmp\r\nAccept: */*\r\nContent-Type: " + call_.content_type +
        "\r\nContent-Length: " + std::to_string(call_.body.size()) + "\r\n\r\n" + call_.body;
    input_.clear();
    parser_.emplace();
    parser_->header_limit(max_header);
    parser_->body_limit(client_.settings_.max_body);
    parser_->eager(true);
    write();
  }

  void write() {
    while (!output_.empty()) {
      error_code error;
      const rtmp::Bytes span = rtmp::as_bytes(output_);
      output_.erase(0, stream_->write_some({&span, 1}, error));
      if (would_block(error)) return wait(stream_->write_wait(), &Exchange::write);
      if (error) return on_broken(error);
    }
    read();
  }

  void read() {
    while (!parser_->is_done()) {
      error_code error;
      const auto scratch = client_.worker_.scratch();
      const std::size_t count = stream_->read_some(scratch, error);
      if (would_block(error)) return wait(stream_->read_wait(), &Exchange::read);
      if (error == boost::asio::error::eof && parser_->got_some()) {
        ended_by_server_ = true;
        parser_->put_eof(error = {});
        if (!error && !parser_->is_done()) error = http::error::partial_message;
      }
      if (error) return on_broken(error);
      input_ += rtmp::as_text(rtmp::Bytes(scratch).first(count));
      if (!parse()) return;
    }
    on_answer();
  }

  // What the parser does not take yet it wants to see again, with more.
  bool parse() {
    while (!input_.empty() && !parser_->is_done()) {
      error_code error;
      const std::size_t used = parser_->put(boost::asio::buffer(input_), error);
      input_.erase(0, used);
      if (error == http::error::need_more) return true;
      if (error) {
        fail("its answer cannot be used: " + error.message());
        return false;
      }
    }
    return true;
  }

  void on_answer() {
    auto& message = parser_->get();
    Answer answer{.status = message.result_int(),
                  .location = std::string(message[http::field::location]),
                  .body = std::move(message.body())};
    const bool reusable = message.keep_alive() && input_.empty() && !ended_by_server_;
    if (reusable) client_.keep_link(std::move(stream_), place_);
    end(std::move(answer));
  }

  // A connection from before may have been closed in the very moment that it was used.
  void on_broken(const error_code& error) {
    const std::string fault = stream_->fault();
    const bool heard = parser_->got_some() || !input_.empty();
    stream_->close();
    if (std::exchange(used_before_, false) && !heard)
      connect();
    else
      fail(fault.empty() ? error.message() : fault);
  }

  void wait(ByteStream::Wait what, void (Exchange::*then)()) {
    stream_->socket().async_wait(what, [self = shared_from_this(), then](const error_code& error) {
      if (self->ended_) return;
      error ? self->on_broken(error) : (self.get()->*then)();
    });
  }

  void end(Answer answer) {
    if (ended_) return;
    answer_ = std::move(answer);
    stop();
    client_.end(shared_from_this());
  }

  HttpClient& client_;
  const Call call_;
  const Done done_;
  const std::string place_;
  boost::asio::steady_timer timer_;
  bool ended_ = false;
  Answer answer_;

  std::shared_ptr<TlsContext> tls_;
  std::optional<Lookup> lookup_;
  Lookup::Endpoints endpoints_;  // not yet tried
  error_code error_;             // of the last one that was
  Socket socket_;                // until it is connected
  std::unique_ptr<ByteStream> stream_;
  bool used_before_ = false;  // the stream, for another call

  std::string output_, input_;
  std::optional<http::response_parser<http::string_body>> parser_;
  bool ended_by_server_ = false;
};

// --- all calls

HttpClient::HttpClient(Settings settings) : settings_(std::move(settings)), worker_("rtmp-http") {}

// Sockets and timers must be gone before the worker is.
HttpClient::~HttpClient() {
  std::promise<void> done;
  boost::asio::post(worker_.context(), [&] {
    closed_ = true;
    for (const auto& exchange : std::exchange(waiting_, {})) exchange->stop();
    for (const auto& exchange : std::exchange(running_, {})) exchange->stop();
    idle_.clear();
    done.set_value();
  });
  done.get_future().wait();
}

void HttpClient::post(Call call, Done done) {
  bool too_many = false;
  {
    const std::lock_guard lock(mutex_);
    too_many = calls_ >= settings_.max_calls;
    ++calls_;
  }
  boost::asio::post(worker_.context(), [this, call = std::move(call), done = std::move(done),
                                        too_many]() mutable {
    if (closed_) return;
    const auto exchange = std::make_shared<Exchange>(*this, std::move(call), std::move(done));
    waiting_.push_back(exchange);
    if (too_many) return exchange->fail("too many calls wait for an answer");
    exchange->start_clock(settings_.timeout);
    begin_next();
  });
}

void HttpClient::begin_next() {
  while (!waiting_.empty() && !closed_ && running_.size() < settings_.max_connections) {
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    running_.push_back(next);
    next->begin();
  }
}

// The answer comes last: the one who asked may want to go.
void HttpClient::end(const std::shared_ptr<Exchange>& exchange) {
  std::erase(running_, exchange);
  std::erase(waiting_, exchange);
  exchange->give_answer();
  {
    const std::lock_guard lock(mutex_);
    --calls_;
    answered_.notify_all();
  }
  boost::asio::post(worker_.context(), [this] { begin_next(); });
}

void HttpClient::wait(rtmp::Duration most) {
  std::unique_lock lock(mutex_);
  answered_.wait_for(lock, most, [this] { return calls_ == 0; });
}

// --- connections and what they need

// One that has something to say without being asked has ended.
std::unique_ptr<ByteStream> HttpClient::take_link(const std::string& place) {
  std::erase_if(idle_, [](const Link& link) { return now() > link.since + longest_idle; });
  for (auto link = idle_.begin(); link != idle_.end();) {
    if (link->place != place) {
      ++link;
      continue;
    }
    auto stream = std::move(link->stream);
    link = idle_.erase(link);
    error_code error;
    stream->read_some(worker_.scratch(), error);
    if (would_block(error)) return stream;
  }
  return nullptr;
}

void HttpClient::keep_link(std::unique_ptr<ByteStream> stream, const std::string& place) {
  if (closed_) return;
  if (idle_.size() >= max_idle) idle_.pop_front();
  idle_.push_back({std::move(stream), place, now()});
}

std::shared_ptr<TlsContext> HttpClient::tls(const std::string& host, std::string& fault) {
  auto& context = tls_[host];
  if (!context) context = TlsContext::client({.host = host, .ca_file = settings_.ca_file}, fault);
  return context;
}

}  // namespace net
