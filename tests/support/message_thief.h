// MessageThief: a relay in front of a Redis server that can swallow published messages, and nothing
// else: connections are healthy, commands and PINGs are answered, and what is published is not
// heard. On a thread of its own.

#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/redis_process.h"

namespace sockhook::testing {

class MessageThief {
 public:
  explicit MessageThief(std::uint16_t server_port) : server_port_(server_port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const sockaddr_in address = loopback(port_);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~MessageThief() {
    is_ending_ = true;
    thread_.join();
    for (const auto& [from, to] : peers_) ::close(from);
    ::close(listener_);
  }
  MessageThief(const MessageThief&) = delete;
  MessageThief& operator=(const MessageThief&) = delete;

  std::uint16_t port() const { return port_; }
  void steal(bool does_steal) { does_steal_ = does_steal; }

 private:
  void run() {
    while (!is_ending_) {
      std::vector<pollfd> sockets{{listener_, POLLIN, 0}};
      for (const auto& [from, to] : peers_) sockets.push_back({from, POLLIN, 0});
      ::poll(sockets.data(), sockets.size(), 10);
      if (sockets[0].revents != 0) accept_client();
      for (std::size_t i = 1; i < sockets.size(); ++i) {
        if (sockets[i].revents != 0) pass_on(sockets[i].fd);
      }
    }
  }
  void accept_client() {
    const int client = ::accept(listener_, nullptr, nullptr);
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(server_port_);
    ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    peers_[client] = server;
    peers_[server] = client;
  }
  void pass_on(int from) {
    const auto found = peers_.find(from);
    if (found == peers_.end()) return;  // its peer has ended in this round
    const int to = found->second;
    char buffer[65'536];
    const ssize_t size = ::recv(from, buffer, sizeof buffer, 0);
    if (size <= 0) {
      peers_.erase(from);
      peers_.erase(to);
      ::close(from);
      ::close(to);
      return;
    }
    const std::string_view data(buffer, static_cast<std::size_t>(size));
    if (does_steal_ && data.starts_with("*3\r\n$7\r\nmessage\r\n")) return;
    ::send(to, data.data(), data.size(), MSG_NOSIGNAL);
  }

  const std::uint16_t server_port_;
  const std::uint16_t port_ = free_port();
  int listener_;
  std::map<int, int> peers_;  // socket -> the one that its bytes go to
  std::atomic<bool> does_steal_{false};
  std::atomic<bool> is_ending_{false};
  std::thread thread_;
};

}  // namespace sockhook::testing
