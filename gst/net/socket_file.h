// The file of a listening unix socket.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "rtmp/error.h"

namespace net {

// Is there from bind() on, and is removed with this.
class SocketFile {
 public:
  SocketFile() = default;
  ~SocketFile();
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  // Binds the socket; "@name" is a name without a file (Linux's abstract sockets). A file that
  // nobody listens behind any more gives way. Nobody connects before listen(), so the mode counts
  // from the beginning.
  boost::system::error_code bind(int socket, const std::string& path, unsigned mode);

 private:
  std::string path_;  // empty: there is none
  unsigned long device_ = 0, inode_ = 0;
};

}  // namespace net
