// RedisProcess: a real Redis or Valkey server for a test, on a port of its own, in a temporary
// directory, without persistence. It dies with the test, also when that crashes.

#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "backplane/redis/resp.h"
#include "protocol/base/check.h"

namespace sockhook::testing {

// "redis" or "valkey".
using RedisBrand = std::string;

inline std::string redis_program(const RedisBrand& brand) {
  return "/usr/bin/" + brand + "-server";
}

inline bool has_redis(const RedisBrand& brand) {
  return std::filesystem::exists(redis_program(brand));
}

template <typename Condition>
bool wait_until(Condition condition, int limit_ms = 15'000) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// One that nobody listens on just now, below the range that outgoing connections are given.
inline std::uint16_t free_port() {
  static std::uint32_t next = 0;
  if (next == 0) next = static_cast<std::uint32_t>(::getpid()) * 37;
  for (;;) {
    const auto port = static_cast<std::uint16_t>(11'000 + next++ % 9'000);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const sockaddr_in address = loopback(port);
    const bool is_free =
        ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    if (is_free) return port;
  }
}

// A blocking connection of the test's own. A reply that does not come is a nil.
class RedisConversation {
 public:
  explicit RedisConversation(std::uint16_t port)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const sockaddr_in address = loopback(port);
    is_connected_ =
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~RedisConversation() { ::close(fd_); }
  RedisConversation(const RedisConversation&) = delete;
  RedisConversation& operator=(const RedisConversation&) = delete;

  bool is_connected() const { return is_connected_; }

  redis::Reply run(std::vector<std::string> words) {
    const std::vector<std::string_view> arguments(words.begin(), words.end());
    std::string bytes;
    redis::append_command(bytes, arguments);
    if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return {};
    for (;;) {
      if (std::optional<redis::Reply> reply = reader_.next()) return std::move(*reply);
      char buffer[4096];
      const ssize_t size = ::recv(fd_, buffer, sizeof buffer, 0);
      if (size <= 0) return {};
      reader_.feed({buffer, static_cast<std::size_t>(size)});
    }
  }

 private:
  int fd_;
  bool is_connected_ = false;
  redis::ReplyReader reader_;
};

class RedisProcess {
 public:
  enum class Role : std::uint8_t { kServer, kSentinel };

  // `lines` of redis.conf or sentinel.conf.
  explicit RedisProcess(RedisBrand brand, std::vector<std::string> lines = {},
                        Role role = Role::kServer)
      : brand_(std::move(brand)), role_(role), port_(free_port()) {
    char path[] = "/tmp/sockhook-redis-XXXXXX";
    SOCKHOOK_CHECK(::mkdtemp(path) != nullptr);
    directory_ = path;
    std::ofstream conf(directory_ + "/redis.conf");
    conf << "bind 127.0.0.1\nport " << port_ << "\ndir " << directory_ << "\nprotected-mode no\n";
    if (role_ == Role::kServer) conf << "save \"\"\nappendonly no\nrepl-diskless-sync-delay 0\n";
    for (const std::string& line : lines) conf << line << '\n';
    conf.close();
    start();
  }
  ~RedisProcess() {
    kill();
    std::filesystem::remove_all(directory_);
  }
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  std::uint16_t port() const { return port_; }
  bool is_running() const { return pid_ != 0; }

  void start() {
    const std::string program = redis_program(brand_);
    const std::string conf = directory_ + "/redis.conf";
    const std::string log = directory_ + "/log";
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      ::dup2(fd, STDOUT_FILENO);
      ::dup2(fd, STDERR_FILENO);
      const char* const mode = role_ == Role::kSentinel ? "--sentinel" : nullptr;
      ::execl(program.c_str(), program.c_str(), conf.c_str(), mode, nullptr);
      ::_exit(127);
    }
    if (!wait_until([&] { return answers(); })) {
      ADD_FAILURE() << program << " does not start:\n" << std::ifstream(log).rdbuf();
    }
  }
  void kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGCONT);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  // Frozen: its connections stay, and nothing is answered.
  void freeze() { ::kill(pid_, SIGSTOP); }
  void thaw() { ::kill(pid_, SIGCONT); }

  // One command on a connection of its own.
  redis::Reply run(std::vector<std::string> words) const {
    return RedisConversation(port_).run(std::move(words));
  }
  std::string text(std::vector<std::string> words) const {
    const redis::Reply reply = run(std::move(words));
    return reply.string() != nullptr ? *reply.string() : std::string(reply.error());
  }

 private:
  bool answers() const {
    RedisConversation conversation(port_);
    if (!conversation.is_connected()) return false;
    const redis::Reply reply = conversation.run({"PING"});
    return reply.string() != nullptr || reply.is_error("NOAUTH");
  }

  const RedisBrand brand_;
  const Role role_;
  const std::uint16_t port_;
  std::string directory_;
  pid_t pid_ = 0;
};

}  // namespace sockhook::testing
