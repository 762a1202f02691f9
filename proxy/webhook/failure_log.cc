#include "proxy/webhook/failure_log.h"

#include "proxy/observe/log.h"

namespace sockhook::webhooks {

std::string_view to_string(routing::WebhookResult::Outcome outcome) {
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
    case Outcome::kQueueTimedOut:
      return "timed out waiting for a connection";
    case Outcome::kBreakerOpen:
      return "breaker open";
  }
  return "";
}

void log_failure(const JobEncoder& encoder, const routing::WebhookJob& job,
                 const WebhookFailure& failure) {
  observe::LogLine(observe::Level::kWarn, "webhook failed")
      .field("connection", job.facts->id.view())
      .field("request", encoder.event_id(job))
      .field("trace", job.facts->trace.trace.id_text())
      .field("endpoint", job.facts->endpoint->conf.name)
      .field("route", job.route->key)
      .field("backend", failure.backend)
      .optional_field("batch", failure.batch)
      .field("why", failure.why)
      .field("status", failure.status);
}

}  // namespace sockhook::webhooks
