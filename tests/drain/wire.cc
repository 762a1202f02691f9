#include "tests/drain/wire.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "bench/socket.h"

namespace drain_load {

void Wire::adopt(int fd, bool is_connecting) {
  fd_ = fd;
  is_connecting_ = is_waiting_ = is_connecting;
  is_ending_ = false;
  in_.clear();
  out_.clear();
  loop_.watch(fd, is_connecting ? EPOLLOUT : EPOLLIN, EPOLL_CTL_ADD, this);
}

void Wire::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Wire::send(std::string_view bytes) {
  if (!is_open()) return;
  out_.append(bytes);
  // A broken socket tells by an event, too.
  if (!is_connecting_) static_cast<void>(flush());
}

void Wire::end() {
  is_ending_ = true;
  send({});
}

bool Wire::flush() {
  if (!out_.empty()) {
    const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
  }
  if (out_.empty() && is_ending_) ::shutdown(fd_, SHUT_WR);
  const bool is_waiting = !out_.empty();
  if (std::exchange(is_waiting_, is_waiting) != is_waiting) {
    loop_.watch(fd_, is_waiting ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD, this);
  }
  return true;
}

void Wire::on_ready(uint32_t events) {
  bool is_fine = true;
  if (std::exchange(is_connecting_, false)) {
    is_fine = bench::connect_error(fd_) == 0;
    if (is_fine) on_connected();
    if (is_fine && is_open()) is_fine = flush();
  } else {
    if ((events & EPOLLOUT) != 0) is_fine = flush();
    if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) is_fine = read() && is_fine;
  }
  if (is_fine || !is_open()) return;
  close();
  on_end();
}

bool Wire::read() {
  static std::array<char, std::size_t{64} * 1024> buffer;
  const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  in_.append(buffer.data(), static_cast<std::size_t>(got));
  const std::size_t used = on_data(in_);
  in_.erase(0, used);
  return true;
}

}  // namespace drain_load
