// nginx with its RTMP module, as a peer that others wrote.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <fstream>
#include <string>

#include "support/process.h"

namespace rtmp::test {

// Applications "live", and "closed", which refuses publishers. Tests skip where it is not
// installed.
class Nginx {
 public:
  static bool available() {
    return std::filesystem::exists(module_file) && std::filesystem::exists(program);
  }

  Nginx() : port_(free_port()) {
    std::ofstream(folder_ / "nginx.conf") << configuration();
    process_.emplace(std::vector<std::string>{program, "-p", folder_.path(), "-c", "nginx.conf",
                                              "-e", folder_ / "error.log"});
  }

  bool wait_listening() { return process_->wait_listening(port_); }
  std::uint16_t port() const { return port_; }

 private:
  static constexpr const char* module_file = "/usr/lib/nginx/modules/ngx_rtmp_module.so";
  static constexpr const char* program = "/usr/sbin/nginx";

  std::string configuration() const {
    return std::string("load_module ") + module_file +
           ";\n"
           "daemon off; master_process off;\n"
           "pid nginx.pid; error_log error.log info;\n"
           "events { worker_connections 64; }\n"
           "rtmp { access_log off; server {\n"
           "  listen 127.0.0.1:" +
           std::to_string(port_) +
           ";\n"
           "  chunk_size 4096;\n"
           "  application live { live on; wait_key off; wait_video off; publish_notify on; }\n"
           "} }\n";
  }

  std::uint16_t port_;
  TemporaryFolder folder_;
  std::optional<Process> process_;
};

}  // namespace rtmp::test
