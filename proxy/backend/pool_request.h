// Lease, PoolRequest: what a BackendPool gives, and who asks it. See backend_pool.h; what decides
// about a webhook's leave to pass and its turn is in breaker.h and fair_queue.h.
//
// Owner: whoever talks to a backend. Thread: the pool's worker.

#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "conf/config.h"
#include "proxy/backend/breaker.h"
#include "proxy/backend/request_list.h"
#include "proxy/net/deadline_wheel.h"

namespace sockhook::http {
class ClientConnection;
}

namespace sockhook::backend {

class BackendPool;
class PooledConnection;

// A connection that its holder has for itself. Movable; destroying it discards the connection.
class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { discard(); }

  explicit operator bool() const { return connection_ != nullptr; }

  http::ClientConnection& connection() const;
  // Its `authority` is the Host, its `path_prefix` goes in front of the path.
  const conf::BackendUrl& url() const;
  // Its place in conf::Backend::urls.
  std::size_t url_index() const;
  // False: the connection has broken meanwhile.
  bool is_usable() const;
  // It has been idle: the backend may have closed it just before the request came.
  bool is_reused() const;
  // How long connecting took; 0 when reused.
  uint64_t connect_us() const;

  // How the request went, for the breaker; without a word it counts for nothing. Before the two
  // below.
  void report_good();
  // It timed out, its connection broke, or the answer was 502, 503 or 504. `retry_after_ms`: what
  // the answer asked for, or 0.
  void report_failed(uint64_t retry_after_ms = 0);

  // For the next request: whoever waits may get it before this returns. Closes instead where the
  // connection says that it cannot be used again.
  void give_back();
  // Closes: the answer was not read to its end, or the connection is broken. Nothing follows to
  // whoever listened to it.
  void discard();

 private:
  friend class BackendPool;
  Lease(PooledConnection* connection, Breaker::Permit permit)
      : connection_(connection), permit_(std::move(permit)) {}

  PooledConnection* connection_ = nullptr;
  Breaker::Permit permit_;
};

enum class NoConnection : std::uint8_t {
  kUnreachable,   // each address refused, or did not accept in connect_timeout
  kNoAddress,     // the names resolve to nothing
  kQueueTimeout,  // it has waited for `queue_timeout`
  kBreakerOpen,   // nothing was tried
};

enum class Priority : std::uint8_t { kLive, kBacklog };

// What a request asks for.
struct Wish {
  Priority priority = Priority::kLive;
  // No connection that has been idle: for a retry after a reused one turned out to be closed.
  bool fresh_only = false;
  // The breaker decides about it, and hears how it went. Of webhooks only: what strangers ask for
  // must neither open the breaker nor be the probe.
  bool is_guarded = false;
  // Requests of one client take turns with those of others; null: it has only this one.
  const void* client = nullptr;
};

// Embedded in whoever needs a connection. Destroying it cancels it.
class PoolRequest {
 public:
  PoolRequest(const PoolRequest&) = delete;
  PoolRequest& operator=(const PoolRequest&) = delete;

  bool is_waiting() const { return pool_ != nullptr; }
  void cancel();

  // Exactly one of these follows an acquire() that returned no lease, unless it is cancelled: from
  // the loop, never from inside acquire(). The request may acquire again, or be destroyed, in it.
  virtual void on_connection(Lease lease) = 0;
  virtual void on_no_connection(NoConnection why) = 0;

 protected:
  PoolRequest() = default;
  ~PoolRequest() { cancel(); }

 private:
  friend class BackendPool;
  friend class RequestList;
  friend class FairQueue;

  // The end of `queue_timeout`. No base of the request: that may have deadlines of its own.
  class Patience final : net::DeadlineListener {
   public:
    explicit Patience(PoolRequest& request) : request_(request) {}
    net::Deadline deadline{this};

   private:
    void on_deadline(net::Deadline& deadline) override;
    PoolRequest& request_;
  };

  PoolRequest* prev_ = nullptr;
  PoolRequest* next_ = nullptr;
  RequestList followers_;        // see FairQueue
  BackendPool* pool_ = nullptr;  // set while it waits
  uint64_t ticket_ = 0;          // in order of arrival
  Wish wish_;
  Breaker::Permit permit_;
  Patience patience_{*this};
  bool is_follower_ = false;
  bool is_failed_ = false;  // its event is on the way
  NoConnection why_ = NoConnection::kUnreachable;
};

}  // namespace sockhook::backend
