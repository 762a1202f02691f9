// WebhookBatch: several events of one route on their way to the backend in one request, and their
// answers (contract 4.6); see WebhookFlow.
//
// It is made when there are events to carry and waits for a connection without any: which ones
// travel is decided when they can, by what waits then. From there they stay together, also over
// retries, under one id; but each one has the time that it would have had alone. An event whose
// time is up is told so and leaves; the others stay, and a try may take what the youngest has left,
// divided by the tries left.
//
// Owner: whoever is its BatchOwner, which destroys it in on_batch_done. Thread: the worker's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/routing/owned_job.h"
#include "proxy/webhook/webhook_flow.h"

namespace sockhook::webhooks {

// A message that waits for its batch, or travels in it.
struct BatchEvent {
  routing::OwnedJob job;
  uint64_t since_us;    // it has waited
  uint64_t ends_at_ms;  // loop time
};
using BatchEvents = std::list<BatchEvent>;  // the oldest first; all have the same timeout

using BatchResults = std::vector<routing::WebhookResult>;

class WebhookBatch;

class BatchOwner {
 public:
  // What waits: the batch takes events off the front. Not empty when it asks.
  virtual BatchEvents& waiting_events() = 0;
  // It has taken events and is sent, for the first time; perhaps from inside start().
  virtual void on_batch_left(WebhookBatch& batch) = 0;
  virtual void on_events_timed_out(BatchResults& results) = 0;
  // The last event of a batch: destroys it. May be called from inside no start().
  virtual void on_batch_done(WebhookBatch& batch, BatchResults& results) = 0;

 protected:
  ~BatchOwner() = default;
};

class WebhookBatch final : WebhookFlow {
 public:
  using List = std::list<WebhookBatch>;

  // A body grows no further; a single event may be larger, by `message_size`.
  static constexpr std::size_t kMaxBodyBytes = 1024 * 1024;

  WebhookBatch(CallContext& context, backend::BackendPool& pool, const routing::Endpoint& endpoint,
               const routing::Route& route, BatchOwner* owner);

  void start() { begin_try(); }

  // on_batch_left has been called.
  bool has_left() const { return has_left_; }
  // Where its owner keeps it.
  List::iterator place;

 private:
  JobEncoder::Request encode(std::size_t url) override;
  void on_sent() override;
  uint64_t ends_at_ms() const override;
  void on_end(Outcome outcome) override;
  void on_deadline(net::Deadline& deadline) override;

  void take_events();
  void take_failed(Outcome outcome);
  void give_answers(BatchResults& results);
  void fail(const BatchEvent& event, Outcome outcome, BatchResults& results);
  void refuse_answer(const BatchEvent& event, std::string_view why, BatchResults& results);
  void add_failed(const BatchEvent& event, Outcome outcome, std::string_view why,
                  BatchResults& results);
  void arm_oldest();
  void time_out();

  BatchOwner* const owner_;
  BatchEvents events_;
  std::string id_;  // of the request
  bool has_left_ = false;
  net::Deadline oldest_deadline_{this};
};

// What becomes of one event; its answer, if there is one, is added by the caller.
routing::WebhookResult result_for(const BatchEvent& event, routing::WebhookResult::Outcome outcome);

}  // namespace sockhook::webhooks
