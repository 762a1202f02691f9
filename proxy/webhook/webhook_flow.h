// WebhookFlow: one request to a backend, in as many tries as it may have: what a WebhookCall (one
// event) and a WebhookBatch (several) have in common.
//
//   kWaiting   for a connection of the pool; with one, parked until the LeaseGuard lets it go
//   kExchange  the request is sent, the answer is read
//   kPause     until a try may follow: the answer asked for it by Retry-After
//   kDone      on_end has been called; its owner destroys it
//
// Within the route's timeout it may take several tries (contract 4): once more on a fresh
// connection when a reused one was closed before a byte of the answer came, since the backend
// cannot have read the request; and as often as the route's `retry` allows. A try may use what is
// left of the time divided by the tries left. A retry before its answer's Retry-After is over would
// be of no use: it comes later, or, where the timeout is over by then, not at all.
//
// Thread: the worker's.

#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/backend/backend_pool.h"
#include "proxy/http/client_connection.h"
#include "proxy/net/deadline_wheel.h"
#include "proxy/observe/metrics.h"
#include "proxy/routing/connection_journal.h"
#include "proxy/webhook/job_encoder.h"
#include "proxy/webhook/lease_guard.h"

namespace sockhook::webhooks {

// What all webhooks of a worker share.
struct CallContext {
  net::Loop& loop;
  JobEncoder& encoder;
  observe::WorkerMetrics& metrics;
  LeaseGuard& guard;
  routing::ConnectionJournal* journal;  // null: there is no cluster
};

// The clock of the histograms.
uint64_t now_us();

// Null for an endpoint or a route that has no metrics.
observe::RouteMetrics* route_metrics_of(CallContext& context, const routing::Endpoint& endpoint,
                                        const routing::Route& route);
observe::WebhookResult result_of(routing::WebhookResult::Outcome outcome,
                                 const webhook::HttpAnswer& answer);

class WebhookFlow : backend::PoolRequest,
                    ParkedRequest,
                    http::ExchangeListener,
                    protected net::DeadlineListener {
 protected:
  using Outcome = routing::WebhookResult::Outcome;

  WebhookFlow(CallContext& context, backend::BackendPool& pool, const routing::Endpoint& endpoint,
              const routing::Route& route, backend::Priority priority);
  ~WebhookFlow();

  // ---- what it is told ----

  // The request of a try that is about to be sent; valid until the next one is encoded.
  virtual JobEncoder::Request encode(std::size_t url) = 0;
  // It has been sent, for the first time or again.
  virtual void on_sent() = 0;
  // When the last try has to end, in loop time; UINT64_MAX: not known before the first one is sent.
  virtual uint64_t ends_at_ms() const = 0;
  // Whose turn it takes (backend::Wish); null: nobody's who may have several.
  virtual const void* client() const { return nullptr; }
  // The last event. The answer is answer_.
  virtual void on_end(Outcome outcome) = 0;

  // ---- what it does ----

  void begin_try();
  void arm_try();
  // Gives up the connection, or the wait for one.
  void let_go();
  void finish(Outcome outcome);
  void on_deadline(net::Deadline& deadline) override;

  // Events that it takes along, or loses: the gauges show them as queued or as in flight.
  void carry(int64_t change);
  // The end of one event.
  void count(observe::WebhookResult result);
  void log_event_failure(const routing::WebhookJob& job, std::string_view why,
                         std::string_view batch = {});

  CallContext& context_;
  const routing::Route& route_;
  observe::RouteMetrics* const route_metrics_;
  webhook::HttpAnswer answer_;
  uint64_t waiting_since_us_ = 0;  // for the present try
  uint64_t sent_at_us_ = 0;
  unsigned tries_sent_ = 0;      // that the backend may have read
  uint64_t retry_after_ms_ = 0;  // that the backend or its pool asks for; 0: neither does
  bool has_head_ = false;

 private:
  enum class State : uint8_t { kWaiting, kExchange, kPause, kDone };

  void on_connection(backend::Lease lease) override;
  void on_no_connection(backend::NoConnection why) override;
  void on_lease_confirmed() override;
  void on_response_head(http::ResponseHead& head) override;
  void on_response_body(std::string_view data) override;
  void on_response_end(http::Headers& trailers, bool reusable) override;
  void on_failure(http::ExchangeFailure failure) override;

  void enter(State state);
  observe::Gauge& gauge();
  void take_connection();
  void send_when_allowed();
  void send();
  bool retry(bool is_allowed);
  void report_answer();
  void lose_answer(Outcome outcome);
  bool retries_status(int status) const;
  const conf::Retry& policy() const { return route_.conf.retry; }

  backend::BackendPool& pool_;
  net::Deadline try_deadline_{this};
  backend::Lease lease_;
  int64_t carried_ = 0;
  unsigned tries_left_;
  State state_ = State::kWaiting;
  const backend::Priority priority_;
  bool has_retried_stale_ = false;
};

}  // namespace sockhook::webhooks
