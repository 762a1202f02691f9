// Dialer: how a link gets its stream; the one place that knows TCP from TLS.
//
// Owner: the RedisClient; it outlives its streams. Thread: the loop's.

#pragma once

#include <memory>
#include <string>

#include "proxy/net/loop.h"
#include "proxy/net/socket_address.h"
#include "proxy/net/socket_stream.h"
#include "proxy/net/stream.h"

namespace sockhook::redis {

class Dialer {
 public:
  // A stream that connects; `connected` is told how that ended, unless `error` says it already (a
  // negative libuv error). The caller owns it, and closes it after an error.
  struct Call {
    std::unique_ptr<net::Stream> stream;
    int error = 0;
  };

  virtual ~Dialer() = default;
  // `host`: what `address` was found for, as a certificate would say it.
  virtual Call dial(const net::SocketAddress& address, const std::string& host,
                    net::StreamListener* listener, net::ConnectListener* connected) = 0;
};

class TcpDialer final : public Dialer {
 public:
  explicit TcpDialer(net::Loop& loop) : loop_(loop) {}
  Call dial(const net::SocketAddress& address, const std::string& host,
            net::StreamListener* listener, net::ConnectListener* connected) override;

 private:
  net::Loop& loop_;
};

}  // namespace sockhook::redis
