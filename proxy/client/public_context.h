// PublicContext: what the connections of the public listener share on one worker.
//
// Owner: the Worker. Thread: the worker's.

#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "conf/config.h"
#include "protocol/http/cidr.h"
#include "protocol/http/forwarded.h"
#include "proxy/client/hub.h"
#include "proxy/client/token_gate.h"
#include "proxy/http/plain_requests.h"
#include "proxy/net/tls_context.h"

namespace sockhook::client {

class PublicConnection;

struct PublicContext {
  // As Config::endpoints; null where no token is asked for.
  using TokenGates = std::vector<std::unique_ptr<const TokenGate>>;

  // Above that, a token whose key is not known is refused at once.
  static constexpr std::size_t kMaxWaitingForKeys = 1024;

  net::Loop& loop;
  const conf::Config& config;
  const routing::RoutingTable& routes;
  const std::vector<http::Cidr>& trusted_proxies;
  SessionContext& sessions;
  http::PlainRequests* plain = nullptr;  // null: no passthrough
  const std::atomic<bool>& is_short_of_memory;
  const std::atomic<bool>& is_cut_off;  // from the cluster, with `partition: fence`
  bool is_draining = false;             // the listener has closed: no new handshakes
  bool is_backlog_full = false;         // too many $disconnects are owed, or too much is untold
  TokenGates token_gates = {};
  std::size_t waiting_for_keys = 0;  // handshakes
  // Told when a connection is gone, which is then destroyed.
  class Owner {
   public:
    virtual void on_public_connection_closed(PublicConnection& connection) = 0;
    // There are more sockets than clients may have: another one that only waits goes, or this one.
    virtual void make_room(PublicConnection& newcomer) = 0;

   protected:
    ~Owner() = default;
  };
  Owner* owner = nullptr;
  net::TlsContextPtr tls = nullptr;  // null: plain
};

}  // namespace sockhook::client
