#include "proxy/webhook/webhook_flow.h"

#include <algorithm>
#include <utility>

#include "protocol/http/retry_after.h"
#include "proxy/webhook/failure_log.h"

namespace sockhook::webhooks {

uint64_t now_us() { return uv_hrtime() / 1000; }

observe::RouteMetrics* route_metrics_of(CallContext& context, const routing::Endpoint& endpoint,
                                        const routing::Route& route) {
  return context.metrics.endpoints[endpoint.index]->route(route.key);
}

observe::WebhookResult result_of(routing::WebhookResult::Outcome outcome,
                                 const webhook::HttpAnswer& answer) {
  using Outcome = routing::WebhookResult::Outcome;
  using Result = observe::WebhookResult;
  switch (outcome) {
    case Outcome::kAnswered:
      if (answer.is_body_lost) return Result::kMalformed;
      if (answer.status >= 200 && answer.status < 300) return Result::kOk;
      return answer.status >= 400 && answer.status < 500 ? Result::kRejected : Result::kFailed;
    case Outcome::kTimedOut:
      return Result::kTimedOut;
    case Outcome::kUnreachable:
      return Result::kUnreachable;
    case Outcome::kQueueTimedOut:
      return Result::kQueueTimedOut;
    case Outcome::kBreakerOpen:
      return Result::kBreakerOpen;
    case Outcome::kBroken:
      break;
  }
  return Result::kReset;
}

WebhookFlow::WebhookFlow(CallContext& context, backend::BackendPool& pool,
                         const routing::Endpoint& endpoint, const routing::Route& route,
                         backend::Priority priority)
    : context_(context),
      route_(route),
      route_metrics_(route_metrics_of(context, endpoint, route)),
      pool_(pool),
      tries_left_(1 + route.conf.retry.attempts),
      priority_(priority) {}

WebhookFlow::~WebhookFlow() { gauge().add(-carried_); }

observe::Gauge& WebhookFlow::gauge() {
  return state_ == State::kExchange ? context_.metrics.webhooks_in_flight
                                    : context_.metrics.webhooks_queued;
}

void WebhookFlow::carry(int64_t change) {
  carried_ += change;
  gauge().add(change);
}

void WebhookFlow::enter(State state) {
  gauge().add(-carried_);
  state_ = state;
  gauge().add(carried_);
}

void WebhookFlow::begin_try() {
  arm_try();
  waiting_since_us_ = now_us();
  take_connection();
}

void WebhookFlow::arm_try() {
  const uint64_t end_ms = ends_at_ms();
  if (end_ms == UINT64_MAX) return;
  const uint64_t now_ms = context_.loop.now_ms();
  const uint64_t left_ms = end_ms > now_ms ? end_ms - now_ms : 0;
  context_.loop.deadlines().arm(try_deadline_, left_ms / tries_left_);
}

void WebhookFlow::take_connection() {
  if (backend::Lease lease = pool_.acquire(*this, {.priority = priority_,
                                                   .fresh_only = has_retried_stale_,
                                                   .is_guarded = true,
                                                   .client = client()})) {
    on_connection(std::move(lease));
  }
}

void WebhookFlow::on_connection(backend::Lease lease) {
  lease_ = std::move(lease);
  send_when_allowed();
}

// It keeps its connection: to give back those of many parked webhooks would hand each to the next.
void WebhookFlow::send_when_allowed() {
  if (context_.guard.may_send()) {
    send();
  } else {
    context_.guard.park(*this);
  }
}

void WebhookFlow::on_lease_confirmed() {
  if (lease_.is_usable()) {
    send_when_allowed();
    return;
  }
  lease_.discard();
  take_connection();
}

void WebhookFlow::send() {
  const JobEncoder::Request request = encode(lease_.url_index());
  enter(State::kExchange);
  sent_at_us_ = now_us();
  if (route_metrics_ != nullptr && !lease_.is_reused()) {
    route_metrics_->connect.observe_us(lease_.connect_us());
  }
  ++tries_sent_;
  lease_.connection().send(this, request.head, request.body);
  on_sent();
}

void WebhookFlow::on_no_connection(backend::NoConnection why) {
  retry_after_ms_ = pool_.retry_after_ms(why);
  switch (why) {
    case backend::NoConnection::kUnreachable:
    case backend::NoConnection::kNoAddress:
      return finish(Outcome::kUnreachable);
    case backend::NoConnection::kQueueTimeout:
      return finish(Outcome::kQueueTimedOut);
    case backend::NoConnection::kBreakerOpen:
      return finish(Outcome::kBreakerOpen);
  }
}

void WebhookFlow::on_response_head(http::ResponseHead& head) {
  has_head_ = true;
  answer_.status = head.status;
  answer_.headers = std::move(head.headers);
}

void WebhookFlow::on_response_body(std::string_view data) {
  if (answer_.body.size() + data.size() > pool_.backend().answer_size) {
    lease_.discard();
    answer_.is_body_lost = true;
    finish(Outcome::kAnswered);
    return;
  }
  answer_.body.append(data);
}

void WebhookFlow::on_response_end(http::Headers&, bool) {
  report_answer();
  lease_.give_back();
  if (retry(retries_status(answer_.status))) return;
  finish(Outcome::kAnswered);
}

// For the breaker, and for whoever tries again.
void WebhookFlow::report_answer() {
  const int status = answer_.status;
  if (status == 429 || status == 503) {
    retry_after_ms_ = http::retry_after_of(status, answer_.headers, net::Loop::wall_ms());
  }
  if (status == 502 || status == 503 || status == 504) {
    lease_.report_failed(status == 503 ? retry_after_ms_ : 0);
  } else {
    lease_.report_good();
  }
}

void WebhookFlow::on_failure(http::ExchangeFailure failure) {
  const bool is_stale = lease_.is_reused() && failure == http::ExchangeFailure::kClosedBeforeAnswer;
  if (!is_stale || has_retried_stale_) lease_.report_failed();
  lease_.discard();
  if (is_stale && !has_retried_stale_) {
    has_retried_stale_ = true;
    // This one was none: the backend had closed before it came.
    ++tries_left_;
    --tries_sent_;
    retry(true);
    return;
  }
  if (retry(policy().on_reset && failure != http::ExchangeFailure::kMalformed)) return;
  lose_answer(Outcome::kBroken);
}

void WebhookFlow::on_deadline(net::Deadline&) {
  if (state_ == State::kPause) {
    enter(State::kWaiting);
    begin_try();
    return;
  }
  let_go();
  if (retry(policy().on_timeout && context_.loop.now_ms() < ends_at_ms())) return;
  lose_answer(Outcome::kTimedOut);
}

void WebhookFlow::let_go() {
  cancel();
  unpark();
  if (state_ == State::kExchange) lease_.report_failed();
  lease_.discard();
}

bool WebhookFlow::retries_status(int status) const {
  const auto& statuses = policy().statuses;
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

// Goes for another try if there is one left; the same events, so the same ids.
bool WebhookFlow::retry(bool is_allowed) {
  const uint64_t pause_ms = retry_after_ms_;
  if (!is_allowed || tries_left_ <= 1) return false;
  if (pause_ms > 0 && context_.loop.now_ms() + pause_ms >= ends_at_ms()) return false;
  --tries_left_;
  context_.metrics.webhook_retries.add(1);
  answer_ = {};
  has_head_ = false;
  retry_after_ms_ = 0;
  if (pause_ms > 0) {
    enter(State::kPause);
    context_.loop.deadlines().arm(try_deadline_, pause_ms);
  } else {
    enter(State::kWaiting);
    begin_try();
  }
  return true;
}

void WebhookFlow::lose_answer(Outcome outcome) {
  answer_.is_body_lost = true;
  finish(outcome);
}

void WebhookFlow::finish(Outcome outcome) {
  carry(-carried_);
  state_ = State::kDone;
  try_deadline_.cancel();
  on_end(outcome);
}

void WebhookFlow::count(observe::WebhookResult result) {
  if (route_metrics_ == nullptr) return;
  route_metrics_->results[result].add(1);
  if (has_head_) route_metrics_->backend.observe_us(now_us() - sent_at_us_);
}

void WebhookFlow::log_event_failure(const routing::WebhookJob& job, std::string_view why,
                                    std::string_view batch) {
  log_failure(context_.encoder, job, {why, answer_.status, pool_.backend().name, batch});
}

}  // namespace sockhook::webhooks
