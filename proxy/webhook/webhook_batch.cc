#include "proxy/webhook/webhook_batch.h"

#include <limits>

#include "protocol/base/check.h"
#include "protocol/webhook/batch_reader.h"
#include "proxy/webhook/failure_log.h"

namespace sockhook::webhooks {

routing::WebhookResult result_for(const BatchEvent& event,
                                  routing::WebhookResult::Outcome outcome) {
  routing::WebhookResult result;
  result.id = event.job->facts->id;
  result.kind = event.job->kind;
  result.number = event.job->number;
  result.outcome = outcome;
  return result;
}

WebhookBatch::WebhookBatch(CallContext& context, backend::BackendPool& pool,
                           const routing::Endpoint& endpoint, const routing::Route& route,
                           BatchOwner* owner)
    : WebhookFlow(context, pool, endpoint, route, backend::Priority::kLive), owner_(owner) {}

uint64_t WebhookBatch::ends_at_ms() const {
  return events_.empty() ? UINT64_MAX : events_.back().ends_at_ms;
}

JobEncoder::Request WebhookBatch::encode(std::size_t url) {
  context_.encoder.begin_batch();
  if (!has_left_) {
    id_ = context_.encoder.fresh_batch_id();
    take_events();
    arm_try();
    arm_oldest();
  } else {
    // They fitted; what their connections' states have grown by since then does not part them.
    for (const BatchEvent& event : events_) {
      context_.encoder.add_to_batch(*event.job, std::numeric_limits<std::size_t>::max());
    }
  }
  return context_.encoder.end_batch(route_, id_, url);
}

void WebhookBatch::take_events() {
  BatchEvents& waiting = owner_->waiting_events();
  while (!waiting.empty() && events_.size() < route_.conf.batch_max &&
         context_.encoder.add_to_batch(*waiting.front().job, kMaxBodyBytes)) {
    events_.splice(events_.end(), waiting, waiting.begin());
  }
  SOCKHOOK_CHECK(!events_.empty());
  carry(static_cast<int64_t>(events_.size()));
}

void WebhookBatch::on_sent() {
  if (route_metrics_ != nullptr) {
    for (const BatchEvent& event : events_) {
      // Of a retry: since the try before.
      route_metrics_->queue.observe_us(sent_at_us_ -
                                       (tries_sent_ > 1 ? waiting_since_us_ : event.since_us));
    }
    route_metrics_->batches.add(1);
  }
  if (!std::exchange(has_left_, true)) owner_->on_batch_left(*this);
}

void WebhookBatch::on_deadline(net::Deadline& deadline) {
  if (&deadline == &oldest_deadline_) {
    time_out();
  } else {
    WebhookFlow::on_deadline(deadline);
  }
}

void WebhookBatch::arm_oldest() {
  const uint64_t now_ms = context_.loop.now_ms();
  const uint64_t end_ms = events_.front().ends_at_ms;
  context_.loop.deadlines().arm(oldest_deadline_, end_ms > now_ms ? end_ms - now_ms : 0);
}

// Those whose time is up leave the others alone.
void WebhookBatch::time_out() {
  const uint64_t now_ms = context_.loop.now_ms();
  if (events_.back().ends_at_ms <= now_ms) {
    let_go();
    finish(Outcome::kTimedOut);
    return;
  }
  BatchResults results;
  while (events_.front().ends_at_ms <= now_ms) {
    fail(events_.front(), Outcome::kTimedOut, results);
    events_.pop_front();
    carry(-1);
  }
  arm_oldest();
  owner_->on_events_timed_out(results);
}

void WebhookBatch::on_end(Outcome outcome) {
  oldest_deadline_.cancel();
  if (!has_left_) take_failed(outcome);
  BatchResults results;
  results.reserve(events_.size());
  if (outcome == Outcome::kAnswered) {
    give_answers(results);
  } else {
    for (const BatchEvent& event : events_) fail(event, outcome, results);
  }
  owner_->on_batch_done(*this, results);
}

// Without a connection: those fail that would have gone by it; if it was waited for too long, those
// that have waited for as long. Who came later waits on, with the next batch.
void WebhookBatch::take_failed(Outcome outcome) {
  BatchEvents& waiting = owner_->waiting_events();
  const auto has_failed = [&](const BatchEvent& event) {
    return outcome != Outcome::kQueueTimedOut || event.since_us <= waiting_since_us_;
  };
  while (!waiting.empty() && events_.size() < route_.conf.batch_max &&
         has_failed(waiting.front())) {
    events_.splice(events_.end(), waiting, waiting.begin());
  }
}

void WebhookBatch::give_answers(BatchResults& results) {
  auto batch = webhook::BatchReader::read(answer_);
  for (const BatchEvent& event : events_) {
    if (!batch) {
      refuse_answer(event, batch.error(), results);
      continue;
    }
    auto entry = batch->take(context_.encoder.event_id(*event.job));
    if (!entry) {
      refuse_answer(event, entry.error(), results);
      continue;
    }
    count(result_of(Outcome::kAnswered, *entry));
    results.push_back(result_for(event, Outcome::kAnswered));
    results.back().may_have_arrived = true;
    results.back().answer = std::move(*entry);
  }
}

void WebhookBatch::fail(const BatchEvent& event, Outcome outcome, BatchResults& results) {
  count(result_of(outcome, answer_));
  add_failed(event, outcome, to_string(outcome), results);
}

// The backend has answered, but nothing that this event could use: the outcome of no answer.
void WebhookBatch::refuse_answer(const BatchEvent& event, std::string_view why,
                                 BatchResults& results) {
  const bool is_success = answer_.status >= 200 && answer_.status < 300;
  count(is_success ? observe::WebhookResult::kMalformed : observe::WebhookResult::kFailed);
  add_failed(event, Outcome::kBroken, why, results);
}

void WebhookBatch::add_failed(const BatchEvent& event, Outcome outcome, std::string_view why,
                              BatchResults& results) {
  log_event_failure(*event.job, why, id_);
  results.push_back(result_for(event, outcome));
  results.back().may_have_arrived = tries_sent_ > 0;
}

}  // namespace sockhook::webhooks
