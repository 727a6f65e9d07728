// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/socket_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace net {
namespace {

using boost::system::error_code;

error_code last_error() { return {errno, boost::system::system_category()}; }

struct Name {
  sockaddr_un address = {};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// A name without a file begins with a zero, and ends with its last letter.
error_code make_name(const std::string& path, Name& name) {
  if (path.empty() || path == "@") return {EINVAL, boost::system::system_category()};
  if (path.size() >= sizeof name.address.sun_path)
    return {ENAMETOOLONG, boost::system::system_category()};
  name.address.sun_family = AF_UNIX;
  std::memcpy(name.address.sun_path, path.data(), path.size());
  const bool abstract = path.front() == '@';
  if (abstract) name.address.sun_path[0] = '\0';
  name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + !abstract);
  return {};
}

bool is_socket(const std::string& path) {
  struct stat found = {};
  return ::lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode);
}

// Without waiting: a server that is too busy to answer is one.
bool nobody_listens(const Name& name) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return false;
  const bool refused = ::connect(probe, name.get(), name.size) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

}  // namespace

error_code SocketFile::bind(int socket, const std::string& path, unsigned mode) {
  Name name;
  if (const error_code error = make_name(path, name)) return error;
  int bound = ::bind(socket, name.get(), name.size);
  if (bound != 0 && errno == EADDRINUSE && is_socket(path) && nobody_listens(name)) {
    ::unlink(path.c_str());
    bound = ::bind(socket, name.get(), name.size);
  }
  if (bound != 0) return last_error();
  if (path.front() == '@') return {};
  struct stat made = {};
  if (::chmod(path.c_str(), mode) != 0 || ::lstat(path.c_str(), &made) != 0) {
    const error_code error = last_error();
    ::unlink(path.c_str());
    return error;
  }
  path_ = path;
  device_ = made.st_dev;
  inode_ = made.st_ino;
  return {};
}

// Somebody else may have put another one there.
SocketFile::~SocketFile() {
  struct stat found = {};
  if (path_.empty() || ::lstat(path_.c_str(), &found) != 0) return;
  if (found.st_dev == device_ && found.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace net
