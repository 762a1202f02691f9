// What a BackendPool does to spare its backend: the breaker and the longest wait.

#include <utility>

#include "proxy/backend/backend_pool.h"
#include "proxy/observe/log.h"

namespace sockhook::backend {

Breaker::Permit BackendPool::ask_breaker() {
  Breaker::Permit permit = breaker_->ask(loop_.now_ms());
  if (permit.is_probe()) {
    observe::LogLine(observe::Level::kDebug, "breaker half-open: a webhook probes")
        .field("backend", backend_->name);
  }
  return permit;
}

void BackendPool::report_good(Breaker::Permit permit) {
  if (!breaker_->succeeded(std::move(permit))) return;
  observe::LogLine(observe::Level::kInfo, "breaker closed").field("backend", backend_->name);
}

void BackendPool::report_failed(Breaker::Permit permit, uint64_t retry_after_ms) {
  const uint64_t now_ms = loop_.now_ms();
  if (!breaker_->failed(std::move(permit), now_ms, retry_after_ms)) return;
  observe::LogLine(observe::Level::kWarn, "breaker open")
      .field("backend", backend_->name)
      .field("open_ms", breaker_->open_for_ms(now_ms));
  refuse_waiting();
  update_wish();
  budget_.wake_all();  // the other workers' pools refuse what waits there
}

// Since the breaker has opened: those who were let in before.
void BackendPool::refuse_waiting() {
  const uint64_t openings = breaker_->openings();
  if (std::exchange(known_openings_, openings) == openings) return;
  for (FairQueue* queue : {&live_, &backlog_}) {
    RequestList waiting;
    while (PoolRequest* const request = queue->first()) {
      queue->remove(*request);
      waiting.append(*request);
    }
    while (PoolRequest* const request = waiting.first()) {
      waiting.remove(*request);
      if (request->permit_ && !request->permit_.is_valid()) {
        request->patience_.deadline.cancel();
        tell_later(*request, NoConnection::kBreakerOpen);
      } else {
        queue->append(*request);
      }
    }
  }
}

void BackendPool::on_patience_ended(PoolRequest& request) {
  fail(request, NoConnection::kQueueTimeout);
  update_wish();
}

uint64_t BackendPool::retry_after_ms(NoConnection why) const {
  if (why == NoConnection::kBreakerOpen) return breaker_->open_for_ms(loop_.now_ms());
  if (why != NoConnection::kQueueTimeout) return 0;
  return static_cast<uint64_t>(backend_->queue_timeout->count());
}

}  // namespace sockhook::backend
