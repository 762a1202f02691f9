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

void log_end(observe::Level level, std::string_view what, const routing::WebhookJob& job,
             unsigned tries) {
  observe::LogLine(level, what)
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
  ready_.push_back({OwnedJob(job), {context_.loop.now_ms(), give_up_at_ms(job)}});
  pump();
}

// Counted from the end of the connection, which a dead node's has had some time ago.
uint64_t DisconnectBacklog::give_up_at_ms(const routing::WebhookJob& job) const {
  const int64_t limit_ms = job.facts->endpoint->conf.disconnect_retry.count();
  const int64_t age_ms = std::clamp<int64_t>(net::Loop::wall_ms() - job.time_ms, 0, limit_ms);
  return context_.loop.now_ms() + static_cast<uint64_t>(limit_ms - age_ms);
}

// Sends what may be sent now, and arms the deadline for what may be sent later.
void DisconnectBacklog::pump() {
  const uint64_t now_ms = context_.loop.now_ms();
  while (!delayed_.empty() && delayed_.begin()->first <= now_ms) {
    if (untold_delayed_ == delayed_.begin()) ++untold_delayed_;
    ready_.push_back(std::move(delayed_.begin()->second));
    delayed_.erase(delayed_.begin());
  }
  if (!is_out_) {
    while (!ready_.empty() && calls_.size() < kInFlight) {
      Entry entry = take_ready();
      if (!give_up_if_old(entry)) send(std::move(entry));
    }
  } else if (!ready_.empty() && calls_.empty() && now_ms >= next_probe_ms_) {
    while (!ready_.empty() && give_up_if_old(ready_.front())) take_ready();
    if (!ready_.empty() && gate_.begin_probe()) {
      send(take_ready());
    } else {
      next_probe_ms_ = now_ms + kProbeTakenMs;
    }
  }
  if (context_.journal != nullptr) tell_waiting();
  update_gauge();
  arm();
}

DisconnectBacklog::Entry DisconnectBacklog::take_ready() {
  Entry entry = std::move(ready_.front());
  ready_.pop_front();
  if (told_ready_ > 0) --told_ready_;
  return entry;
}

void DisconnectBacklog::send(Entry entry) {
  const Pending pending{entry.progress, is_out_};
  calls_.emplace_back(context_, pool_, std::move(entry.job), backend::Priority::kBacklog,
                      static_cast<CallListener*>(this));
  WebhookCall& call = calls_.back();
  call.place = std::prev(calls_.end());
  pending_.emplace(&call, pending);
  call.start();
}

void DisconnectBacklog::on_call_done(WebhookCall& call, routing::WebhookResult& result) {
  const Pending pending = pending_.extract(&call).mapped();
  Entry entry{call.take_job(), pending.progress};
  if (result.outcome != Outcome::kBreakerOpen) ++entry.progress.failures;
  calls_.erase(call.place);
  if (pending.is_probe) gate_.end_probe();
  if (means_outage(result)) {
    // Calls that were under way when the outage began say nothing new.
    if (!is_out_ || pending.is_probe) begin_or_extend_outage(result);
    tell(entry.job, entry.progress);
    ready_.push_back(std::move(entry));
  } else {
    is_out_ = false;
    outage_failures_ = 0;
    if (webhook::ends_disconnect_retries(result.answer.status)) {
      settle(entry.job);
    } else {
      tell(entry.job, entry.progress);
      delay(std::move(entry), result.retry_after_ms);
    }
  }
  pump();
}

void DisconnectBacklog::begin_or_extend_outage(const routing::WebhookResult& result) {
  is_out_ = true;
  // An open breaker knows when it lets the next one pass; nothing has been tried.
  const uint64_t own_ms =
      result.outcome == Outcome::kBreakerOpen ? kProbeTakenMs : jittered(++outage_failures_);
  next_probe_ms_ = context_.loop.now_ms() + std::max(own_ms, result.retry_after_ms);
}

void DisconnectBacklog::delay(Entry entry, uint64_t at_least_ms) {
  const uint64_t delay_ms = std::max(jittered(entry.progress.failures), at_least_ms);
  const uint64_t due_ms = context_.loop.now_ms() + delay_ms;
  delayed_.emplace(due_ms, std::move(entry));
}

uint64_t DisconnectBacklog::jittered(unsigned failures) {
  const unsigned doublings = std::min(failures - 1, 7U);
  return random_.below(std::min(kFirstDelayMs << doublings, kMaxDelayMs) + 1);
}

