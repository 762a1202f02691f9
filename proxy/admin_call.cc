#include "proxy/admin_call.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "protocol/http/http_parser.h"
#include "proxy/net/socket_address.h"

namespace sockhook {
namespace {

using Clock = std::chrono::steady_clock;

net::SocketAddress where(const conf::Address& address) {
  if (address.is_unix()) return net::SocketAddress::unix_path(address.unix_path);
  std::string host = address.host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  return net::SocketAddress::ip(host, address.port);
}

class Socket {
 public:
  explicit Socket(int family) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }

  // False: there is no time left. Connecting counts as sending.
  bool wait_until(Clock::time_point end) const {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    constexpr std::int64_t kSecond = 1'000'000;
    const timeval time{left.count() / kSecond, left.count() % kSecond};
    return ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) == 0 &&
           ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) == 0;
  }

 private:
  const int fd_;
};

class Answer final : public http::ResponseListener {
 public:
  AdminAnswer content;
  bool is_complete = false;

 private:
  void on_informational(const http::ResponseHead&) override {}
  void on_head(http::ResponseHead& head) override { content.status = head.status; }
  void on_body(std::string_view data) override { content.body.append(data); }
  void on_complete(http::Headers&) override { is_complete = true; }
};

Failure<AdminCallError> failure(std::string what) { return {{false, std::move(what)}}; }

Failure<AdminCallError> failure_of_system() {
  const int error = errno;
  const bool is_late = error == EAGAIN || error == EWOULDBLOCK || error == EINPROGRESS;
  return {{error == ECONNREFUSED || error == ENOENT,
           is_late ? "no answer in time" : std::string(std::strerror(error))}};
}

Result<AdminAnswer, AdminCallError> read_answer(const Socket& socket, Clock::time_point end) {
  Answer answer;
  http::ResponseParser parser(&answer);
  char bytes[4096];
  while (!answer.is_complete) {
    if (!socket.wait_until(end)) return failure("no answer in time");
    const ssize_t size = ::recv(socket.fd(), bytes, sizeof(bytes), 0);
    if (size < 0) return failure_of_system();
    if (size == 0) return failure("the connection was closed without an answer");
    const auto parsed = parser.feed({bytes, static_cast<std::size_t>(size)});
    if (parsed.state == http::ParseState::kError || parsed.state == http::ParseState::kUpgrade ||
        answer.content.body.size() > kAdminAnswerBytes) {
      return failure("what answers there is no admin listener");
    }
  }
  return std::move(answer.content);
}

std::string request_text(const conf::AdminListener& listener, std::string_view method,
                         std::string_view path) {
  std::string text(method);
  text.append(" ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
  if (listener.token) text.append("Authorization: Bearer ").append(*listener.token).append("\r\n");
  if (method == "POST") text.append("Content-Length: 0\r\n");
  return text.append("\r\n");
}

}  // namespace

Result<AdminAnswer, AdminCallError> admin_call(const conf::AdminListener& listener,
                                               std::string_view method, std::string_view path) {
  const auto end = Clock::now() + std::chrono::milliseconds(kAdminCallMs);
  const net::SocketAddress address = where(listener.address);
  const Socket socket(address.family());
  const std::string request = request_text(listener, method, path);
  if (socket.fd() < 0 || !socket.wait_until(end) ||
      ::connect(socket.fd(), address.get(), address.length()) != 0) {
    return failure_of_system();
  }
  // Far below what a fresh socket takes at once.
  const ssize_t sent = ::send(socket.fd(), request.data(), request.size(), MSG_NOSIGNAL);
  if (sent < 0) return failure_of_system();
  if (static_cast<std::size_t>(sent) != request.size()) return failure("not all could be sent");
  return read_answer(socket, end);
}

}  // namespace sockhook
