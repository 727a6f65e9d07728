// Asks web servers, many at once, without making anybody wait for it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "net/tls.h"
#include "net/worker.h"

namespace net {

// Where an http:// or https:// URL leads.
struct HttpUrl {
  bool tls = false;
  std::string host;  // without brackets
  std::uint16_t port = 80;
  std::string target;  // path and query

  std::string authority() const;  // "host:port", the default port left out

  // On failure nothing, and `error` says what is wrong with it.
  static std::optional<HttpUrl> read(std::string_view text, std::string& error);
};

// A thread of its own does the work.
class HttpClient {
 public:
  struct Settings {
    rtmp::Duration timeout = std::chrono::seconds(10);  // of a call, with everything
    std::size_t max_connections = 64;
    std::size_t max_calls = 1024;      // that have not been answered
    std::size_t max_body = 64 * 1024;  // of an answer
    std::string ca_file = {};          // PEM; empty: the system's authorities
  };
  struct Call {
    HttpUrl url;
    std::string content_type;
    std::string body;
  };
  // What came, also if it leads elsewhere (3xx), or why nothing did.
  struct Answer {
    unsigned status = 0;  // 0: none
    std::string location = {}, body = {};
    std::string fault = {};
  };
  // Called on the client's thread.
  using Done = std::function<void(Answer)>;

  explicit HttpClient(Settings settings);
  // Drops the calls that are not answered. Not from its own thread.
  ~HttpClient();

  // Sends a POST, in one of the connections that there are if one is free. Any thread.
  void post(Call call, Done done);
  // That does the work.
  Worker& worker() { return worker_; }
  // Until all are answered, but not for longer than that. Not from its own thread.
  void wait(rtmp::Duration most);

 private:
  class Exchange;
  struct Link {
    std::unique_ptr<ByteStream> stream;
    std::string place;
    rtmp::Time since;
  };

  void begin_next();
  void end(const std::shared_ptr<Exchange>& exchange);
  std::unique_ptr<ByteStream> take_link(const std::string& place);
  void keep_link(std::unique_ptr<ByteStream> stream, const std::string& place);
  std::shared_ptr<TlsContext> tls(const std::string& host, std::string& fault);

  const Settings settings_;
  std::mutex mutex_;  // guards calls_
  std::condition_variable answered_;
  std::size_t calls_ = 0;  // that have not been answered
  // What follows is the worker's.
  std::deque<std::shared_ptr<Exchange>> waiting_;
  std::vector<std::shared_ptr<Exchange>> running_;
  bool closed_ = false;
  std::deque<Link> idle_;  // the oldest first
  std::map<std::string, std::shared_ptr<TlsContext>> tls_;
  Worker worker_;  // the last: it uses the others until it has stopped
};

}  // namespace net
