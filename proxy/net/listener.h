// Listener: accepts connections on one listening socket and hands each to its owner.
//
// ListenSocket opens the socket once for a node; each worker's Listener then has a descriptor of
// its own: for TCP a further socket on the same port (SO_REUSEPORT: the kernel spreads the
// connections), for a unix path a duplicate.
//
// Owner: a Worker or the Control. Thread: its loop's. The owner destroys it after on_stopped.

#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <string>

#include "protocol/base/result.h"
#include "proxy/net/loop.h"
#include "proxy/net/socket_address.h"
#include "proxy/net/socket_stream.h"

namespace sockhook::net {

// A bound and listening socket's descriptor, not yet on a loop. Movable; closes what it still owns.
class ListenSocket {
 public:
  // TCP: fails with "address in use" also where another process shares the port by SO_REUSEPORT.
  // Port 0 takes a free one: see address(). A unix path is made with mode 0660; a stale socket file
  // is replaced, a live one is "address in use". The error is a sentence for the operator.
  static Result<ListenSocket, std::string> open(const SocketAddress& address);

  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket();

  // One more socket on the same address, for another loop.
  Result<ListenSocket, std::string> share() const;

  const SocketAddress& address() const { return address_; }
  int release();

 private:
  ListenSocket(int fd, SocketAddress address) : fd_(fd), address_(address) {}
  static Result<ListenSocket, std::string> open_tcp(const SocketAddress& address);
  static Result<ListenSocket, std::string> open_unix(const SocketAddress& address);

  int fd_;
  SocketAddress address_;
};

class AcceptListener {
 public:
  // A connection waits: SocketStream::accept(incoming) takes it. Must be taken, if only to close
  // it.
  virtual void on_connection(const Incoming& incoming) = 0;
  virtual void on_stopped() = 0;

 protected:
  ~AcceptListener() = default;
};

class Listener {
 public:
  static constexpr int kBacklog = 4096;

  Listener(Loop& loop, ListenSocket socket, AcceptListener* owner);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Takes what the kernel has queued already, then closes; on_stopped follows.
  void stop();

 private:
  void take_backlog();

  AcceptListener* owner_;
  bool is_unix_;
  bool is_stopped_ = false;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } handle_;
};

}  // namespace sockhook::net
