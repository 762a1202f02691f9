// MetricFamily: one metric's name, type and labels; all of them in the order of the text.
//
// docs/metrics.md has the same rows (a test holds the two equal). Constant; any thread.

#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace sockhook::observe {

struct MetricFamily {
  std::string_view name;
  std::string_view type;    // counter, gauge or histogram
  std::string_view labels;  // "endpoint, result"
  std::string_view help;
};

// The order of metric_families(), and of the calls in metrics_text().
enum Family : std::size_t {
  kConnections,
  kHandshakes,
  kCloses,
  kMessages,
  kMessageBytes,
  kWebhookDuration,
  kWebhooks,
  kWebhookBatches,
  kWebhooksInFlight,
  kWebhooksQueued,
  kWebhookRetries,
  kBreakerState,
  kBreakerOpenings,
  kPushes,
  kDisconnectBacklog,
  kSlowClients,
  kIgnoredEffects,
  kPassthrough,
  kManagementRequests,
  kOperations,
  kOperationsWaiting,
  kOperationsLag,
  kBackplaneUp,
  kBackplaneLoop,
  kNodes,
  kLoopLag,
  kDroppedLogLines,
  kReloads,
  kKeyReads,
  kKeys,
  kKeysAge,
  kBuildInfo,
  kFamilyCount
};

std::span<const MetricFamily> metric_families();

}  // namespace sockhook::observe
