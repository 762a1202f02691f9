// WebhookCall: one job on its way to the backend and back.
//
//   kWaiting   for a connection of the pool; with one, parked until the LeaseGuard lets it go
//   kExchange  the request is sent, the answer is read
//   kDone      its owner has been told and destroys it
//
// Within the route's timeout it may take several tries (contract 4): once more on a fresh
// connection when a reused one was closed before a byte of the answer came, since the backend
// cannot have read the request; and as often as the route's `retry` allows. A try may use what is
// left of the time divided by the tries left.
//
// Owner: whoever is its CallListener, which erases it in on_call_done. Thread: the worker's.

#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/backend/backend_pool.h"
#include "proxy/http/client_connection.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/observe/metrics.h"
#include "proxy/routing/connection_journal.h"
#include "proxy/routing/owned_job.h"
#include "proxy/webhook/job_encoder.h"
#include "proxy/webhook/lease_guard.h"

namespace sockhook::webhooks {

using routing::OwnedJob;

// What all calls of a worker share.
struct CallContext {
  net::Loop& loop;
  JobEncoder& encoder;
  observe::WorkerMetrics& metrics;
  LeaseGuard& guard;
  routing::ConnectionJournal* journal;  // null: there is no cluster
};

class WebhookCall;

class CallListener {
 public:
  // The last event of a call: destroys it. May be called from inside no start().
  virtual void on_call_done(WebhookCall& call, routing::WebhookResult& result) = 0;

 protected:
  ~CallListener() = default;
};

class WebhookCall final : backend::PoolRequest,
                          ParkedRequest,
                          http::ExchangeListener,
                          net::DeadlineListener {
 public:
  using List = std::list<WebhookCall>;

  WebhookCall(CallContext& context, backend::BackendPool& pool, OwnedJob job,
              backend::Priority priority, CallListener* listener);
  ~WebhookCall();

  void start();

  const OwnedJob& job() const { return job_; }
  OwnedJob take_job() { return std::move(job_); }
  // Where its owner keeps it.
  List::iterator place;

 private:
  enum class State : uint8_t { kWaiting, kExchange, kDone };
  using Outcome = routing::WebhookResult::Outcome;

  void on_connection(backend::Lease lease) override;
  void on_no_connection(backend::NoConnection why) override;
  void on_lease_confirmed() override;
  void on_response_head(http::ResponseHead& head) override;
  void on_response_body(std::string_view data) override;
  void on_response_end(http::Headers& trailers, bool reusable) override;
  void on_failure(http::ExchangeFailure failure) override;
  void on_deadline(net::Deadline& deadline) override;

  void begin_try();
  void take_connection();
  void send_when_allowed();
  void send();
  bool retry(bool is_allowed);
  void lose_answer(Outcome outcome);
  void finish(Outcome outcome);
  void count(Outcome outcome);
  void log_failure(std::string_view what);
  bool retries_status(int status) const;
  const conf::Retry& policy() const { return job_->route->conf.retry; }

  CallContext& context_;
  backend::BackendPool& pool_;
  OwnedJob job_;
  CallListener* const listener_;
  net::Deadline deadline_{this};
  backend::Lease lease_;
  webhook::HttpAnswer answer_;
  observe::RouteMetrics* route_metrics_;
  uint64_t ends_at_ms_ = 0;  // of the whole call
  uint64_t waiting_since_us_ = 0;
  uint64_t sent_at_us_ = 0;
  unsigned tries_left_ = 1;
  unsigned tries_sent_ = 0;  // that the backend may have read
  State state_ = State::kWaiting;
  backend::Priority priority_;
  bool has_head_ = false;
  bool has_retried_stale_ = false;
};

}  // namespace sockhook::webhooks
