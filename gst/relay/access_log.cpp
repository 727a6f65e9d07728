// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/access_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <future>

namespace relay {
namespace {

// Addresses of people are in it.
constexpr mode_t mode = 0640;

int open_file(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, mode);
}

std::string fault_of(const std::string& path) {
  return "The access log " + path + " cannot be written: " + std::strerror(errno) + ".";
}

// What waits has an end, however much a client said.
void shorten(SessionReport& report) {
  for (std::string* text :
       {&report.user, &report.app, &report.tc_url, &report.page_url, &report.swf_url,
        &report.flash_version, &report.name, &report.query, &report.stream})
    if (text->size() > AccessLog::max_text) *text = text->substr(0, AccessLog::max_text);
}

}  // namespace

AccessLog::AccessLog(std::function<void(const std::string&)> on_fault)
    : on_fault_(std::move(on_fault)), worker_("rtmp-log") {}

AccessLog::~AccessLog() {
  flush();
  close();
}

std::string AccessLog::set(const std::string& path, LogFormat format) {
  const int descriptor = path.empty() ? -1 : open_file(path);
  if (!path.empty() && descriptor < 0) return fault_of(path);
  const std::lock_guard lock(mutex_);
  batch_.reset();  // what comes now is for the other file
  boost::asio::post(worker_.context(), [this, file = File{descriptor, path, std::move(format)}] {
    close();
    file_ = file;
    faulty_ = false;
  });
  return {};
}

void AccessLog::reopen() {
  boost::asio::post(worker_.context(), [this] { open_again(); });
}

void AccessLog::flush() {
  std::promise<void> done;
  boost::asio::post(worker_.context(), [&done] { done.set_value(); });
  done.get_future().wait();
}

void AccessLog::write(SessionReport report) {
  shorten(report);
  const std::lock_guard lock(mutex_);
  if (waiting_ >= max_waiting) {
    ++lost_;
    return;
  }
  if (!batch_) {
    batch_ = std::make_shared<Batch>();
    boost::asio::post(worker_.context(), [this, batch = batch_] { write_batch(batch); });
  }
  batch_->push_back(std::move(report));
  ++waiting_;
}

// --- on its thread

void AccessLog::write_batch(const std::shared_ptr<Batch>& batch) {
  {
    const std::lock_guard lock(mutex_);
    if (batch_ == batch) batch_.reset();
    waiting_ -= batch->size();
  }
  if (file_.path.empty()) return;
  std::string lines;
  for (const SessionReport& report : *batch) lines += file_.format.write(report) + '\n';
  if (!is_in_place()) open_again();
  append(lines, batch->size());
}

// Whether the path still leads to the file.
bool AccessLog::is_in_place() const {
  struct stat ours = {}, there = {};
  return ::fstat(file_.descriptor, &ours) == 0 && ::stat(file_.path.c_str(), &there) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

// Lines rather go on in the renamed file than nowhere.
void AccessLog::open_again() {
  if (file_.path.empty()) return;
  const int descriptor = open_file(file_.path);
  if (descriptor < 0) {
    tell(fault_of(file_.path));
    return;
  }
  close();
  file_.descriptor = descriptor;
}

void AccessLog::append(const std::string& lines, std::size_t count) {
  std::size_t written = 0;
  while (written < lines.size()) {
    const ssize_t size = ::write(file_.descriptor, lines.data() + written, lines.size() - written);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      lost_ += count;
      tell(fault_of(file_.path));
      return;
    }
    written += static_cast<std::size_t>(size);
  }
  faulty_ = false;
}

void AccessLog::tell(const std::string& fault) {
  if (!std::exchange(faulty_, true)) on_fault_(fault);
}

void AccessLog::close() {
  if (file_.descriptor >= 0) ::close(file_.descriptor);
  file_.descriptor = -1;
}

}  // namespace relay
