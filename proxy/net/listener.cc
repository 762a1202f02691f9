#include "proxy/net/listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sockhook::net {
namespace {

std::string complaint(const SocketAddress& address, int error) {
  const std::string why = error == EADDRINUSE ? "address in use" : std::strerror(error);
  return "cannot listen on " + address.to_string() + ": " + why;
}

int new_socket(int family) {
  return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// Bound and, if asked, listening; -1 with errno set otherwise.
int bound_tcp_socket(const SocketAddress& address, bool shares_port) {
  const int fd = new_socket(address.family());
  if (fd < 0) return -1;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (shares_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  if (::bind(fd, address.get(), address.length()) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

SocketAddress bound_address(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::from(reinterpret_cast<const sockaddr*>(&storage), length);
}

bool is_live_unix_socket(const SocketAddress& address) {
  const int fd = new_socket(AF_UNIX);
  if (fd < 0) return false;
  const bool refused = ::connect(fd, address.get(), address.length()) != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return !refused;
}

}  // namespace

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(other.address_) {}

ListenSocket::~ListenSocket() {
  if (fd_ >= 0) ::close(fd_);
}

int ListenSocket::release() { return std::exchange(fd_, -1); }

Result<ListenSocket, std::string> ListenSocket::open(const SocketAddress& address) {
  return address.is_unix() ? open_unix(address) : open_tcp(address);
}

Result<ListenSocket, std::string> ListenSocket::open_tcp(const SocketAddress& address) {
  // Bound alone first: SO_REUSEPORT would let a second node share the port without a word.
  const int probe = bound_tcp_socket(address, false);
  if (probe < 0) return Failure{complaint(address, errno)};
  SocketAddress bound = bound_address(probe);
  ::close(probe);
  const int fd = bound_tcp_socket(bound, true);
  if (fd < 0 || ::listen(fd, Listener::kBacklog) != 0) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    return Failure{complaint(bound, error)};
  }
  return ListenSocket(fd, bound);
}

Result<ListenSocket, std::string> ListenSocket::open_unix(const SocketAddress& address) {
  const std::string path = address.to_string().substr(sizeof("unix:") - 1);
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode) || is_live_unix_socket(address)) {
      return Failure{complaint(address, EADDRINUSE)};
    }
    ::unlink(path.c_str());
  }
  const int fd = new_socket(AF_UNIX);
  if (fd < 0) return Failure{complaint(address, errno)};
  const mode_t mask = ::umask(0117);  // the file is never wider open than 0660
  const bool is_bound = ::bind(fd, address.get(), address.length()) == 0;
  const int error = errno;
  ::umask(mask);
  if (!is_bound || ::listen(fd, Listener::kBacklog) != 0) {
    ::close(fd);
    return Failure{complaint(address, is_bound ? errno : error)};
  }
  return ListenSocket(fd, address);
}

Result<ListenSocket, std::string> ListenSocket::share() const {
  if (address_.is_unix()) {
    const int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return Failure{complaint(address_, errno)};
    return ListenSocket(fd, address_);
  }
  const int fd = bound_tcp_socket(address_, true);
  if (fd < 0 || ::listen(fd, Listener::kBacklog) != 0) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    return Failure{complaint(address_, error)};
  }
  return ListenSocket(fd, address_);
}

Listener::Listener(Loop& loop, ListenSocket socket, AcceptListener* owner)
    : owner_(owner), is_unix_(socket.address().is_unix()) {
  const int fd = socket.release();
  int error = 0;
  if (is_unix_) {
    error = uv_pipe_init(loop.uv(), &handle_.pipe, 0);
    if (error == 0) error = uv_pipe_open(&handle_.pipe, fd);
  } else {
    error = uv_tcp_init(loop.uv(), &handle_.tcp);
    if (error == 0) error = uv_tcp_open(&handle_.tcp, static_cast<uv_os_sock_t>(fd));
  }
  SOCKHOOK_CHECK(error == 0);
  handle_.handle.data = this;
  error = uv_listen(&handle_.stream, kBacklog, [](uv_stream_t* server, int status) {
    if (status != 0) return;
    auto* self = static_cast<Listener*>(server->data);
    self->owner_->on_connection({self->is_unix_, server, -1});
  });
  SOCKHOOK_CHECK(error == 0);
}

Listener::~Listener() { SOCKHOOK_CHECK(handle_.handle.data == nullptr); }

// Closing the socket would reset what waits in its accept queue.
void Listener::take_backlog() {
  uv_os_fd_t server = -1;
  if (uv_fileno(&handle_.handle, &server) != 0) return;
  for (int taken = 0; taken < kBacklog; ++taken) {
    const int fd = ::accept4(server, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    owner_->on_connection({is_unix_, nullptr, fd});
  }
}

void Listener::stop() {
  if (std::exchange(is_stopped_, true)) return;
  take_backlog();
  uv_close(&handle_.handle, [](uv_handle_t* handle) {
    auto* self = static_cast<Listener*>(std::exchange(handle->data, nullptr));
    self->owner_->on_stopped();
  });
}

}  // namespace sockhook::net
