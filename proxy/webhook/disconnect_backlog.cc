#include "proxy/webhook/disconnect_backlog.h"

#include <algorithm>
#include <utility>

#include "proxy/observe/log.h"

namespace sockhook::webhooks {

using Outcome = routing::WebhookResult::Outcome;

namespace {

// Another worker probes: look again after this long.
constexpr uint64_t kProbeTakenMs = 100;

bool means_outage(const routing::WebhookResult& result) {
  if (result.outcome != Outcome::kAnswered) return true;
  const int status = result.answer.status;
  return status == 502 || status == 503 || status == 504;
}

void log_given_up(const routing::WebhookJob& job, unsigned tries) {
  observe::LogLine(observe::Level::kError, "$disconnect given up")
      .field("connection", job.facts->id.view())
      .field("endpoint", job.facts->endpoint->conf.name)
      .field("tries", static_cast<uint64_t>(tries));
}

}  // namespace

DisconnectBacklog::DisconnectBacklog(CallContext& context, backend::BackendPool& pool,
                                     OutageGate& gate, Random& random)
    : context_(context), pool_(pool), gate_(gate), random_(random) {}

DisconnectBacklog::~DisconnectBacklog() {
  for (const auto& [call, pending] : pending_) {
    if (pending.is_probe) gate_.end_probe();
  }
}

void DisconnectBacklog::add(const routing::WebhookJob& job) {
  ready_.push_back({OwnedJob(job), context_.loop.now_ms()});
  pump();
}

// Sends what may be sent now, and arms the deadline for what may be sent later.
void DisconnectBacklog::pump() {
  const uint64_t now_ms = context_.loop.now_ms();
  while (!delayed_.empty() && delayed_.begin()->first <= now_ms) {
    ready_.push_back(std::move(delayed_.begin()->second));
    delayed_.erase(delayed_.begin());
  }
  if (!is_out_) {
    while (!ready_.empty() && calls_.size() < kInFlight) {
      Entry entry = std::move(ready_.front());
      ready_.pop_front();
      if (!give_up_if_old(entry)) send(std::move(entry));
    }
  } else if (!ready_.empty() && calls_.empty() && now_ms >= next_probe_ms_) {
    while (!ready_.empty() && give_up_if_old(ready_.front())) ready_.pop_front();
    if (!ready_.empty() && gate_.begin_probe()) {
      Entry entry = std::move(ready_.front());
      ready_.pop_front();
      send(std::move(entry));
    } else {
      next_probe_ms_ = now_ms + kProbeTakenMs;
    }
  }
  update_gauge();
  arm();
}

void DisconnectBacklog::send(Entry entry) {
  const Pending pending{entry.since_ms, entry.failures, is_out_};
  calls_.emplace_back(context_, pool_, std::move(entry.job), backend::Priority::kBacklog,
                      static_cast<CallListener*>(this));
  WebhookCall& call = calls_.back();
  call.place = std::prev(calls_.end());
  pending_.emplace(&call, pending);
  call.start();
}

void DisconnectBacklog::on_call_done(WebhookCall& call, routing::WebhookResult& result) {
  const Pending pending = pending_.extract(&call).mapped();
  Entry entry{call.take_job(), pending.since_ms, pending.failures + 1};
  calls_.erase(call.place);
  if (pending.is_probe) gate_.end_probe();
  if (means_outage(result)) {
    // Calls that were under way when the outage began say nothing new.
    if (!is_out_ || pending.is_probe) begin_or_extend_outage();
    ready_.push_back(std::move(entry));
  } else {
    is_out_ = false;
    outage_failures_ = 0;
    if (!webhook::ends_disconnect_retries(result.answer.status)) delay(std::move(entry));
  }
  pump();
}

void DisconnectBacklog::begin_or_extend_outage() {
  is_out_ = true;
  next_probe_ms_ = context_.loop.now_ms() + jittered(++outage_failures_);
}

void DisconnectBacklog::delay(Entry entry) {
  const uint64_t due_ms = context_.loop.now_ms() + jittered(entry.failures);
  delayed_.emplace(due_ms, std::move(entry));
}

uint64_t DisconnectBacklog::jittered(unsigned failures) {
  const unsigned doublings = std::min(failures - 1, 7U);
  return random_.below(std::min(kFirstDelayMs << doublings, kMaxDelayMs) + 1);
}

bool DisconnectBacklog::give_up_if_old(const Entry& entry) {
  const conf::Endpoint& endpoint = entry.job->facts->endpoint->conf;
  const auto limit_ms = static_cast<uint64_t>(endpoint.disconnect_retry.count());
  if (context_.loop.now_ms() - entry.since_ms < limit_ms || entry.failures == 0) return false;
  log_given_up(*entry.job, entry.failures);
  return true;
}

void DisconnectBacklog::arm() {
  uint64_t due_ms = delayed_.empty() ? UINT64_MAX : delayed_.begin()->first;
  if (is_out_ && !ready_.empty() && calls_.empty()) due_ms = std::min(due_ms, next_probe_ms_);
  if (due_ms == UINT64_MAX) {
    deadline_.cancel();
    return;
  }
  const uint64_t now_ms = context_.loop.now_ms();
  context_.loop.deadlines().arm(deadline_, due_ms > now_ms ? due_ms - now_ms : 0);
}

void DisconnectBacklog::on_deadline(net::Deadline&) { pump(); }

void DisconnectBacklog::give_up() {
  for (const WebhookCall& call : calls_) log_given_up(*call.job(), pending_.at(&call).failures);
  for (const Entry& entry : ready_) log_given_up(*entry.job, entry.failures);
  for (const auto& [due_ms, entry] : delayed_) log_given_up(*entry.job, entry.failures);
  for (const auto& [call, pending] : pending_) {
    if (pending.is_probe) gate_.end_probe();
  }
  pending_.clear();
  calls_.clear();
  ready_.clear();
  delayed_.clear();
  deadline_.cancel();
  update_gauge();
}

void DisconnectBacklog::update_gauge() {
  const auto change = static_cast<int64_t>(size()) - static_cast<int64_t>(counted_);
  context_.metrics.disconnect_backlog.add(change);
  counted_ = size();
}

}  // namespace sockhook::webhooks
