// BackendPool: the connections of one worker to one backend (contract 4, 4.7).
//
// Who needs a connection embeds a PoolRequest and calls acquire(). It gets a Lease at once where an
// idle connection fits, else later one of the request's two events. Requests wait in order, fair
// between clients (FairQueue), live traffic before the backlog. How many wait is their owners'
// affair, who have deadlines of their own; the pool itself limits a single connect
// (`connect_timeout`), and with `queue_timeout` the wait of live ones. A connection that comes
// free, or is connected, goes to the first who waits, whoever it was dialled for.
//
// With a breaker a guarded request needs its Permit (backend_pool_guard.cc). When it opens, those
// who wait are told so, on all workers.
//
// Dialling: the address that AddressSet chooses; one that refuses is followed by the next at once;
// when none is left the oldest request that waited for this dial is told kUnreachable. Names are
// resolved when they are needed and again every NameLookups::kRefreshMs of use; the old addresses
// stay valid while a lookup runs or fails. Idle connections are used last in, first out, and closed
// after kIdleMs, when the backend closes them, and when another worker needs their permit.
//
// Owner: a Worker, one pool for each backend. Thread: the worker's.
// Life: open -> close() -> closed: on_pool_closed comes once, from the loop, when nothing is left:
// no request, no lease, no connection. The owner destroys the pool only then.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "conf/config.h"
#include "proxy/backend/address_set.h"
#include "proxy/backend/backend_budget.h"
#include "proxy/backend/backend_dialer.h"
#include "proxy/backend/breaker.h"
#include "proxy/backend/fair_queue.h"
#include "proxy/backend/health_checks.h"
#include "proxy/backend/name_lookups.h"
#include "proxy/backend/pool_request.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/net/loop.h"

namespace sockhook::backend {

struct Attempt;
class PooledConnection;

class PoolListener {
 public:
  virtual void on_pool_closed(BackendPool& pool) = 0;

 protected:
  ~PoolListener() = default;
};

struct PoolStats {
  std::size_t open = 0;  // leased, idle, being connected or closing
  std::size_t idle = 0;
  std::size_t waiting = 0;
};

class BackendPool final : private LookupListener,
                          private HealthListener,
                          private net::DeadlineListener {
 public:
  static constexpr uint64_t kIdleMs = 30'000;

  // `backend` is usually a part of the Config that keeps it alive; `budget` and `breaker` outlive
  // the pool. Without `tls` its URLs are plain, without `breaker` all may pass.
  BackendPool(net::Loop& loop, std::shared_ptr<const conf::Backend> backend, BackendBudget& budget,
              PoolListener* listener, net::TlsContextPtr tls = nullptr, Breaker* breaker = nullptr,
              uint64_t idle_ms = kIdleMs);
  ~BackendPool();
  BackendPool(const BackendPool&) = delete;
  BackendPool& operator=(const BackendPool&) = delete;

  const conf::Backend& backend() const { return *backend_; }

  // A lease at once, when an idle connection fits; else an empty one, and `request` waits for one
  // of its events.
  [[nodiscard]] Lease acquire(PoolRequest& request, const Wish& wish = {});

  // When it is worth while to ask again, after a kQueueTimeout or a kBreakerOpen; 0: nobody knows.
  uint64_t retry_after_ms(NoConnection why) const;

  // For the connections that are made from now on; with or without TLS as before.
  void use_tls(net::TlsContextPtr tls) { dialer_.use_tls(std::move(tls)); }

  // The worker calls this on all its pools after BackendBudget's `wake`: there may be a permit for
  // us, or the breaker has opened.
  void on_budget();

  // Closes idle connections. Those who wait are still served, leases end in their own time.
  // Idempotent. acquire() is allowed until on_pool_closed.
  void close();

  PoolStats stats() const;

 private:
  friend class Lease;
  friend class PoolRequest;
  friend class PooledConnection;

  // From PoolRequest and Lease.
  void cancel(PoolRequest& request);
  void on_patience_ended(PoolRequest& request);
  void report_good(Breaker::Permit permit);
  void report_failed(Breaker::Permit permit, uint64_t retry_after_ms);
  void give_back(PooledConnection& connection);
  void discard(PooledConnection& connection);
  // From PooledConnection.
  void on_attempt_ended(PooledConnection& connection, bool is_connected);
  void on_idle_lost(PooledConnection& connection);
  void on_connection_closed(PooledConnection& connection);
  // LookupListener, HealthListener, net::DeadlineListener
  void on_lookup_ended() override;
  void on_check_round() override;
  void on_checks_closed() override;
  void on_deadline(net::Deadline& deadline) override;

  PoolRequest* first_waiting() const;
  PoolRequest* first_for_reused() const;
  std::size_t waiting() const { return live_.size() + backlog_.size(); }
  FairQueue& queue_of(const PoolRequest& request);
  void leave_queue(PoolRequest& request);
  Breaker::Permit ask_breaker();
  void refuse_waiting();
  PooledConnection* take_idle(const BackendAddress& address);
  PooledConnection* take_oldest_idle();

  void serve_waiting();
  void start_attempt(Attempt attempt);
  void fail_attempt(const Attempt& attempt);
  void fail(PoolRequest& request, NoConnection why);
  void tell_later(PoolRequest& request, NoConnection why);
  void lease_to(PoolRequest& request, PooledConnection& connection);
  void put_to_use(PooledConnection& connection);
  void drop(PooledConnection& connection);
  bool take_permit();
  void return_permit();
  std::size_t held() const { return permits_ - closing_permits_; }
  void update_wish();
  bool is_finished() const;
  void check_closed();

  net::Loop& loop_;
  const std::shared_ptr<const conf::Backend> backend_;
  BackendBudget& budget_;
  Breaker* const breaker_;  // null: off
  uint64_t known_openings_ = 0;
  PoolListener* const listener_;
  const uint64_t timeout_ms_;  // of one connect
  const uint64_t idle_ms_;

  BackendDialer dialer_;
  AddressSet addresses_;
  NameLookups lookups_;
  HealthChecks checks_;
  AddressPtr next_address_;  // chosen already, for the attempt that acquire() may start

  FairQueue live_;
  FairQueue backlog_;
  RequestList failed_;  // told when soon_ fires
  uint64_t last_ticket_ = 0;

  std::vector<std::unique_ptr<PooledConnection>> connections_;
  std::vector<PooledConnection*> idle_;  // the one used last stands last
  std::size_t attempts_ = 0;             // connections that are connecting
  std::size_t permits_ = 0;              // held, those of closing connections included
  std::size_t closing_permits_ = 0;

  BackendBudget::Waiter place_in_line_;
  bool is_in_line_ = false;
  bool is_serving_ = false;
  bool is_closing_ = false;
  bool is_closed_ = false;
  net::Deadline soon_{this};  // what must be told from the loop
};

}  // namespace sockhook::backend
