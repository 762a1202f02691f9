// WebhookJob and WebhookResult: what the client side asks of the webhook side, and what comes back.
//
// The two sides know nothing of each other: the worker hands jobs over one way and results the
// other. A result finds its session by the id in the facts, or finds it gone.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/http/http_message.h"
#include "protocol/webhook/event.h"
#include "protocol/webhook/webhook_answer.h"
#include "proxy/routing/connection_facts.h"

namespace sockhook::routing {

struct WebhookJob {
  FactsPtr facts;
  const Route* route = nullptr;  // lives as long as facts->endpoint
  webhook::EventKind kind = webhook::EventKind::kMessage;
  int64_t time_ms = 0;  // wall clock: when it happened

  // kConnect; valid during the call that takes the job.
  const http::Headers* handshake = nullptr;
  std::string_view query;

  // kMessage; the payload is valid during the call that takes the job.
  uint64_t number = 0;
  std::string_view payload;
  bool is_binary = false;
  bool is_json = false;

  // kDisconnect.
  uint16_t close_code = 0;
  std::string close_reason;
  webhook::ClosedBy closed_by = webhook::ClosedBy::kClient;
};

struct WebhookResult {
  enum class Outcome : uint8_t {
    kAnswered,
    kTimedOut,
    kUnreachable,    // no connection
    kQueueTimedOut,  // no connection came free in the backend's queue_timeout
    kBreakerOpen,    // nothing was tried
    kBroken,         // reset or malformed
  };

  webhook::ConnectionId id;
  webhook::EventKind kind = webhook::EventKind::kMessage;
  uint64_t number = 0;
  Outcome outcome = Outcome::kBroken;
  bool may_have_arrived = false;  // false: the backend cannot have read the request, in no try
  uint64_t retry_after_ms = 0;    // kQueueTimedOut, kBreakerOpen, kAnswered; 0: nobody knows
  webhook::HttpAnswer answer;     // kAnswered
};

// Implemented by the worker.
class WebhookJobs {
 public:
  // The result comes later, from the loop; none for a $disconnect, which is retried until it has
  // arrived or was given up.
  virtual void start(const WebhookJob& job) = 0;

 protected:
  ~WebhookJobs() = default;
};

class WebhookResults {
 public:
  virtual void on_webhook_result(WebhookResult& result) = 0;

 protected:
  ~WebhookResults() = default;
};

}  // namespace sockhook::routing
