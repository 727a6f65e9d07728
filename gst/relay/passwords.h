// The passwords of those who may log in, as an operator wrote them down.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "rtmp/clock.h"

namespace relay {

using Passwords = std::map<std::string, std::string, std::less<>>;

// Lines "user:password"; those that begin with `#` and empty ones do not count. On failure nothing,
// and `error` is a sentence that names the line, but not what is in it.
std::optional<Passwords> read_passwords(std::string_view text, std::string& error);

// From any thread.
class PasswordFile {
 public:
  // What is wrong with the file now, if the old passwords stay in use; empty: the new ones are.
  using OnReload = std::function<void(const std::string& fault)>;

  // On failure nothing, and `error` is a sentence that names the file.
  static std::shared_ptr<PasswordFile> open(std::string path, OnReload on_reload,
                                            std::string& error);

  // Looks now and then whether the file has changed.
  std::optional<std::string> find(const std::string& user, rtmp::Time now);

 private:
  using FileTime = std::filesystem::file_time_type;

  PasswordFile(std::string path, OnReload on_reload)
      : path_(std::move(path)), on_reload_(std::move(on_reload)) {}
  std::optional<Passwords> read(std::string& error) const;
  void reload();

  const std::string path_;
  const OnReload on_reload_;
  std::mutex mutex_;  // guards what follows
  Passwords passwords_;
  FileTime seen_ = {};
  rtmp::Time next_look_ = {};
};

}  // namespace relay
