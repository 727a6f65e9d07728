// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/passwords.h"

#include <array>
#include <fstream>
#include <sstream>

#include "rtmp/url.h"

namespace relay {
namespace {

constexpr auto time_between_looks = std::chrono::seconds(1);

}  // namespace

std::optional<Passwords> read_passwords(std::string_view text, std::string& error) {
  Passwords passwords;
  std::istringstream in{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t colon = line.find(':');
    const std::string user = line.substr(0, colon);
    const bool complete = colon != line.npos && !user.empty() && colon + 1 < line.size();
    if (!complete || !rtmp::is_acceptable_name(user)) {
      error = "line " + std::to_string(number) + " is not user:password.";
      return std::nullopt;
    }
    if (!passwords.emplace(user, line.substr(colon + 1)).second) {
      error = "line " + std::to_string(number) + " has a user who was there before.";
      return std::nullopt;
    }
  }
  return passwords;
}

std::shared_ptr<PasswordFile> PasswordFile::open(std::string path, OnReload on_reload,
                                                 std::string& error) {
  const std::shared_ptr<PasswordFile> file(new PasswordFile(std::move(path), std::move(on_reload)));
  std::error_code none;  // a file without a time cannot be read either
  file->seen_ = std::filesystem::last_write_time(file->path_, none);
  auto passwords = file->read(error);
  if (!passwords) return nullptr;
  file->passwords_ = std::move(*passwords);
  return file;
}

std::optional<Passwords> PasswordFile::read(std::string& error) const {
  const std::string fault = "The password file " + path_ + " cannot be used: ";
  std::ifstream in(path_, std::ios::binary);
  std::string text;
  std::array<char, 4096> block;
  while (in.read(block.data(), block.size()) || in.gcount() > 0)
    text.append(block.data(), static_cast<std::size_t>(in.gcount()));
  if (in.bad() || !in.eof()) {
    error = fault + "it cannot be read.";
    return std::nullopt;
  }
  auto passwords = read_passwords(text, error);
  if (!passwords) error = fault + error;
  return passwords;
}

std::optional<std::string> PasswordFile::find(const std::string& user, rtmp::Time now) {
  const std::lock_guard lock(mutex_);
  if (now >= next_look_) {
    next_look_ = now + time_between_looks;
    reload();
  }
  const auto found = passwords_.find(user);
  return found == passwords_.end() ? std::nullopt : std::optional(found->second);
}

void PasswordFile::reload() {
  std::error_code error;
  const FileTime time = std::filesystem::last_write_time(path_, error);
  if (error || time == seen_) return;  // one that is being replaced comes back
  seen_ = time;
  std::string fault;
  auto passwords = read(fault);
  if (passwords) passwords_ = std::move(*passwords);
  on_reload_(fault);
}

}  // namespace relay
