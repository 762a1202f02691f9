// The one log line of a webhook that failed. Any thread.

#pragma once

#include <string_view>

#include "proxy/routing/webhook_job.h"
#include "proxy/webhook/job_encoder.h"

namespace sockhook::webhooks {

std::string_view to_string(routing::WebhookResult::Outcome outcome);

struct WebhookFailure {
  std::string_view why;
  int status = 0;            // 0: there was none
  std::string_view backend;  // its name
  std::string_view batch;    // the id of the request, if that was a batch
};

void log_failure(const JobEncoder& encoder, const routing::WebhookJob& job,
                 const WebhookFailure& failure);

}  // namespace sockhook::webhooks
