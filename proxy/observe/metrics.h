// Metrics: what this node counts. docs/metrics.md is the list; metrics_text.h writes it.
//
// One shard for each worker and one for the control thread, made from the Config at start-up. The
// structure of a shard never changes afterwards: its thread writes the cells, any thread reads them
// (see counters.h). Lookups by name are for set-up: keep the reference, count through it.
//
// Owner: the Server, which outlives all threads.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.h"
#include "proxy/observe/counters.h"

namespace sockhook::observe {

// How a handshake ended. The first group is answered by the proxy before any backend is asked.
enum class HandshakeResult {
  kMalformed,       // 400, 405, 408, 431
  kNotFound,        // 404: no endpoint
  kNotUpgrade,      // 426
  kOriginRefused,   // 403
  kUnauthorized,    // 401
  kNoKeys,          // 503: the issuer's keys could not be read so far
  kHandshakeRate,   // 429
  kNodeFull,        // 503: listen.public.connections, memory
  kEndpointFull,    // 503
  kAddressFull,     // 429
  kUserFull,        // 429
  kDraining,        // 503
  kNodeLost,        // 503: the cluster has, or may have, declared the node dead
  kAccepted,        // 101
  kRefused,         // the backend's own answer
  kBackendFailure,  // 502
  kBackendBusy,     // 503: no connection came free in time, or the breaker is open
  kTimedOut,        // 504
  kDeleted,         // 403: management closed it meanwhile
  kClientGone,
  kCount
};

enum class ClosedBy { kClient, kBackend, kProxy, kCount };

// Closes of one endpoint by one side. Codes below 3000 have cells of their own; of the
// application's codes (3000-4999, which clients may choose at will) the first kOwnCodes that occur
// get one each, all later ones share `other`.
class CloseCounts {
 public:
  static constexpr uint16_t kFirstCode = 1000;
  static constexpr uint16_t kLastCode = 1015;
  static constexpr std::size_t kOwnCodes = 32;

  void add(uint16_t code);

  // Calls visit(code, n) for each code that has occurred; code 0 stands for all others.
  template <typename Visitor>
  void each(Visitor visit) const {
    for (std::size_t i = 0; i < standard_.size(); ++i) {
      if (standard_[i].value() != 0) {
        visit(static_cast<uint16_t>(kFirstCode + i), standard_[i].value());
      }
    }
    for (const OwnCode& own : own_) {
      const uint16_t code = own.code.load(std::memory_order_acquire);
      if (code != 0) visit(code, own.closes.value());
    }
    if (other_.value() != 0) visit(uint16_t{0}, other_.value());
  }

 private:
  struct OwnCode {
    std::atomic<uint16_t> code{0};
    Counter closes;
  };

  std::array<Counter, kLastCode - kFirstCode + 1> standard_;
  std::array<OwnCode, kOwnCodes> own_;
  Counter other_;
};

enum class WebhookResult {
  kOk,             // 2xx
  kRejected,       // 4xx
  kFailed,         // any other status
  kMalformed,      // an answer that cannot be used
  kTimedOut,       //
  kUnreachable,    // no connection
  kReset,          // the connection broke
  kQueueTimedOut,  // no connection came free in queue_timeout
  kBreakerOpen,    // nothing was tried
  kAbandoned,      // nobody waits for it any more
  kCount
};

struct RouteMetrics {
  Histogram queue;    // until a connection to the backend is free
  Histogram connect;  // for a new connection only
  Histogram backend;  // from the request's first byte to the answer's last one
  CounterTable<WebhookResult> results;
  Counter batches;  // requests that carried a batch of events
};

struct EndpointMetrics {
  explicit EndpointMetrics(const conf::Endpoint& endpoint);

  // Null for a key that the endpoint has no route for.
  RouteMetrics* route(std::string_view key);

  const std::string name;
  Gauge connections;
  CounterTable<HandshakeResult> handshakes;
  std::array<CloseCounts, static_cast<std::size_t>(ClosedBy::kCount)> closes;
  Counter messages_in;  // from clients
  Counter messages_out;
  Counter message_bytes_in;  // payload, after inflating
  Counter message_bytes_out;
  std::map<std::string, std::unique_ptr<RouteMetrics>, std::less<>> routes;

  void count_close(uint16_t code, ClosedBy by) { closes[static_cast<std::size_t>(by)].add(code); }
};

enum class PassthroughResult {
  kAnswered,
  kUnreachable,
  kTimedOut,
  kQueueTimedOut,
  kBroken,
  kClientGone,
  kCount
};

struct WorkerMetrics {
  explicit WorkerMetrics(const conf::Config& config);

  std::vector<std::unique_ptr<EndpointMetrics>> endpoints;  // as in Config::endpoints
  CounterTable<HandshakeResult> unmatched_handshakes;       // that reached no endpoint
  Gauge webhooks_in_flight;
  Gauge webhooks_queued;
  Counter webhook_retries;
  Gauge disconnect_backlog;
  Counter slow_clients;
  Counter ignored_effects;
  CounterTable<PassthroughResult> passthrough;
  Gauge loop_lag_us;  // LoopPulse writes these two
  Gauge pulse_at_ms;
};

enum class PushTarget { kConnection, kGroup, kUser, kEveryone, kCount };

enum class PushResult {
  kDelivered,
  kHeld,
  kGone,
  kTooLarge,
  kSlowClient,
  kForbidden,
  kFailed,       // of a send to many: one that did not get it, whatever the reason
  kSubmitted,    // ?wait=none: the outcome is not awaited
  kOverloaded,   // 503: here
  kUnavailable,  // 503: another node, or the backplane
  kTimedOut,     // 504
  kCount
};

// Where the connection is: on this node, or on another.
enum class PushPath { kLocal, kRemote, kCount };

// Of the stream of operations.
enum class OperationResult {
  kDone,       // 2xx
  kRejected,   // any other answer of the management API
  kMalformed,  // an entry that cannot be read
  kRetried,    // 503 and 504: these come again
  kCount
};

enum class ReloadResult { kOk, kRefused, kCount };

struct ControlMetrics {
  using PushCounters =
      std::array<CounterTable<PushResult>, static_cast<std::size_t>(PushTarget::kCount)>;
  std::array<PushCounters, static_cast<std::size_t>(PushPath::kCount)> pushes;
  CounterTable<OperationResult> operations;
  CounterTable<ReloadResult> reloads;
  std::array<Counter, 6> management_answers;  // by the status' first digit
  Gauge loop_lag_us;
  Gauge pulse_at_ms;

  Counter& push(PushPath path, PushTarget target, PushResult result) {
    return pushes[static_cast<std::size_t>(path)][static_cast<std::size_t>(target)][result];
  }
};

struct Metrics {
  Metrics(const conf::Config& config, std::size_t workers);

  std::vector<std::unique_ptr<WorkerMetrics>> workers;
  ControlMetrics control;
};

}  // namespace sockhook::observe
