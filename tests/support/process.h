// Programs that tests run beside themselves, and ports for them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace rtmp::test {

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A port of 127.0.0.1 on which nobody listens now, below the range that the kernel gives out: what
// runs at the same time does not take it.
inline std::uint16_t free_port() {
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> ports(20'000, 31'999);
  while (true) {
    const std::uint16_t port = ports(random);
    const sockaddr_in address = loopback(port);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int taken = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(socket);
    if (taken == 0) return port;
  }
}

inline bool is_listening(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const int failed = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::close(socket);
  return failed == 0;
}

// A folder that goes with its object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "rtmp-test-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A child process, ended by its id when the object goes.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ != 0) return;
    // It must not outlive a test that crashes.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ~Process() { terminate(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool running() {
    if (pid_ <= 0) return false;
    if (::waitpid(pid_, nullptr, WNOHANG) == 0) return true;
    pid_ = -1;
    return false;
  }

  // False if it ended, or does not listen in time.
  bool wait_listening(std::uint16_t port,
                      std::chrono::milliseconds at_most = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + at_most;
    while (running() && std::chrono::steady_clock::now() < end) {
      if (is_listening(port)) return true;
      wait_exit(std::chrono::milliseconds(5));
    }
    return false;
  }

  // True once it has ended.
  bool wait_exit(std::chrono::milliseconds at_most) {
    if (pid_ <= 0) return true;
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    pollfd poll = {handle, POLLIN, 0};
    ::poll(&poll, 1, static_cast<int>(at_most.count()));
    ::close(handle);
    return !running();
  }

  void terminate() {
    if (!running()) return;
    ::kill(pid_, SIGTERM);
    if (!wait_exit(std::chrono::seconds(5))) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace rtmp::test
