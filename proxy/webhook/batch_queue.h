// BatchQueue: the messages of one route that wait, and the batches that carry them (contract 4.6).
//
// As many batches wait for a connection as it takes to carry all that waits, `batch.max` events
// each; whatever waits when one of them gets its connection goes with it, in the order in which it
// came. Nothing waits for company: with a connection at hand an event goes alone.
//
// What waits is bounded by `in_flight` of each connection. Each event has its timeout from here.
//
// Owner: a WebhookClient, which destroys it in on_queue_idle. Thread: the worker's.

#pragma once

#include <cstddef>

#include "proxy/net/deadline_wheel.h"
#include "proxy/webhook/webhook_batch.h"

namespace sockhook::webhooks {

class BatchQueueListener {
 public:
  // Nothing waits, and no batch is under way: destroys the queue. From the loop.
  virtual void on_queue_idle(const routing::Route& route) = 0;

 protected:
  ~BatchQueueListener() = default;
};

class BatchQueue final : BatchOwner, net::DeadlineListener {
 public:
  // `route` is one of `endpoint`'s.
  BatchQueue(CallContext& context, backend::BackendPool& pool, routing::EndpointPtr endpoint,
             const routing::Route& route, routing::WebhookResults* results,
             BatchQueueListener* listener);
  ~BatchQueue();
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  // A message of the route.
  void add(const routing::WebhookJob& job);

 private:
  using Outcome = routing::WebhookResult::Outcome;

  BatchEvents& waiting_events() override { return events_; }
  void on_batch_left(WebhookBatch& batch) override;
  void on_events_timed_out(BatchResults& results) override;
  void on_batch_done(WebhookBatch& batch, BatchResults& results) override;
  void on_deadline(net::Deadline& deadline) override;

  void start_batches();
  void drop_surplus();
  void arm();
  void deliver(BatchResults& results);
  void update_gauge();

  CallContext& context_;
  backend::BackendPool& pool_;
  const routing::EndpointPtr endpoint_;
  const routing::Route& route_;
  routing::WebhookResults* const results_;
  BatchQueueListener* const listener_;
  BatchEvents events_;
  net::Deadline deadline_{this};  // of the first event that waits, or earlier
  WebhookBatch::List sent_;
  WebhookBatch::List waiting_;  // for their first connection; never more than there is to carry
  std::size_t counted_ = 0;     // what the gauge shows of events_
  bool is_starting_ = false;
};

}  // namespace sockhook::webhooks
