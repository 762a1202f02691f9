// Node: what all threads of this process share: the Config made ready, the node's identity, the
// limits that hold for the node as a whole, and the metrics.
//
// Owner: the Server, which outlives all threads. Immutable but for what guards itself.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "conf/config.h"
#include "protocol/http/cidr.h"
#include "protocol/webhook/connection_id.h"
#include "proxy/backend/backend_budget.h"
#include "proxy/backend/breaker.h"
#include "proxy/client/admission.h"
#include "proxy/keys/issuer_table.h"
#include "proxy/observe/metrics.h"
#include "proxy/routing/routing_table.h"
#include "proxy/tls_contexts.h"
#include "proxy/webhook/outage_gate.h"

namespace sockhook {

// What a backend's pools on all workers share.
struct SharedBackend {
  std::shared_ptr<const conf::Backend> conf;
  net::TlsContextPtr tls;  // null: plain
  std::unique_ptr<backend::BackendBudget> budget;
  std::unique_ptr<webhooks::OutageGate> gate;
  std::unique_ptr<backend::Breaker> breaker;  // null: off
};

struct Node {
  // Of a new life.
  static webhook::IdScheme fresh_ids();

  Node(std::shared_ptr<const conf::Config> config, unsigned workers, std::size_t max_connections,
       TlsContexts tls = {}, keys::IssuerTable issuers = {});

  const std::shared_ptr<const conf::Config> config;
  const std::shared_ptr<const TlsContexts> tls;  // of the start: see UseCertificates
  const keys::IssuerTable issuers;
  const unsigned workers;
  const std::string name;
  // Of the first life. Workers and control each hold that of the present one: a node that was
  // declared dead begins another (BeginNewLife).
  const webhook::IdScheme ids;
  const routing::RoutingTable routes;
  const std::vector<http::Cidr> trusted_proxies;
  client::Admission admission;
  observe::Metrics metrics;
  std::atomic<bool> is_short_of_memory{false};
  std::atomic<bool> is_draining{false};
  // Until then (uv_hrtime() / 1e6) no other node takes this one for dead, or it goes on without
  // knowing. Later webhooks wait for LeaseConfirmed. Without a cluster: for ever.
  std::atomic<uint64_t> lease_ok_until_ms{UINT64_MAX};
  // `partition: fence`, and the lease has run out: new clients are refused.
  std::atomic<bool> is_cut_off{false};

  // Filled by the Server once the workers, whom budgets wake, exist.
  std::vector<SharedBackend> backends;
};

}  // namespace sockhook
