// A file with a line for each client that has gone.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "net/worker.h"
#include "relay/session_report.h"

namespace relay {

// Lines are put together and written on a thread of its own, so that a slow disk holds nobody up.
// What does not fit into its queue, or cannot be written, is lost and counted. Any thread may call.
class AccessLog {
 public:
  static constexpr std::size_t max_waiting = 10'000;  // lines
  static constexpr std::size_t max_text = 1024;       // bytes of what a client said, each

  // `on_fault`: the file cannot be written, or not be opened again; told once until it can. Called
  // on the log's thread.
  explicit AccessLog(std::function<void(const std::string& fault)> on_fault);
  // Writes what waits.
  ~AccessLog();

  // From now on there, in that form; an empty path is nowhere. On failure the sentence why, and it
  // goes on as before.
  std::string set(const std::string& path, LogFormat format);
  void write(SessionReport report);
  // Opens the file again. It does so by itself before it writes, where the file was renamed or
  // removed.
  void reopen();
  // Waits until what was given so far is written.
  void flush();

  std::uint64_t lost() const { return lost_; }  // lines

 private:
  struct File {
    int descriptor = -1;
    std::string path;
    LogFormat format;
  };

  // Lines that are written together, in the file that is there when the first of them comes.
  using Batch = std::vector<SessionReport>;

  void write_batch(const std::shared_ptr<Batch>& batch);
  bool is_in_place() const;
  void open_again();
  void append(const std::string& lines, std::size_t count);
  void tell(const std::string& fault);
  void close();

  const std::function<void(const std::string&)> on_fault_;
  std::atomic<std::uint64_t> lost_ = 0;
  std::mutex mutex_;              // guards what follows, and in which order the thread is told
  std::shared_ptr<Batch> batch_;  // the last one, as long as lines may be added; or null
  std::size_t waiting_ = 0;       // lines
  // The log's thread's:
  File file_;
  bool faulty_ = false;  // and that was told
  net::Worker worker_;   // the last member: it uses the others until it has stopped
};

}  // namespace relay
