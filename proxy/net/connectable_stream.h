// ConnectableStream: a Stream that its owner connects: a socket, or TLS over one.

#pragma once

#include "proxy/net/socket_address.h"
#include "proxy/net/stream.h"

namespace sockhook::net {

// Told once how a connect ended: 0, or a negative libuv error. After an error the caller closes.
class ConnectListener {
 public:
  virtual void on_connected(int error) = 0;

 protected:
  ~ConnectListener() = default;
};

class ConnectableStream : public Stream {
 public:
  // Starts to connect: 0, or a negative libuv error found at once. What is written meanwhile waits.
  // Closing meanwhile is allowed; on_connected is not called then.
  virtual int connect(const SocketAddress& address, ConnectListener* listener) = 0;
};

}  // namespace sockhook::net
