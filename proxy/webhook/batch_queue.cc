#include "proxy/webhook/batch_queue.h"

#include <iterator>

#include "proxy/webhook/failure_log.h"

namespace sockhook::webhooks {

BatchQueue::BatchQueue(CallContext& context, backend::BackendPool& pool,
                       routing::EndpointPtr endpoint, const routing::Route& route,
                       routing::WebhookResults* results, BatchQueueListener* listener)
    : context_(context),
      pool_(pool),
      endpoint_(std::move(endpoint)),
      route_(route),
      results_(results),
      listener_(listener) {}

// One by one: the connection that one gives up may be given to the next.
BatchQueue::~BatchQueue() {
  while (!waiting_.empty()) waiting_.pop_back();
  sent_.clear();
  events_.clear();
  update_gauge();
}

void BatchQueue::add(const routing::WebhookJob& job) {
  const auto timeout_ms = static_cast<uint64_t>(route_.conf.timeout.count());
  events_.push_back({routing::OwnedJob(job), now_us(), context_.loop.now_ms() + timeout_ms});
  arm();
  start_batches();
  update_gauge();
}

// A batch that gets a connection at once leaves `waiting_` meanwhile, with its events.
void BatchQueue::start_batches() {
  if (is_starting_) return;
  is_starting_ = true;
  while (waiting_.size() * route_.conf.batch_max < events_.size()) {
    WebhookBatch& batch =
        waiting_.emplace_back(context_, pool_, *endpoint_, route_, static_cast<BatchOwner*>(this));
    batch.place = std::prev(waiting_.end());
    batch.start();
  }
  is_starting_ = false;
}

void BatchQueue::drop_surplus() {
  while (!waiting_.empty() && (waiting_.size() - 1) * route_.conf.batch_max >= events_.size()) {
    waiting_.pop_back();
  }
}

void BatchQueue::on_batch_left(WebhookBatch& batch) {
  sent_.splice(sent_.end(), waiting_, batch.place);
  start_batches();
  update_gauge();
}

void BatchQueue::on_batch_done(WebhookBatch& batch, BatchResults& results) {
  (batch.has_left() ? sent_ : waiting_).erase(batch.place);
  start_batches();
  update_gauge();
  deliver(results);
}

void BatchQueue::on_events_timed_out(BatchResults& results) { deliver(results); }

void BatchQueue::arm() {
  if (deadline_.is_armed() || events_.empty()) return;
  const uint64_t now_ms = context_.loop.now_ms();
  const uint64_t end_ms = events_.front().ends_at_ms;
  context_.loop.deadlines().arm(deadline_, end_ms > now_ms ? end_ms - now_ms : 0);
}

void BatchQueue::on_deadline(net::Deadline&) {
  observe::RouteMetrics* const metrics = route_metrics_of(context_, *endpoint_, route_);
  BatchResults results;
  while (!events_.empty() && events_.front().ends_at_ms <= context_.loop.now_ms()) {
    const BatchEvent& event = events_.front();
    if (metrics != nullptr) metrics->results[observe::WebhookResult::kTimedOut].add(1);
    log_failure(context_.encoder, *event.job,
                {to_string(Outcome::kTimedOut), 0, pool_.backend().name, {}});
    results.push_back(result_for(event, Outcome::kTimedOut));
    events_.pop_front();
  }
  drop_surplus();
  arm();
  update_gauge();
  deliver(results);
}

// The last thing of whatever it is called by: may add events, and destroy the queue.
void BatchQueue::deliver(BatchResults& results) {
  for (routing::WebhookResult& result : results) results_->on_webhook_result(result);
  if (events_.empty() && waiting_.empty() && sent_.empty()) listener_->on_queue_idle(route_);
}

void BatchQueue::update_gauge() {
  const auto change = static_cast<int64_t>(events_.size()) - static_cast<int64_t>(counted_);
  context_.metrics.webhooks_queued.add(change);
  counted_ = events_.size();
}

}  // namespace sockhook::webhooks
