#include "proxy/webhook/webhook_call.h"

#include "proxy/webhook/failure_log.h"

namespace sockhook::webhooks {

WebhookCall::WebhookCall(CallContext& context, backend::BackendPool& pool, OwnedJob job,
                         backend::Priority priority, CallListener* listener)
    : WebhookFlow(context, pool, *job->facts->endpoint, *job->route, priority),
      job_(std::move(job)),
      listener_(listener) {}

void WebhookCall::start() {
  ends_at_ms_ = context_.loop.now_ms() + static_cast<uint64_t>(route_.conf.timeout.count());
  carry(1);
  begin_try();
}

JobEncoder::Request WebhookCall::encode(std::size_t url) {
  return context_.encoder.encode(*job_, url);
}

void WebhookCall::on_sent() {
  if (route_metrics_ != nullptr) route_metrics_->queue.observe_us(sent_at_us_ - waiting_since_us_);
}

void WebhookCall::on_end(Outcome outcome) {
  // A refusal of $connect stays one also when its body did not arrive whole (contract 3.2).
  const bool is_refusal = job_->kind == webhook::EventKind::kConnect && has_head_ &&
                          answer_.status >= 400 && answer_.status < 500;
  if (is_refusal) outcome = Outcome::kAnswered;
  count(result_of(outcome, answer_));
  // What an answer is worth, the session knows and logs.
  if (outcome != Outcome::kAnswered) log_event_failure(*job_, to_string(outcome));
  routing::WebhookResult result;
  result.id = job_->facts->id;
  result.kind = job_->kind;
  result.number = job_->number;
  result.outcome = outcome;
  result.may_have_arrived = tries_sent_ > 0;
  result.retry_after_ms = retry_after_ms_;
  result.answer = std::move(answer_);
  listener_->on_call_done(*this, result);
}

}  // namespace sockhook::webhooks
