// Passthrough: the reverse proxy for plain requests on one worker (contract 4.5).
//
// It answers 404 for paths on which the backend serves webhooks, 503 while draining or when too
// many wait for a connection, and starts an Exchange for all others. Handshakes, TRACE, CONNECT and
// malformed requests never come here: the connection's owner has answered them.
//
// Owner: the Worker. Thread: the worker's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "conf/config.h"
#include "proxy/backend/backend_pool.h"
#include "proxy/http/plain_requests.h"
#include "proxy/net/loop.h"
#include "proxy/observe/metrics.h"

namespace sockhook::passthrough {

class Exchange;

class Passthrough final : public http::PlainRequests {
 public:
  // An answer in which neither side moves a byte for so long is broken off.
  static constexpr uint64_t kStallMs = 60'000;
  // Requests that wait for a connection, each with up to one read of its body: 503 beyond.
  static constexpr std::size_t kMaxWaiting = 512;

  // `settings` is a part of the Config, which outlives this; `pool` is that of its backend.
  Passthrough(net::Loop& loop, const conf::Passthrough& settings, backend::BackendPool& pool,
              observe::WorkerMetrics& metrics, uint64_t stall_ms = kStallMs);
  ~Passthrough();
  Passthrough(const Passthrough&) = delete;
  Passthrough& operator=(const Passthrough&) = delete;

  void start(http::ServerConnection& connection, http::RequestHead& head,
             const http::Forwarded& client, http::PlainExchange*& place) override;

  // New requests are answered 503; those that run end in their own time.
  void drain() { is_draining_ = true; }
  std::size_t active() const { return exchanges_.size(); }

 private:
  friend class Exchange;
  using Exchanges = std::list<Exchange>;

  bool is_webhook(std::string_view target) const;
  void on_ended(Exchange& exchange, observe::PassthroughResult result);

  net::Loop& loop_;
  const conf::Passthrough& settings_;
  backend::BackendPool& pool_;
  observe::WorkerMetrics& metrics_;
  const uint64_t stall_ms_;
  Exchanges exchanges_;
  std::size_t waiting_ = 0;
  bool is_draining_ = false;
};

// An answer of the proxy itself: one line of text.
void answer(http::ServerConnection& connection, int status, std::string_view why);

}  // namespace sockhook::passthrough