bool DisconnectBacklog::give_up_if_old(const Entry& entry) {
  const Progress& progress = entry.progress;
  if (context_.loop.now_ms() < progress.give_up_at_ms || progress.failures == 0) return false;
  log_end(observe::Level::kError, "$disconnect given up", *entry.job, progress.failures);
  settle(entry.job);
  return true;
}

void DisconnectBacklog::arm() {
  uint64_t due_ms = delayed_.empty() ? UINT64_MAX : delayed_.begin()->first;
  if (is_out_ && !ready_.empty() && calls_.empty()) due_ms = std::min(due_ms, next_probe_ms_);
  if (context_.journal != nullptr) due_ms = std::min(due_ms, next_telling_ms());
  if (due_ms == UINT64_MAX) {
    deadline_.cancel();
    return;
  }
  const uint64_t now_ms = context_.loop.now_ms();
  context_.loop.deadlines().arm(deadline_, due_ms > now_ms ? due_ms - now_ms : 0);
}

void DisconnectBacklog::on_deadline(net::Deadline&) { pump(); }

// ---------------------------------------------------------------------------------------------
// What the journal is told.

void DisconnectBacklog::settle(const OwnedJob& job) {
  if (context_.journal != nullptr) context_.journal->settled(job->facts->id);
}

void DisconnectBacklog::tell(const OwnedJob& job, Progress& progress) {
  if (context_.journal == nullptr || progress.told_in == telling_) return;
  progress.told_in = telling_;
  context_.journal->owed(*job);
}

// Those that have waited for long enough: the first ones of ready_, in which only new entries are
// untold; and all others after tell_again().
void DisconnectBacklog::tell_waiting() {
  const uint64_t now_ms = context_.loop.now_ms();
  std::size_t left = kTellAtOnce;
  for (; left > 0 && told_ready_ < ready_.size(); ++told_ready_, --left) {
    Entry& entry = ready_[told_ready_];
    const bool is_told = entry.progress.told_in == telling_;
    if (!is_told && now_ms < entry.progress.added_ms + kTellAfterMs) break;
    tell(entry.job, entry.progress);
  }
  for (; left > 0 && untold_delayed_ != delayed_.end(); ++untold_delayed_, --left) {
    tell(untold_delayed_->second.job, untold_delayed_->second.progress);
  }
  for (auto& [call, pending] : pending_) {
    if (now_ms < pending.progress.added_ms + kTellAfterMs) continue;
    tell(call->job(), pending.progress);
  }
}

uint64_t DisconnectBacklog::next_telling_ms() const {
  if (untold_delayed_ != delayed_.end()) return context_.loop.now_ms();
  uint64_t due_ms = UINT64_MAX;
  if (told_ready_ < ready_.size()) due_ms = ready_[told_ready_].progress.added_ms + kTellAfterMs;
  for (const auto& [call, pending] : pending_) {
    if (pending.progress.told_in == telling_) continue;
    due_ms = std::min(due_ms, pending.progress.added_ms + kTellAfterMs);
  }
  return due_ms;
}

void DisconnectBacklog::tell_again() {
  ++telling_;
  told_ready_ = 0;
  untold_delayed_ = delayed_.begin();
  pump();
}

// ---------------------------------------------------------------------------------------------
// The end.

template <typename Visitor>
void DisconnectBacklog::for_each(Visitor visit) {
  for (auto& [call, pending] : pending_) visit(call->job(), pending.progress);
  for (Entry& entry : ready_) visit(entry.job, entry.progress);
  for (auto& [due_ms, entry] : delayed_) visit(entry.job, entry.progress);
}

void DisconnectBacklog::end() {
  for_each([this](const OwnedJob& job, Progress& progress) {
    if (context_.journal != nullptr) {
      tell(job, progress);
      log_end(observe::Level::kInfo, "$disconnect handed over", *job, progress.failures);
    } else {
      log_end(observe::Level::kError, "$disconnect given up", *job, progress.failures);
    }
  });
  drop();
}

void DisconnectBacklog::drop() {
  for (const auto& [call, pending] : pending_) {
    if (pending.is_probe) gate_.end_probe();
  }
  pending_.clear();
  calls_.clear();
  ready_.clear();
  delayed_.clear();
  told_ready_ = 0;
  untold_delayed_ = delayed_.end();
  deadline_.cancel();
  update_gauge();
}

void DisconnectBacklog::update_gauge() {
  const auto change = static_cast<int64_t>(size()) - static_cast<int64_t>(counted_);
  context_.metrics.disconnect_backlog.add(change);
  counted_ = size();
}

}  // namespace sockhook::webhooks
