#include "proxy/observe/metrics_text.h"

#include <utility>

#include "proxy/observe/exposition.h"
#include "proxy/observe/log.h"

namespace sockhook::observe {
namespace {

template <typename Enum>
using Names = std::array<std::string_view, static_cast<std::size_t>(Enum::kCount)>;

constexpr Names<HandshakeResult> kHandshakeNames = {
    "malformed",       "not_found",    "not_upgrade", "origin_refused", "unauthorized",
    "no_keys",         "rate_limited", "node_full",   "endpoint_full",  "address_full",
    "user_full",       "draining",     "node_lost",   "accepted",       "refused",
    "backend_failure", "backend_busy", "timed_out",   "deleted",        "client_gone"};
constexpr Names<ClosedBy> kClosedByNames = {"client", "backend", "proxy"};
constexpr Names<WebhookResult> kWebhookNames = {
    "ok",          "rejected", "failed",          "malformed",    "timed_out",
    "unreachable", "reset",    "queue_timed_out", "breaker_open", "abandoned"};
constexpr Names<PassthroughResult> kPassthroughNames = {
    "answered", "unreachable", "timed_out", "queue_timed_out", "broken", "client_gone"};
constexpr Names<PushTarget> kTargetNames = {"connection", "group", "user", "everyone"};
constexpr Names<PushResult> kPushNames = {"delivered",  "held",        "gone",     "too_large",
                                          "slow",       "forbidden",   "failed",   "submitted",
                                          "overloaded", "unavailable", "timed_out"};
constexpr Names<PushPath> kPathNames = {"local", "remote"};
constexpr Names<OperationResult> kOperationNames = {"done", "rejected", "malformed", "retried"};
constexpr Names<ReloadResult> kReloadNames = {"ok", "refused"};

// Sums one cell over all workers; `cell` finds it in a worker's shard.
template <typename Cell>
auto sum(const Metrics& metrics, Cell cell) {
  decltype(cell(*metrics.workers.front()).value()) total = 0;
  for (const auto& worker : metrics.workers) total += cell(*worker).value();
  return total;
}

// Visits each endpoint as (its name, a function from a worker to its shard of that endpoint).
template <typename Visitor>
void each_endpoint(const Metrics& metrics, Visitor visit) {
  for (std::size_t i = 0; i < metrics.workers.front()->endpoints.size(); ++i) {
    visit(std::string_view(metrics.workers.front()->endpoints[i]->name),
          [i](const WorkerMetrics& worker) -> const EndpointMetrics& {
            return *worker.endpoints[i];
          });
  }
}

template <typename Enum, typename Visitor>
void each_name(const Names<Enum>& names, Visitor visit) {
  for (std::size_t i = 0; i < names.size(); ++i) visit(static_cast<Enum>(i), names[i]);
}

void write_connections(Exposition& out, const Metrics& metrics) {
  out.begin(kConnections);
  each_endpoint(metrics, [&](std::string_view name, auto shard) {
    out.sample({{"endpoint", name}},
               sum(
                   metrics, [&](auto& worker) -> auto& { return shard(worker).connections; }));
  });

  out.begin(kHandshakes);
  each_endpoint(metrics, [&](std::string_view name, auto shard) {
    each_name<HandshakeResult>(kHandshakeNames, [&](auto result, std::string_view label) {
      out.sample(
          {{"endpoint", name}, {"result", label}},
          sum(
              metrics, [&](auto& worker) -> auto& { return shard(worker).handshakes[result]; }));
    });
  });
  each_name<HandshakeResult>(kHandshakeNames, [&](auto result, std::string_view label) {
    const uint64_t count = sum(
        metrics, [&](auto& worker) -> auto& { return worker.unmatched_handshakes[result]; });
    if (count != 0) out.sample({{"endpoint", ""}, {"result", label}}, count);
  });

  out.begin(kCloses);
  each_endpoint(metrics, [&](std::string_view name, auto shard) {
    each_name<ClosedBy>(kClosedByNames, [&](auto by, std::string_view by_name) {
      std::map<uint16_t, uint64_t> by_code;
      for (const auto& worker : metrics.workers) {
        shard(*worker).closes[static_cast<std::size_t>(by)].each(
            [&](uint16_t code, uint64_t count) { by_code[code] += count; });
      }
      for (const auto& [code, count] : by_code) {
        const std::string code_name = code == 0 ? "other" : std::to_string(code);
        out.sample({{"endpoint", name}, {"code", code_name}, {"by", by_name}}, count);
      }
    });
  });
}

void write_messages(Exposition& out, const Metrics& metrics) {
  const auto write = [&](Family family, auto in, auto out_cell) {
    out.begin(family);
    each_endpoint(metrics, [&](std::string_view name, auto shard) {
      out.sample({{"endpoint", name}, {"direction", "in"}},
                 sum(
                     metrics, [&](auto& worker) -> auto& { return shard(worker).*in; }));
      out.sample({{"endpoint", name}, {"direction", "out"}},
                 sum(
                     metrics, [&](auto& worker) -> auto& { return shard(worker).*out_cell; }));
    });
  };
  write(kMessages, &EndpointMetrics::messages_in, &EndpointMetrics::messages_out);
  write(kMessageBytes, &EndpointMetrics::message_bytes_in, &EndpointMetrics::message_bytes_out);
}

// Visits each route as (endpoint, route key, its shards of all workers).
template <typename Visitor>
void each_route(const Metrics& metrics, Visitor visit) {
  each_endpoint(metrics, [&](std::string_view name, auto shard) {
    for (const auto& [key, unused] : shard(*metrics.workers.front()).routes) {
      std::vector<const RouteMetrics*> shards;
      for (const auto& worker : metrics.workers) {
        shards.push_back(shard(*worker).routes.find(key)->second.get());
      }
      visit(name, std::string_view(key), shards);
    }
  });
}

void write_webhooks(Exposition& out, const Metrics& metrics) {
  constexpr std::pair<std::string_view, Histogram RouteMetrics::*> kPhases[] = {
      {"queue", &RouteMetrics::queue},
      {"connect", &RouteMetrics::connect},
      {"backend", &RouteMetrics::backend}};
  out.begin(kWebhookDuration);
  each_route(metrics, [&](std::string_view endpoint, std::string_view route, const auto& shards) {
    for (const auto& [phase, histogram] : kPhases) {
      std::vector<const Histogram*> histograms;
      histograms.reserve(shards.size());
      for (const RouteMetrics* shard : shards) histograms.push_back(&(shard->*histogram));
      out.histogram({{"endpoint", endpoint}, {"route", route}, {"phase", phase}}, histograms);
    }
  });

  out.begin(kWebhooks);
  each_route(metrics, [&](std::string_view endpoint, std::string_view route, const auto& shards) {
    each_name<WebhookResult>(kWebhookNames, [&](auto result, std::string_view label) {
      uint64_t count = 0;
      for (const RouteMetrics* shard : shards) count += shard->results[result].value();
      out.sample({{"endpoint", endpoint}, {"route", route}, {"result", label}}, count);
    });
  });

  out.begin(kWebhookBatches);
  each_route(metrics, [&](std::string_view endpoint, std::string_view route, const auto& shards) {
    uint64_t count = 0;
    for (const RouteMetrics* shard : shards) count += shard->batches.value();
    if (count != 0) out.sample({{"endpoint", endpoint}, {"route", route}}, count);
  });
}

// Cells of the workers that have no labels.
template <typename Cell>
void write_plain(Exposition& out, const Metrics& metrics, Family family,
                 Cell WorkerMetrics::*cell) {
  out.begin(family);
  out.sample({}, sum(
                     metrics, [&](auto& worker) -> auto& { return worker.*cell; }));
}

// Only what has happened: most targets never meet most results.
void write_pushes(Exposition& out, const ControlMetrics& control) {
  out.begin(kPushes);
  each_name<PushPath>(kPathNames, [&](auto path, std::string_view path_name) {
    each_name<PushTarget>(kTargetNames, [&](auto target, std::string_view target_name) {
      each_name<PushResult>(kPushNames, [&](auto result, std::string_view label) {
        const auto& of_path = control.pushes[static_cast<std::size_t>(path)];
        const uint64_t count = of_path[static_cast<std::size_t>(target)][result].value();
        if (count == 0 && result != PushResult::kDelivered) return;
        out.sample({{"target", target_name}, {"result", label}, {"path", path_name}}, count);
      });
    });
  });
}

void write_requests(Exposition& out, const Metrics& metrics) {
  out.begin(kPassthrough);
  each_name<PassthroughResult>(kPassthroughNames, [&](auto result, std::string_view label) {
    out.sample({{"result", label}},
               sum(
                   metrics, [&](auto& worker) -> auto& { return worker.passthrough[result]; }));
  });
  out.begin(kManagementRequests);
  constexpr std::string_view kClasses[] = {"", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (const std::size_t first_digit : {2U, 4U, 5U}) {
    out.sample({{"status", kClasses[first_digit]}},
               metrics.control.management_answers[first_digit].value());
  }
}

void write_operations(Exposition& out, const Metrics& metrics, const NodeFacts& facts) {
  out.begin(kOperations);
  each_name<OperationResult>(kOperationNames, [&](auto result, std::string_view label) {
    out.sample({{"result", label}}, metrics.control.operations[result].value());
  });
  out.begin(kOperationsWaiting);
  out.sample({}, uint64_t{facts.operations_waiting});
  out.begin(kOperationsLag);
  out.sample({}, facts.operations_lag_seconds);
}

void write_loop_lag(Exposition& out, const Metrics& metrics) {
  constexpr double kMicroseconds = 1e6;
  out.begin(kLoopLag);
  out.sample({{"loop", "control"}},
             static_cast<double>(metrics.control.loop_lag_us.value()) / kMicroseconds);
  for (std::size_t i = 0; i < metrics.workers.size(); ++i) {
    const std::string loop = "worker-" + std::to_string(i);
    out.sample({{"loop", loop}},
               static_cast<double>(metrics.workers[i]->loop_lag_us.value()) / kMicroseconds);
  }
}

void write_keys(Exposition& out, const std::vector<KeyFacts>& sources) {
  out.begin(kKeyReads);
  for (const KeyFacts& facts : sources) {
    out.sample({{"source", facts.source}, {"result", "ok"}}, facts.good_reads);
    out.sample({{"source", facts.source}, {"result", "failed"}}, facts.failed_reads);
  }
  out.begin(kKeys);
  for (const KeyFacts& facts : sources) {
    out.sample({{"source", facts.source}}, uint64_t{facts.keys});
  }
  out.begin(kKeysAge);
  for (const KeyFacts& facts : sources) out.sample({{"source", facts.source}}, facts.age_seconds);
}

void write_breakers(Exposition& out, const std::vector<BreakerFacts>& breakers) {
  out.begin(kBreakerState);
  for (const BreakerFacts& facts : breakers) {
    out.sample({{"backend", facts.backend}}, uint64_t{facts.state});
  }
  out.begin(kBreakerOpenings);
  for (const BreakerFacts& facts : breakers) {
    out.sample({{"backend", facts.backend}}, facts.openings);
  }
}

void write_node(Exposition& out, const Metrics& metrics, const NodeFacts& facts) {
  out.begin(kBackplaneUp);
  out.sample({}, uint64_t{facts.is_backplane_up ? 1U : 0U});
  out.begin(kBackplaneLoop);
  out.sample({}, facts.backplane_loop_seconds);
  out.begin(kNodes);
  out.sample({}, uint64_t{facts.nodes});
  write_loop_lag(out, metrics);
  out.begin(kDroppedLogLines);
  out.sample({}, dropped_log_lines());
  out.begin(kReloads);
  each_name<ReloadResult>(kReloadNames, [&](auto result, std::string_view label) {
    out.sample({{"result", label}}, metrics.control.reloads[result].value());
  });
  write_keys(out, facts.keys);
  out.begin(kBuildInfo);
  out.sample({{"version", facts.version}}, uint64_t{1});
}

}  // namespace

std::string metrics_text(const Metrics& metrics, const NodeFacts& facts) {
  Exposition out;
  write_connections(out, metrics);
  write_messages(out, metrics);
  write_webhooks(out, metrics);
  write_plain(out, metrics, kWebhooksInFlight, &WorkerMetrics::webhooks_in_flight);
  write_plain(out, metrics, kWebhooksQueued, &WorkerMetrics::webhooks_queued);
  write_plain(out, metrics, kWebhookRetries, &WorkerMetrics::webhook_retries);
  write_breakers(out, facts.breakers);
  write_pushes(out, metrics.control);
  write_plain(out, metrics, kDisconnectBacklog, &WorkerMetrics::disconnect_backlog);
  write_plain(out, metrics, kSlowClients, &WorkerMetrics::slow_clients);
  write_plain(out, metrics, kIgnoredEffects, &WorkerMetrics::ignored_effects);
  write_requests(out, metrics);
  write_operations(out, metrics, facts);
  write_node(out, metrics, facts);
  return out.take();
}

}  // namespace sockhook::observe
