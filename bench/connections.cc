#include "bench/connections.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "bench/socket.h"

namespace bench {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} * 1024;
constexpr std::size_t kEventsPerTurn = 512;

std::string name_of(const Connection& connection) {
  return "connection " + std::to_string(connection.number);
}

}  // namespace

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)), events_(kEventsPerTurn) {}

void Poller::watch(Connection& connection, uint32_t events, int operation) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &connection;
  if (epoll_ctl(epoll_, operation, connection.fd, &event) != 0) die("epoll_ctl");
}

void Poller::turn(int timeout_ms) {
  const int count =
      epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    auto& connection = *static_cast<Connection*>(event.data.ptr);
    connection.owner->on_event(connection, event.events);
  }
}

void Connections::open(std::size_t count, std::size_t at_a_time, int time_limit_s) {
  const int64_t deadline = now_ns() + int64_t{time_limit_s} * 1'000'000'000;
  while (ready_ < count) {
    while (all_.size() < count && all_.size() - ready_ < at_a_time) {
      Connection& connection = all_.emplace_back();
      connection.owner = this;
      connection.number = static_cast<uint32_t>(all_.size() - 1);
      connection.fd = begin_connect(target_, connection.number);
      poller_.watch(connection, EPOLLOUT, EPOLL_CTL_ADD);
    }
    poller_.turn(100);
    if (now_ns() > deadline) {
      die("only " + std::to_string(ready_) + " of " + std::to_string(count) +
          " connections in time");
    }
  }
}

void Connections::mark_ready(Connection& connection) {
  connection.ready = true;
  ++ready_;
}

void Connections::on_event(Connection& connection, uint32_t events) {
  if (!connection.connected) return finish_connect(connection);
  if ((events & EPOLLOUT) != 0) flush(connection);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read(connection);
}

void Connections::finish_connect(Connection& connection) {
  if (const int error = connect_error(connection.fd)) {
    die(name_of(connection) + ": " + std::strerror(error));
  }
  connection.connected = true;
  poller_.watch(connection, EPOLLIN, EPOLL_CTL_MOD);
  handler_.on_connected(connection);
  flush(connection);
}

void Connections::read(Connection& connection) {
  static std::array<char, kReadBytes> buffer;
  const ssize_t got = recv(connection.fd, buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) die(name_of(connection) + " was closed by the server");
  std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  if (!connection.in.empty()) bytes = connection.in.append(bytes);
  const std::size_t used = handler_.on_data(connection, bytes);
  if (used < bytes.size()) {
    connection.in = std::string(bytes.substr(used));
  } else if (!connection.in.empty()) {
    std::string().swap(connection.in);  // an idle connection keeps no buffer
  }
  flush(connection);
}

void Connections::flush(Connection& connection) {
  if (!connection.out.empty()) {
    const ssize_t sent =
        send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) die(name_of(connection) + ": " + std::strerror(errno));
    if (sent > 0) connection.out.erase(0, static_cast<std::size_t>(sent));
  }
  const bool waiting = !connection.out.empty();
  if (waiting != connection.waiting) {
    connection.waiting = waiting;
    poller_.watch(connection, waiting ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
  }
}

}  // namespace bench
