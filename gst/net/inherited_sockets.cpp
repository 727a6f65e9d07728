// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/inherited_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace net {
namespace {

using boost::system::error_code;

constexpr int first_descriptor = 3;
constexpr long most_descriptors = 1024;

error_code system_error(int code) { return {code, boost::system::system_category()}; }

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The variables may be somebody else's, whose child we are.
long descriptors_for_us() {
  if (std::atol(variable("LISTEN_PID").c_str()) != ::getpid()) return 0;
  return std::min(std::atol(variable("LISTEN_FDS").c_str()), most_descriptors);
}

// "rtmp:admin"; without it systemd has given no names.
std::vector<std::string> names() {
  std::istringstream in(variable("LISTEN_FDNAMES"));
  std::vector<std::string> names;
  for (std::string name; std::getline(in, name, ':');) names.push_back(name);
  return names;
}

bool listens(int socket) {
  int type = 0, accepts = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return false;
  if (::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) != 0) return false;
  return type == SOCK_STREAM && accepts != 0;
}

}  // namespace

rtmp::Result<std::vector<int>> inherited_sockets(const std::string& name) {
  const std::vector<std::string> known = names();
  std::vector<int> copies;
  error_code error;
  for (long i = 0; i < descriptors_for_us() && !error; ++i) {
    const auto index = static_cast<std::size_t>(i);
    if (!name.empty() && (index >= known.size() || known[index] != name)) continue;
    const int descriptor = first_descriptor + static_cast<int>(i);
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) error = system_error(errno);
    if (copy >= 0) copies.push_back(copy);
    if (copy >= 0 && !listens(copy)) error = system_error(ENOTSOCK);
  }
  if (!error && copies.empty()) error = system_error(ENOENT);
  if (!error) return copies;
  for (const int copy : copies) ::close(copy);
  return error;
}

}  // namespace net
