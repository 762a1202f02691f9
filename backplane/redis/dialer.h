// Dialer: makes the streams of the links; the one place that knows TCP from TLS.
//
// Owner: the RedisClient; it outlives the links. Thread: the loop's.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "conf/config.h"
#include "proxy/net/connectable_stream.h"
#include "proxy/net/file_watch.h"
#include "proxy/net/loop.h"
#include "proxy/net/tls_context.h"

namespace sockhook::redis {

class Dialer {
 public:
  // With `rediss` the authority's file is read here, and again by make() if it has changed.
  Dialer(net::Loop& loop, const conf::Redis& conf);

  // A stream that is to connect to `address`, found for `host`, which a certificate must name. Null
  // where TLS is impossible: failure() says why.
  std::unique_ptr<net::ConnectableStream> make(const net::SocketAddress& address,
                                               const std::string& host,
                                               net::StreamListener* listener);
  const std::string& failure() const { return failure_; }

 private:
  void load_authority();

  net::Loop& loop_;
  const bool is_tls_;
  const std::optional<std::string> authority_;  // its file; absent: the system's
  net::FilePrint print_;                        // of it, before it was read
  net::TlsContextPtr tls_;
  std::string failure_;
};

}  // namespace sockhook::redis
