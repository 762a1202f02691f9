#include "proxy/observe/metrics.h"

namespace sockhook::observe {

void CloseCounts::add(uint16_t code) {
  if (code >= kFirstCode && code <= kLastCode) {
    standard_[code - kFirstCode].add();
    return;
  }
  for (OwnCode& own : own_) {
    const uint16_t taken = own.code.load(std::memory_order_relaxed);
    if (taken != 0 && taken != code) continue;
    own.closes.add();
    if (taken == 0) own.code.store(code, std::memory_order_release);
    return;
  }
  other_.add();
}

EndpointMetrics::EndpointMetrics(const conf::Endpoint& endpoint) : name(endpoint.name) {
  const auto add = [this](const conf::Route& route) {
    routes.emplace(route.key, std::make_unique<RouteMetrics>());
  };
  if (endpoint.routes.connect) add(*endpoint.routes.connect);
  if (endpoint.routes.disconnect) add(*endpoint.routes.disconnect);
  if (endpoint.routes.fallback) add(*endpoint.routes.fallback);
  for (const auto& [key, route] : endpoint.routes.by_key) add(route);
}

RouteMetrics* EndpointMetrics::route(std::string_view key) {
  const auto found = routes.find(key);
  return found == routes.end() ? nullptr : found->second.get();
}

WorkerMetrics::WorkerMetrics(const conf::Config& config) {
  for (const conf::Endpoint& endpoint : config.endpoints) {
    endpoints.push_back(std::make_unique<EndpointMetrics>(endpoint));
  }
}

Metrics::Metrics(const conf::Config& config, std::size_t worker_count) {
  for (std::size_t i = 0; i < worker_count; ++i) {
    workers.push_back(std::make_unique<WorkerMetrics>(config));
  }
}

}  // namespace sockhook::observe
