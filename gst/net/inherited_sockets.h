// Listening sockets that systemd opened for this process (sd_listen_fds(3)).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "rtmp/error.h"

namespace net {

// Copies of those of that name (FileDescriptorName=), or of all; the caller closes them. While the
// process lives, the sockets stay and clients wait in them, whoever closes his copies. The error
// says that there is none, or that one is no listening stream socket.
rtmp::Result<std::vector<int>> inherited_sockets(const std::string& name);

}  // namespace net
