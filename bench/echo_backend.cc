// echo_backend ADDRESS: the smallest honest HTTP/1.1 backend, to measure a proxy against.
//
// Answers every request with its own body and content type; `/join/GROUP` instead with the effect
// that puts a connection into GROUP. Keep-alive, one thread. On SIGTERM it says what it cost.

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/cpu_time.h"
#include "bench/http_text.h"
#include "bench/socket.h"

namespace bench {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} * 1024;
constexpr std::size_t kMaxRequestBytes = std::size_t{64} * 1024 * 1024;
constexpr int kEventsPerTurn = 512;

struct Connection {
  std::string in;   // of an incomplete request
  std::string out;  // what the socket has not taken yet
};

class EchoBackend {
 public:
  explicit EchoBackend(const sockaddr_in& address)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)),
        listener_(listen_on(address)),
        signals_(block_signals()) {
    watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
    watch(signals_, EPOLLIN, EPOLL_CTL_ADD);
  }

  void run() {
    std::vector<epoll_event> events(kEventsPerTurn);
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), kEventsPerTurn, -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == signals_) return report();
        if (fd == listener_) {
          accept_all();
        } else if (!serve(fd, events[static_cast<std::size_t>(i)].events)) {
          connections_.erase(fd);
          ::close(fd);
        }
      }
    }
  }

 private:
  static int block_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    return signalfd(-1, &set, SFD_CLOEXEC);
  }

  void watch(int fd, uint32_t events, int operation) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, operation, fd, &event) != 0) die("epoll_ctl");
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      connections_[fd] = std::make_unique<Connection>();
      watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  // False: the connection is over.
  bool serve(int fd, uint32_t events) {
    Connection& connection = *connections_[fd];
    if ((events & EPOLLOUT) != 0) return flush(fd, connection, true);
    const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
    if (!connection.in.empty()) bytes = connection.in.append(bytes);
    std::size_t used = 0;
    while (const auto request = read_http_message(bytes.substr(used))) {
      answer(*request, connection.out);
      used += request->size;
    }
    if (bytes.size() - used > kMaxRequestBytes) return false;
    connection.in = std::string(bytes.substr(used));
    return connection.out.empty() || flush(fd, connection, false);
  }

  void answer(const HttpMessage& request, std::string& out) {
    ++requests_;
    constexpr std::string_view kJoin = "/join/";
    const std::string_view line = request.start_line;
    const std::string_view target = line.substr(line.find(' ') + 1);
    if (target.starts_with(kJoin)) {
      const std::string_view group = target.substr(kJoin.size());
      out.append("HTTP/1.1 200 OK\r\nSockhook-Join: ").append(group.substr(0, group.find(' ')));
      out.append("\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    out.append("HTTP/1.1 200 OK\r\nContent-Type: ");
    const std::string_view type = find_header(request.headers, "Content-Type");
    out.append(type.empty() ? "application/octet-stream" : type).append("\r\nContent-Length: ");
    out.append(std::to_string(request.body.size())).append("\r\n\r\n").append(request.body);
  }

  bool flush(int fd, Connection& connection, bool was_full) {
    const ssize_t sent = send(fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    connection.out.erase(0, sent < 0 ? 0 : static_cast<std::size_t>(sent));
    const bool is_full = !connection.out.empty();
    // While the peer does not read its answers, no more requests are read.
    if (is_full != was_full) watch(fd, is_full ? EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
    return true;
  }

  void report() const {
    std::printf("{\"requests\": %llu, \"cpu_us\": %lld}\n",
                static_cast<unsigned long long>(requests_),
                static_cast<long long>(own_cpu_ns() / 1000));
  }

  int epoll_;
  int listener_;
  int signals_;
  uint64_t requests_ = 0;
  std::vector<char> buffer_ = std::vector<char>(kReadBytes);
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  if (argc != 2) bench::die("usage: echo_backend ADDRESS:PORT");
  bench::raise_descriptor_limit();
  bench::EchoBackend(bench::parse_address(argv[1])).run();
}
