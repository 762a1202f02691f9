// Node: what all threads of this process share: the Config made ready, the node's identity, the
// limits that hold for the node as a whole, and the metrics.
//
// Owner: the Server, which outlives all threads. Immutable but for what guards itself.

#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "conf/config.h"
#include "protocol/http/cidr.h"
#include "protocol/webhook/connection_id.h"
#include "proxy/backend/backend_budget.h"
#include "proxy/client/admission.h"
#include "proxy/observe/metrics.h"
#include "proxy/routing/routing_table.h"
#include "proxy/webhook/outage_gate.h"

namespace sockhook {

// What a backend's pools on all workers share.
struct SharedBackend {
  std::shared_ptr<const conf::Backend> conf;
  std::unique_ptr<backend::BackendBudget> budget;
  std::unique_ptr<webhooks::OutageGate> gate;
};

struct Node {
  Node(std::shared_ptr<const conf::Config> config, unsigned workers, std::size_t max_connections);

  const std::shared_ptr<const conf::Config> config;
  const unsigned workers;
  const std::string name;
  const webhook::IdScheme ids;
  const routing::RoutingTable routes;
  const std::vector<http::Cidr> trusted_proxies;
  client::Admission admission;
  observe::Metrics metrics;
  std::atomic<bool> is_short_of_memory{false};
  std::atomic<bool> is_draining{false};

  // Filled by the Server once the workers, whom budgets wake, exist.
  std::vector<SharedBackend> backends;
};

}  // namespace sockhook
