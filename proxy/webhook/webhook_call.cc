#include "proxy/webhook/webhook_call.h"

#include <algorithm>
#include <utility>

#include "proxy/observe/log.h"

namespace sockhook::webhooks {
namespace {

uint64_t now_us() { return uv_hrtime() / 1000; }

std::string_view name_of(routing::WebhookResult::Outcome outcome) {
  using Outcome = routing::WebhookResult::Outcome;
  switch (outcome) {
    case Outcome::kAnswered:
      return "answered";
    case Outcome::kTimedOut:
      return "timed out";
    case Outcome::kUnreachable:
      return "unreachable";
    case Outcome::kBroken:
      return "connection broken";
  }
  return "";
}

}  // namespace

WebhookCall::WebhookCall(CallContext& context, backend::BackendPool& pool, OwnedJob job,
                         backend::Priority priority, CallListener* listener)
    : context_(context),
      pool_(pool),
      job_(std::move(job)),
      listener_(listener),
      route_metrics_(
          context.metrics.endpoints[job_->facts->endpoint->index]->route(job_->route->key)),
      tries_left_(1 + job_->route->conf.retry.attempts),
      priority_(priority) {}

WebhookCall::~WebhookCall() {
  if (state_ == State::kExchange) context_.metrics.webhooks_in_flight.add(-1);
  if (state_ == State::kWaiting) context_.metrics.webhooks_queued.add(-1);
}

void WebhookCall::start() {
  ends_at_ms_ = context_.loop.now_ms() + static_cast<uint64_t>(job_->route->conf.timeout.count());
  context_.metrics.webhooks_queued.add(1);
  begin_try();
}

void WebhookCall::begin_try() {
  const uint64_t now_ms = context_.loop.now_ms();
  const uint64_t left_ms = ends_at_ms_ > now_ms ? ends_at_ms_ - now_ms : 0;
  context_.loop.deadlines().arm(deadline_, left_ms / tries_left_);
  waiting_since_us_ = now_us();
  take_connection();
}

void WebhookCall::take_connection() {
  if (backend::Lease lease = pool_.acquire(*this, priority_, has_retried_stale_)) {
    on_connection(std::move(lease));
  }
}

void WebhookCall::on_connection(backend::Lease lease) {
  lease_ = std::move(lease);
  send_when_allowed();
}

// It keeps its connection: to give back those of many parked calls would hand each to the next.
void WebhookCall::send_when_allowed() {
  if (context_.guard.may_send()) {
    send();
  } else {
    context_.guard.park(*this);
  }
}

void WebhookCall::on_lease_confirmed() {
  if (lease_.is_usable()) {
    send_when_allowed();
    return;
  }
  lease_.discard();
  take_connection();
}

void WebhookCall::send() {
  state_ = State::kExchange;
  context_.metrics.webhooks_queued.add(-1);
  context_.metrics.webhooks_in_flight.add(1);
  sent_at_us_ = now_us();
  if (route_metrics_ != nullptr) {
    route_metrics_->queue.observe_us(sent_at_us_ - waiting_since_us_);
    if (!lease_.is_reused()) route_metrics_->connect.observe_us(lease_.connect_us());
  }
  ++tries_sent_;
  const JobEncoder::Request request = context_.encoder.encode(*job_, lease_.url_index());
  lease_.connection().send(this, request.head, request.body);
}

void WebhookCall::on_no_connection(backend::NoConnection) { finish(Outcome::kUnreachable); }

void WebhookCall::on_response_head(http::ResponseHead& head) {
  has_head_ = true;
  answer_.status = head.status;
  answer_.headers = std::move(head.headers);
}

void WebhookCall::on_response_body(std::string_view data) {
  if (answer_.body.size() + data.size() > pool_.backend().answer_size) {
    lease_.discard();
    answer_.is_body_lost = true;
    finish(Outcome::kAnswered);
    return;
  }
  answer_.body.append(data);
}

void WebhookCall::on_response_end(http::Headers&, bool) {
  lease_.give_back();
  if (retry(retries_status(answer_.status))) return;
  finish(Outcome::kAnswered);
}

void WebhookCall::on_failure(http::ExchangeFailure failure) {
  const bool was_reused = lease_.is_reused();
  lease_.discard();
  const bool is_stale = was_reused && failure == http::ExchangeFailure::kClosedBeforeAnswer;
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

void WebhookCall::on_deadline(net::Deadline&) {
  cancel();
  unpark();
  lease_.discard();
  if (retry(policy().on_timeout && context_.loop.now_ms() < ends_at_ms_)) return;
  lose_answer(Outcome::kTimedOut);
}

bool WebhookCall::retries_status(int status) const {
  const auto& statuses = policy().statuses;
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

// Goes for another try if there is one left; the same event, so the same id.
bool WebhookCall::retry(bool is_allowed) {
  if (!is_allowed || tries_left_ <= 1) return false;
  --tries_left_;
  if (state_ == State::kExchange) {
    context_.metrics.webhooks_in_flight.add(-1);
    context_.metrics.webhooks_queued.add(1);
    state_ = State::kWaiting;
  }
  context_.metrics.webhook_retries.add(1);
  answer_ = {};
  has_head_ = false;
  begin_try();
  return true;
}

// A refusal of $connect stays one also when its body did not arrive whole (contract 3.2).
void WebhookCall::lose_answer(Outcome outcome) {
  const bool is_refusal = job_->kind == webhook::EventKind::kConnect && has_head_ &&
                          answer_.status >= 400 && answer_.status < 500;
  answer_.is_body_lost = true;
  finish(is_refusal ? Outcome::kAnswered : outcome);
}

void WebhookCall::finish(Outcome outcome) {
  count(outcome);
  if (state_ == State::kExchange) {
    context_.metrics.webhooks_in_flight.add(-1);
  } else {
    context_.metrics.webhooks_queued.add(-1);
  }
  state_ = State::kDone;
  deadline_.cancel();
  routing::WebhookResult result;
  result.id = job_->facts->id;
  result.kind = job_->kind;
  result.number = job_->number;
  result.outcome = outcome;
  result.may_have_arrived = tries_sent_ > 0;
  result.answer = std::move(answer_);
  listener_->on_call_done(*this, result);
}

void WebhookCall::count(Outcome outcome) {
  using Result = observe::WebhookResult;
  Result result = Result::kFailed;
  switch (outcome) {
    case Outcome::kAnswered:
      if (answer_.is_body_lost) {
        result = Result::kMalformed;
      } else if (answer_.status >= 200 && answer_.status < 300) {
        result = Result::kOk;
      } else if (answer_.status >= 400 && answer_.status < 500) {
        result = Result::kRejected;
      }
      break;
    case Outcome::kTimedOut:
      result = Result::kTimedOut;
      break;
    case Outcome::kUnreachable:
      result = Result::kUnreachable;
      break;
    case Outcome::kBroken:
      result = Result::kReset;
      break;
  }
  if (route_metrics_ != nullptr) {
    route_metrics_->results[result].add(1);
    if (has_head_) route_metrics_->backend.observe_us(now_us() - sent_at_us_);
  }
  // What an answer is worth, the session knows and logs.
  if (outcome != Outcome::kAnswered) log_failure(name_of(outcome));
}

void WebhookCall::log_failure(std::string_view what) {
  observe::LogLine(observe::Level::kWarn, "webhook failed")
      .field("connection", job_->facts->id.view())
      .field("request", context_.encoder.event_id(*job_))
      .field("trace", job_->facts->trace.trace.id_text())
      .field("endpoint", job_->facts->endpoint->conf.name)
      .field("route", job_->route->key)
      .field("backend", pool_.backend().name)
      .field("why", what)
      .field("status", answer_.status);
}

}  // namespace sockhook::webhooks
